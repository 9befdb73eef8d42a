using System.CommandLine;
using System.Text;
using System.Text.Json;
using MessageDelivery.Cli.Bench;
using MessageDelivery.Cli.Usage;
using MessageDelivery.Client;

namespace MessageDelivery.Cli.Verbs;

/// <summary><c>mds bench</c>: relays among users of its own, and tells how many messages the hub moves and how long they take.</summary>
internal static class BenchCommand
{
    private enum Form
    {
        Text,
        Json,
        Csv,
    }

    public static Command Create()
    {
        // Before the shape or behind it: both are what people type.
        var hub = new HubOptions();
        var command = new Command("bench", "Measure a hub: throughput and latency, and whether all arrives as it was sent.")
        {
            Create(
                hub, BenchShape.Pairs, "Each sender relays to a receiver of its own.",
                "mds bench pairs --users 16 --size 128", "mds bench pairs --users 200 --window 1", "mds bench pairs --rate 50000 --duration 30s --json"),
            Create(
                hub, BenchShape.FanOut, "Each relay goes to all receivers.",
                "mds bench fan-out --receivers 255 --size 64KiB", "mds bench fan-out --receivers 100 --rate 1000 --hgrm fan-out.hgrm"),
            Create(
                hub, BenchShape.FanIn, "All senders relay to one receiver.",
                "mds bench fan-in --users 500 --size 100", "mds bench fan-in --users 50 --rate 20000"),
            Create(
                hub, BenchShape.Mesh, "Every user relays to random others.",
                "mds bench mesh --users 500 --size 100", "mds bench mesh --users 50 --rate 20000 --csv"),
            Create(
                hub, BenchShape.Rtt, "Each user relays to itself, one message at a time: a round trip through the hub.",
                "mds bench rtt", "mds bench rtt --users 100 --size 1KiB", "mds bench rtt --rate 1000"),
        };
        hub.AddTo(command, recursive: true);
        CommandHelp.Add(
            command,
            "'mds bench SHAPE --help' has the options of each.",
            "mds bench pairs --hub 127.0.0.1:1234", "mds bench fan-out --receivers 255", "mds bench rtt --rate 1000");
        return command;
    }

    private static Command Create(HubOptions hub, BenchShape shape, string description, params string[] examples)
    {
        var options = new BenchOptions(shape);
        var json = new Option<bool>("--json") { Description = "Print the result as one JSON object." };
        var csv = new Option<bool>("--csv") { Description = "Print the result as CSV, a line of names and one of values." };
        var hgrm = new Option<string?>("--hgrm") { HelpName = "FILE", Description = "Write the latencies to a file in HdrHistogram's percentile format, in microseconds." };
        var noProgress = new Option<bool>("--no-progress") { Description = "Show no progress on stderr; there is none without a terminal either." };
        var command = new Command(BenchPlan.NameOf(shape), description);
        foreach (var option in (Option[])[.. options.All, json, csv, hgrm, noProgress])
        {
            command.Add(option);
        }

        Switches.Exclude(command, json, csv);
        CommandHelp.Add(
            command,
            """
            A latency is the time from when a message was sent until its receiver had it. With --rate it is the time from when the
            message was due, so that a hub that stands still for a moment is charged for all that should have been sent meanwhile;
            "behind" is how late this command was by itself. Exit code 1 if anything is missing, out of order, repeated or changed.
            """,
            examples);
        command.SetAction((arguments, _) =>
        {
            var plan = options.Read(arguments);
            var form = arguments.GetValue(json) ? Form.Json : arguments.GetValue(csv) ? Form.Csv : Form.Text;
            return RunAsync(hub.Read(arguments), plan, form, arguments.GetValue(hgrm), !arguments.GetValue(noProgress));
        });
        return command;
    }

    private static async Task<int> RunAsync(HubClientOptions hub, BenchPlan plan, Form form, string? hgrm, bool showsProgress)
    {
        // Before the run: it would be a pity to learn afterwards that its result cannot be written.
        using var percentiles = hgrm is null ? null : CreateFile(hgrm);
        return await HubAccess.RunAsync(hub, async (options, cancellationToken) =>
        {
            var (report, latencies) = await BenchProgressBar.ShowAsync(plan.Name, showsProgress, async progress =>
            {
                // A run's clock goes from its creation on: the bar is there before it.
                await using var run = await BenchRun.ConnectAsync(plan, options, cancellationToken);
                return (await run.RunAsync(progress, cancellationToken), run.Latencies);
            });
            if (percentiles is not null && report.LatencyMicroseconds is not null)
            {
                latencies.WritePercentiles(percentiles);
            }

            using var output = Console.OpenStandardOutput();
            output.Write(Bytes(report, form));
            return report.Verification is { Passed: false } ? ExitCode.NotDelivered : ExitCode.Ok;
        });
    }

    private static byte[] Bytes(BenchReport report, Form form) => form switch
    {
        Form.Json => [.. JsonSerializer.SerializeToUtf8Bytes(report, BenchJson.Default.BenchReport), .. "\n"u8],
        Form.Csv => Encoding.UTF8.GetBytes(BenchCsv.Of(report)),
        _ => Encoding.UTF8.GetBytes(BenchText.Of(report)),
    };

    private static StreamWriter CreateFile(string file)
    {
        try
        {
            return new(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(ExitCode.InputOutput, $"{file} cannot be written: {exception.Message}");
        }
    }
}
