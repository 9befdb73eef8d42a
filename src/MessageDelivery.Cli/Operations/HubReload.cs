using MessageDelivery.Cli.Settings;
using MessageDelivery.Cli.Terminal;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Cli.Operations;

/// <summary>New settings that a part has checked and made ready.</summary>
/// <param name="Apply">Puts them in force; does not fail.</param>
/// <param name="Discard">Lets go of them, if they are not to be in force after all.</param>
internal sealed record Change(Action Apply, Action? Discard = null)
{
    /// <summary>What the files have in them that they had not, in words for the log; empty where they are as they were.</summary>
    public string Files { get; init; } = "";

    /// <summary>What of the files cannot be used, and is left out; one line each.</summary>
    public IReadOnlyList<string> Skipped { get; init; } = [];
}

/// <summary>A part of a running hub that takes new settings without a restart.</summary>
internal interface IReloadable
{
    /// <summary>The names of the settings that it takes.</summary>
    IReadOnlyCollection<string> Settings { get; }

    /// <summary>Reads and checks all it needs, files included, and changes nothing yet. Called at each reload.</summary>
    /// <exception cref="CommandException">Something is wrong; the message says what.</exception>
    Change Prepare(ServeSettings settings);
}

/// <summary>
/// Reads the settings again and puts them in force: all that need no restart, or, if anything is wrong, none. Any thread.
/// </summary>
internal sealed class HubReload(SettingsLoader loader, LoadedSettings first, IReadOnlyList<IReloadable> parts, ILogger logger)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, string> _running =
        first.Effective.ToDictionary(setting => setting.Setting.Name, setting => setting.Value);

    /// <summary>Reads everything; true if it is in force now. What is wrong is logged.</summary>
    public bool Reload()
    {
        lock (_lock)
        {
            var problems = new List<string>();
            var changes = new List<Change>();
            var loaded = Load(problems, changes);
            if (loaded is null || problems.Count > 0)
            {
                changes.ForEach(change => change.Discard?.Invoke());
                problems.ForEach(problem => logger.ReloadFailed(OneLine.Of(problem)));
                return false;
            }

            changes.ForEach(Apply);
            Tell(loaded, changes);
            return true;
        }
    }

    private LoadedSettings? Load(List<string> problems, List<Change> changes)
    {
        try
        {
            var loaded = loader.Load(problems);
            if (problems.Count == 0)
            {
                problems.AddRange(SettingsCheck.Problems(loaded.Settings));
            }

            foreach (var part in problems.Count == 0 ? parts : [])
            {
                Prepare(part, loaded, problems, changes);
            }

            return loaded;
        }
        catch (Exception exception)
        {
            // Whatever a file holds: the hub goes on with what it has.
            logger.ReloadDefect(exception);
            problems.Add("a defect in the program, told in the line before");
            return null;
        }
    }

    private void Apply(Change change)
    {
        try
        {
            change.Apply();
        }
        catch (Exception exception)
        {
            // The others are in force, or will be: this is a defect, and no reason to lose the hub.
            logger.ReloadDefect(exception);
        }
    }

    private static void Prepare(IReloadable part, LoadedSettings loaded, List<string> problems, List<Change> changes)
    {
        try
        {
            changes.Add(part.Prepare(loaded.Settings));
        }
        catch (CommandException exception)
        {
            problems.Add(exception.Message);
        }
    }

    private void Tell(LoadedSettings loaded, List<Change> changes)
    {
        var live = parts.SelectMany(part => part.Settings).ToHashSet();
        var next = loaded.Effective.ToDictionary(setting => setting.Setting.Name, setting => setting.Value);
        var changed = new List<string>();
        foreach (string name in HubSettings.All.Select(setting => setting.Name))
        {
            string? running = _running.GetValueOrDefault(name), value = next.GetValueOrDefault(name);
            if (running == value)
            {
                continue;
            }

            if (!live.Contains(name))
            {
                logger.NeedsRestart(name, value ?? "not set", running ?? "not set");
                continue;
            }

            changed.Add($"{name} {value}");
            _running[name] = value ?? "";
        }

        changed.AddRange(changes.Select(change => change.Files).Where(files => files.Length > 0));
        foreach (string skipped in changes.SelectMany(change => change.Skipped))
        {
            logger.KeySkipped(OneLine.Of(skipped));
        }

        logger.Reloaded(changed.Count > 0 ? OneLine.Of(string.Join(", ", changed)) : "no setting that takes effect without a restart, and no file");
    }
}
