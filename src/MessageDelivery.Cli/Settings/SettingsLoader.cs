namespace MessageDelivery.Cli.Settings;

/// <summary>One setting as it is in force: its values as they were written, and the place; null where nobody sets it.</summary>
internal sealed record EffectiveSetting(Setting Setting, string Value, string? Place);

/// <summary>The settings that all places together give.</summary>
/// <param name="Settings">What the hub is run with.</param>
/// <param name="File">The configuration file that was read; null is none.</param>
/// <param name="Effective">Each setting that is in force, in the table's order.</param>
/// <param name="ServiceLinks">The variables of Kubernetes that look like settings and are none.</param>
internal sealed record LoadedSettings(ServeSettings Settings, string? File, IReadOnlyList<EffectiveSetting> Effective, IReadOnlyList<string> ServiceLinks);

/// <summary>
/// Reads a hub's settings: command line over environment over file. It can be asked again while the hub runs; the command line stays
/// what it was.
/// </summary>
/// <param name="commandLine">What the command line says.</param>
/// <param name="file">The file that it names; null leaves that to the environment and the working directory.</param>
internal sealed class SettingsLoader(SettingSource commandLine, string? file)
{
    /// <summary>Settings that say the same thing: the stronger place's replaces both of a weaker one.</summary>
    private static readonly string[] Endpoints = ["port", "listen"];

    /// <summary>Reads everything now.</summary>
    /// <param name="problems">Takes all that is wrong, one line each; null throws the first.</param>
    /// <exception cref="CommandException">Something is wrong, and nobody collects that.</exception>
    public LoadedSettings Load(ICollection<string>? problems = null)
    {
        string? read = file ?? Environment.GetEnvironmentVariable(SettingSource.ConfigVariable);
        read ??= File.Exists(SettingSource.DefaultFile) ? SettingSource.DefaultFile : null;
        var settings = new ServeSettings();
        var sources = new List<SettingSource>(3);
        if (read is not null)
        {
            Lay(SettingSource.FromJson(read, problems));
        }

        var environment = SettingSource.FromEnvironment(Environment.GetEnvironmentVariables(), problems);
        Lay(environment);
        Lay(commandLine);
        var effective = Effective(sources).ToList();
        try
        {
            settings.CheckTogether(Named);
        }
        catch (CommandException exception) when (problems is not null)
        {
            problems.Add(exception.Message);
        }

        return new(settings, read, effective, environment.ServiceLinks);

        string Named(string name) => effective.Find(setting => setting.Setting.Name == name) is { Place: { } place } ? $"{name} (from {place})" : name;

        void Lay(SettingSource source)
        {
            sources.Add(source);
            settings = source.Apply(settings, problems);
        }
    }

    private static IEnumerable<EffectiveSetting> Effective(List<SettingSource> sources)
    {
        var endpoints = HubSettings.All.Where(setting => Endpoints.Contains(setting.Name)).ToList();
        var strongest = sources.FindLast(source => endpoints.Any(source.Names));
        foreach (var setting in HubSettings.All)
        {
            bool isEndpoint = endpoints.Contains(setting);
            if (isEndpoint && (strongest is null ? setting.Name != "listen" : !strongest.Names(setting)))
            {
                continue;
            }

            if ((isEndpoint ? strongest : sources.FindLast(source => source.Names(setting))) is not { } source)
            {
                yield return new(setting, setting.Default, null);
                continue;
            }

            var (values, place) = source.Of(setting);
            yield return new(setting, string.Join(',', values), place);
        }
    }
}
