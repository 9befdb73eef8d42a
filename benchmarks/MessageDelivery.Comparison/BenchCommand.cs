using System.CommandLine;
using System.CommandLine.Parsing;
using MessageDelivery.Comparison.Measuring;
using MessageDelivery.Comparison.Reporting;
using MessageDelivery.Comparison.Results;
using MessageDelivery.Comparison.Rows;
using MessageDelivery.Comparison.Servers;

namespace MessageDelivery.Comparison;

/// <summary>The command <c>bench</c>: measures, or writes the report of what was measured.</summary>
internal static class BenchCommand
{
    private const int Failed = 1;
    private const int Unusable = 2;
    private const int Interrupted = 130;
    private static readonly string Folder = Path.Combine(Repository.Root, "artifacts", "bench");

    public static RootCommand Create()
    {
        var rounds = Option("--rounds", 5, "N", "Rounds of each row; in each, every server has one turn.");
        var seconds = Option("--seconds", 1.0, "SECONDS", "Measured seconds of each turn.");
        var warmUp = Option("--warm-up", 0.5, "SECONDS", "Seconds of the same load before.");
        rounds.Validators.Add(result => Refuse(result, result.GetValueOrDefault<int>() is < 1 or > 1000, "1 to 1000"));
        seconds.Validators.Add(result => Refuse(result, result.GetValueOrDefault<double>() is not (>= 0.1 and <= 3600), "0.1 to 3600"));
        warmUp.Validators.Add(result => Refuse(result, result.GetValueOrDefault<double>() is not (>= 0 and <= 3600), "0 to 3600"));
        var quick = Option("--quick", false, null, "One round of 0.3 s, to see that everything works; its figures mean nothing.");
        var only = Names("--only", "ROW", RowTable.All.Select(row => row.Name), "Only these rows; the report is left as it is.");
        var servers = Names(
            "--servers", "SERVER", ServerTable.Create("mds").Select(server => server.Name), "Only these servers; the report is left as it is.");
        var list = Option("--list", false, null, "Lists the rows and ends.");
        var report = Option("--report", false, null, "Writes the report anew from the results of the last run, without measuring.");
        var results = Option<string?>("--results", null, "FILE", "The file of raw results. Default: artifacts/bench/results.jsonl, "
            + "or partial.jsonl beside it where less than everything is measured.");
        var docs = Option("--docs", Path.Combine(Repository.Root, "docs"),
            "FOLDER", "The folder that benchmarks.md and benchmarks/*.svg are written to.");
        var hub = Option("--hub", Path.Combine(Repository.Root, "artifacts", "mds"),
            "PROGRAM", "Another build of the hub to measure; by default the one that ./publish makes.");
        var command = new RootCommand("Compares the hub with other servers, and writes docs/benchmarks.md.")
        {
            rounds, seconds, warmUp, quick, only, servers, list, report, results, docs, hub,
        };
        command.SetAction(async (arguments, stop) =>
        {
            var chosen = Choose(arguments.GetValue(only) ?? []);
            string[] names = arguments.GetValue(servers) ?? [];
            bool isPartial = chosen.Count < RowTable.All.Count || names.Length > 0 || arguments.GetValue(quick);
            string path = arguments.GetValue(results)
                ?? Path.Combine(Folder, isPartial && !arguments.GetValue(report) ? "partial.jsonl" : "results.jsonl");
            if (arguments.GetValue(list))
            {
                return PrintRows();
            }

            if (arguments.GetValue(report))
            {
                return WriteReport(path, arguments.GetValue(docs)!);
            }

            var timing = arguments.GetValue(quick)
                ? new Timing(1, 0.3, 0.1)
                : new(arguments.GetValue(rounds), arguments.GetValue(seconds), arguments.GetValue(warmUp));
            var taking = ServerTable.Create(Path.GetFullPath(arguments.GetValue(hub)!))
                .Where(server => names.Length == 0 || names.Contains(server.Name)).ToList();
            string shown = string.Join(' ', ["./bench", .. arguments.Tokens.Select(token => token.Value)]);
            int code = await MeasureAsync(chosen, taking, timing, path, shown, stop);
            return code != 0 || isPartial ? code : WriteReport(path, arguments.GetValue(docs)!);
        });
        return command;
    }

    private static Option<T> Option<T>(string name, T byDefault, string? value, string description) =>
        new(name) { Description = description, HelpName = value, DefaultValueFactory = _ => byDefault };

