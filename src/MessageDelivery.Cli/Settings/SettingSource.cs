using System.Collections;
using System.Text;
using System.Text.Json;
using MessageDelivery.Hub.Linux;
using Microsoft.Extensions.Configuration;

namespace MessageDelivery.Cli.Settings;

/// <summary>The settings that one place names, each under its <see cref="Setting.Name"/>.</summary>
/// <param name="Description">The place, as an error names it for a setting.</param>
internal sealed class SettingSource(Func<Setting, string> Description)
{
    /// <summary>The file that is read where there is one, without being asked for.</summary>
    public const string DefaultFile = "mds.json";

    /// <summary>The variables that are not a hub's settings.</summary>
    public const string HubVariable = Setting.EnvironmentPrefix + "HUB";
    public const string TokenVariable = Setting.EnvironmentPrefix + "TOKEN";
    public const string ConfigVariable = Setting.EnvironmentPrefix + "CONFIG";

    /// <summary>What variables that only the client verbs read begin with.</summary>
    public const string ClientVariablePrefix = HubVariable + "_";

    private readonly Dictionary<Setting, IReadOnlyList<string>> _values = [];
    private readonly List<string> _serviceLinks = [];

    /// <summary>The variables that Kubernetes has set for its services, in alphabetical order; none of them is a setting.</summary>
    public IReadOnlyList<string> ServiceLinks => [.. _serviceLinks.Order(StringComparer.Ordinal)];

    /// <summary>Takes a setting's values; they are checked by <see cref="Apply"/>.</summary>
    public void Add(Setting setting, IReadOnlyList<string> values) => _values[setting] = values;

    /// <summary>Whether this place says something about a setting.</summary>
    public bool Names(Setting setting) => _values.ContainsKey(setting);

    /// <summary>What this place says about a setting it names, and where.</summary>
    public (IReadOnlyList<string> Values, string Place) Of(Setting setting) => (_values[setting], Description(setting));

    /// <summary>Lays what this place says over the settings.</summary>
    /// <param name="problems">Takes what is wrong, one line each; null throws the first.</param>
    /// <exception cref="CommandException">Something is wrong, and nobody collects that.</exception>
    public ServeSettings Apply(ServeSettings settings, ICollection<string>? problems = null)
    {
        RefuseBoth("port", "listen", problems);
        foreach (var (setting, values) in _values)
        {
            try
            {
                settings = values.Count > 0 && values.All(value => !string.IsNullOrWhiteSpace(value))
                    ? setting.Apply(settings, Checked(setting, values))
                    : throw new SettingValueException("it is empty");
            }
            catch (SettingValueException limit)
            {
                Tell(problems, $"{setting.Name} (from {Description(setting)}) is '{string.Join(',', values)}': {limit.Message}");
            }
        }

        return settings;
    }

    private static IReadOnlyList<string> Checked(Setting setting, IReadOnlyList<string> values) =>
        setting.File != FileUse.None && values.Any(value => value.Contains('\0', StringComparison.Ordinal))
            ? throw new SettingValueException("it must be the name of a file")
            : values;

    public static SettingSource FromEnvironment(IDictionary variables, ICollection<string>? problems = null)
    {
        var source = new SettingSource(setting => $"the environment variable {setting.EnvironmentName}");
        var names = HubSettings.All.ToDictionary(setting => setting.EnvironmentName);
        foreach (DictionaryEntry variable in variables)
        {
            string name = (string)variable.Key, value = (string?)variable.Value ?? "";
            if (!name.StartsWith(Setting.EnvironmentPrefix, StringComparison.Ordinal) || name is HubVariable or TokenVariable or ConfigVariable
                || name.StartsWith(ClientVariablePrefix, StringComparison.Ordinal))
            {
                continue;
            }

            if (ServiceLink.Is(name, value))
            {
                source._serviceLinks.Add(name);
                continue;
            }

            if (!names.TryGetValue(name, out var setting))
            {
                Tell(problems, $"the environment variable {name} is not a setting; 'mds serve --help' lists them");
                continue;
            }

            source.Add(setting, setting.IsList ? value.Split(',', StringSplitOptions.TrimEntries) : [value]);
        }

        return source;
    }

    public static SettingSource FromJson(string file, ICollection<string>? problems = null)
    {
        var source = new SettingSource(setting => $"{setting.JsonName} in {file}");
        var names = HubSettings.All.ToDictionary(setting => setting.JsonName, StringComparer.OrdinalIgnoreCase);
        foreach (var section in Read(file, problems))
        {
            if (!names.TryGetValue(section.Key, out var setting))
            {
                Tell(problems, $"'{section.Key}' in {file} is not a setting; 'mds serve --help' lists them");
                continue;
            }

            var items = section.GetChildren().ToList();
            if (items.Count > 0 && !(setting.IsList && items.All(item => item.Value is not null)))
            {
                Tell(problems, $"{setting.JsonName} in {file} is {(setting.IsList ? "a list of texts" : "one value")}");
                continue;
            }

            var values = items.Count > 0 ? items.Select(item => item.Value ?? "") : [section.Value ?? ""];
            source.Add(setting, [.. setting.File == FileUse.None ? values : values.Select(value => BesideFile(file, value))]);
        }

        return source;
    }

    /// <summary>A path as it is meant in a file of settings: one that is not absolute begins where that file is.</summary>
    private static string BesideFile(string file, string path) =>
        string.IsNullOrWhiteSpace(path) || OperationSettings.IsNoFile(path) || path.Contains('\0', StringComparison.Ordinal)
            ? path
            : Path.Combine(Path.GetDirectoryName(file) ?? "", path);

    private static IEnumerable<IConfigurationSection> Read(string file, ICollection<string>? problems)
    {
        try
        {
            // As text, since the file may have a byte order mark.
            byte[] json = Encoding.UTF8.GetBytes(InputFile.ReadText(file));
            return new ConfigurationBuilder().AddJsonStream(new MemoryStream(json)).Build().GetChildren();
        }
        catch (IOException exception)
        {
            Tell(problems, $"the configuration file {file} cannot be read: {exception.Message}");
        }
        catch (Exception exception) when (exception is FormatException or JsonException or InvalidDataException or InvalidOperationException or ArgumentException)
        {
            Tell(problems, $"the configuration file {file} is not valid json{Where(exception.InnerException ?? exception)}");
        }

        return [];
    }

    private static void Tell(ICollection<string>? problems, string problem)
    {
        if (problems is null)
        {
            throw new CommandException(ExitCode.Usage, problem);
        }

        problems.Add(problem);
    }

    // The reader counts lines from 0, which no editor does.
    private static string Where(Exception exception) =>
        exception is JsonException { LineNumber: { } line } && exception.Message.IndexOf(" LineNumber:", StringComparison.Ordinal) is > 0 and var end
            ? $", line {line + 1}: {exception.Message[..end]}"
            : $": {exception.Message}";

    private void RefuseBoth(string one, string other, ICollection<string>? problems)
    {
        var both = _values.Keys.Where(setting => setting.Name == one || setting.Name == other).ToList();
        if (both.Count == 2)
        {
            Tell(
                problems, $"{one} (from {Description(both[0])}) and {other} (from {Description(both[1])}) exclude each other: name every endpoint with {other}");
        }
    }
}
