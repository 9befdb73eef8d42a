using System.CommandLine;
using MessageDelivery.Cli.Operations;
using MessageDelivery.Cli.Output;
using MessageDelivery.Cli.Settings;
using MessageDelivery.Cli.Terminal;

namespace MessageDelivery.Cli.Verbs;

/// <summary><c>mds check-config</c>: what <c>mds serve</c> would run with, and all that is wrong with it.</summary>
internal static class CheckConfigCommand
{
    public static Command Create()
    {
        var json = new Option<bool>("--json") { Description = "Print one JSON object: file, settings and problems." };
        var options = new ServeOptions();
        var command = new Command("check-config", "Check the settings of a hub without running it.") { json };
        options.AddTo(command);
        CommandHelp.Add(
            command,
            """
            Reads the command line, the environment and the configuration file as 'mds serve' would, and the files that they name.
            Prints each setting that is in force and where it came from; with a problem, prints all problems to stderr instead and
            ends with exit code 2. Listens nowhere and changes nothing. With --json the problems are in the object on standard output.
            """,
            "mds check-config --config /etc/mds/mds.json",
            "MDS_QUEUE_LIMIT=1MiB mds check-config --port 1234");
        command.SetAction((arguments, _) => Task.FromResult((int)Run(options.Read(arguments), arguments.GetValue(json))));
        return command;
    }

    private static ExitCode Run(SettingsLoader loader, bool asJson)
    {
        var problems = new List<string>();
        var loaded = loader.Load(problems);
        if (problems.Count == 0)
        {
            problems.AddRange(SettingsCheck.Problems(loaded.Settings));
        }

        if (asJson)
        {
            var settings = problems.Count > 0 ? [] : loaded.Effective;
            JsonOutput.Write(
                new PrintedConfiguration(
                    loaded.File, [.. settings.Select(setting => new PrintedSetting(setting.Setting.Name, setting.Value, setting.Place))], problems, loaded.ServiceLinks),
                OutputJson.Default.PrintedConfiguration);
            return problems.Count > 0 ? ExitCode.Usage : ExitCode.Ok;
        }

        foreach (string problem in problems)
        {
            Console.Error.WriteLine($"mds: {OneLine.Of(problem)}");
        }

        if (problems.Count > 0)
        {
            return ExitCode.Usage;
        }

        foreach (string skipped in loaded.Settings.Auth.Load().Skipped)
        {
            Console.Error.WriteLine($"mds: warning: a key is not used: {OneLine.Of(skipped)}");
        }

        if (loaded.ServiceLinks.Count > 0)
        {
            Console.Error.WriteLine($"mds: ignored, since Kubernetes sets them for its services: {OneLine.Of(string.Join(", ", loaded.ServiceLinks))}");
        }

        Print(loaded);
        return ExitCode.Ok;
    }

    private static void Print(LoadedSettings loaded)
    {
        Console.Out.WriteLine(loaded.File is null ? "no configuration file" : $"configuration file {OneLine.Of(loaded.File)}");
        int names = loaded.Effective.Max(setting => setting.Setting.Name.Length);
        int values = Math.Min(30, loaded.Effective.Max(setting => setting.Value.Length));
        foreach (var (setting, value, place) in loaded.Effective)
        {
            Console.Out.WriteLine(
                $"{setting.Name.PadRight(names)}  {OneLine.Of(value).PadRight(values)}  {OneLine.Of(place is null ? "default" : $"from {place}")}");
        }
    }
}