    private static Option<string[]> Names(string name, string value, IEnumerable<string> known, string description)
    {
        var option = new Option<string[]>(name) { Description = description, HelpName = value, AllowMultipleArgumentsPerToken = true };
        option.AcceptOnlyFromAmong([.. known]);
        return option;
    }

    private static void Refuse(OptionResult result, bool isOutside, string limits)
    {
        if (isOutside)
        {
            result.AddError($"{result.Option.Name}: {result.Tokens[0].Value} is outside {limits}.");
        }
    }

    /// <summary>The rows asked for, and the one that the rates of latency come from if one of them needs it.</summary>
    private static List<Row> Choose(string[] names) => names.Length == 0
        ? [.. RowTable.All]
        : [.. RowTable.All.Where(row => names.Contains(row.Name)
            || (row.Name == RowTable.RateRow && RowTable.All.Any(other => other.RateShare is not null && names.Contains(other.Name))))];

    private static int PrintRows()
    {
        foreach (var row in RowTable.All)
        {
            Console.Out.WriteLine($"{row.Name,-22} {row.Title}");
        }

        return 0;
    }

    private static int WriteReport(string path, string docs)
    {
        try
        {
            var (run, samples) = ResultFile.Read(path);
            var figures = new Figures(samples);
            Plots.Write(figures, Path.Combine(docs, "benchmarks"));
            File.WriteAllText(Path.Combine(docs, "benchmarks.md"), new BenchmarksPage(run, figures, Path.Combine(docs, "benchmarks")).ToString());
            Console.Error.WriteLine($"bench: wrote {Path.Combine(docs, "benchmarks.md")}");
            return 0;
        }
        catch (Exception error) when (error is IOException or FormatException or UnauthorizedAccessException)
        {
            return Fault(error.Message, Failed);
        }
    }

    private static async Task<int> MeasureAsync(List<Row> rows, List<Server> servers, Timing timing, string path, string command, CancellationToken stop)
    {
        Cores cores;
        try
        {
            cores = Cores.Choose();
        }
        catch (NotSupportedException error)
        {
            return Fault(error.Message, Unusable);
        }

        string? missing = servers.Select(server => server.FindFault()).FirstOrDefault(fault => fault is not null)
            ?? (File.Exists(LoadProgram.Program) ? null : $"{LoadProgram.Program} is missing");
        if (missing is not null)
        {
            return Fault($"{missing}; ./bench builds and installs what is needed", Unusable);
        }

        var run = Describe(servers, cores, timing, command);
        using var file = ResultFile.Create(path, run);
        var comparison = new Rounds(servers, cores, timing, file);
        var expected = rows.Aggregate(TimeSpan.Zero, (sum, row) => sum + timing.Expect(row, Rounds.Participants(row, servers).Count));
        Console.Error.WriteLine($"bench: {rows.Count} rows, about {Format.Duration(expected)}; raw results in {path}");
        try
        {
            await Progress.ShowAsync(comparison, rows, servers, timing, stop);
        }
        catch (OperationCanceledException)
        {
            return Fault($"stopped; what was measured until then is in {path}", Interrupted);
        }

        Progress.PrintFigures(rows, comparison.Samples);
        return comparison.Samples.Any(sample => sample.Failure is null) ? 0 : Fault("nothing could be measured", Failed);
    }

    private static RunInfo Describe(List<Server> servers, Cores cores, Timing timing, string command)
    {
        string scratch = Directory.CreateTempSubdirectory("bench-").FullName;
        try
        {
            return new(Machine.Commit(), Machine.HasChanges(), DateTimeOffset.UtcNow, command, timing.Rounds, timing.Seconds, timing.WarmUp,
                cores.Server, cores.Generator, Machine.Describe(),
                [.. servers.Select(server => new ServerInfo(server.Name, server.Title, server.ReadVersion(),
                    server.LaunchAt(0, scratch).ToString()
                        .Replace($"{scratch}/", "", StringComparison.Ordinal).Replace($"{Repository.Root}/", "", StringComparison.Ordinal).Replace(" 0", " PORT", StringComparison.Ordinal),
                    server.Configuration))]);
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }

    private static int Fault(string text, int code)
    {
        Console.Error.WriteLine($"bench: {text}");
        return code;
    }
}
