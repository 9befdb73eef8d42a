using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using HdrHistogram;
using MessageDelivery.Load.Measuring;
using MessageDelivery.Load.Protocols;

namespace MessageDelivery.Load;

/// <summary>Sends messages from whom to whom a mode says, and prints what arrived and what that cost the server.</summary>
internal static class LoadCommand
{
    private static readonly Dictionary<string, Mode> Modes = new()
    {
        ["pairs"] = Mode.Pairs,
        ["fan-out"] = Mode.FanOut,
        ["fan-in"] = Mode.FanIn,
        ["mesh"] = Mode.Mesh,
        ["spread"] = Mode.Spread,
    };

    private static readonly Dictionary<string, Addressing> Addressings = new()
    {
        ["shared"] = Addressing.Shared,
        ["listed"] = Addressing.Listed,
    };

    public static RootCommand Command()
    {
        var mode = new Option<string>("--mode")
        {
            Description = "pairs: each sender to a receiver of its own. fan-out: one sender, each message to all receivers. "
                + "fan-in: all senders to one receiver. mesh: users, each message to another one. "
                + "spread: one sender, each message to the next receiver.",
            Required = true,
        };
        mode.AcceptOnlyFromAmong([.. Modes.Keys]);
        var count = new Option<int>("--count") { Description = "Pairs, receivers, senders or users.", Required = true };
        var size = new Option<int>("--size") { Description = "Bytes of a body.", Required = true };
        var window = ServerOptions.WithDefault(
            "--window", 1000, "Messages that a sender may be ahead of its receivers; 1 is one at a time, and measures latency, too.");
        var sharedWindow = new Option<bool>("--shared-window")
        {
            Description = "One window for all senders together, as many times as large (pairs and mesh): whoever stands first in their order sends first.",
        };
        var rate = new Option<double?>("--rate")
        {
            Description = "Messages a second over all senders instead of a window: each is sent when it is due or, if that is past, "
                + "at once, and its latency counts from when it was due.",
        };
        var addressing = ServerOptions.WithDefault(
            "--addressing", "shared", "How a broker's fan-out is sent: shared, one publish that all receive; listed, a publish for each. mds lists always.");
        addressing.AcceptOnlyFromAmong([.. Addressings.Keys]);
        var seconds = ServerOptions.WithDefault("--seconds", 3.0, "How long to measure.");
        var warmUp = ServerOptions.WithDefault("--warm-up", 1.0, "Seconds of the same load before.");
        var stopped = ServerOptions.WithDefault(
            "--stopped", 0, "Pairs beside whose receivers never read and whose senders send without limit, until the server cuts either.");
        var messagesPerFrame = ServerOptions.WithDefault(
            "--messages-per-frame", 1, "Messages that a sender puts into each frame of WebSocket, where they follow each other in one stream.");
        var command = new RootCommand("Drives one hub or broker over its own wire protocol with raw bytes; prints one line of JSON.")
        {
            mode, count, size, window, sharedWindow, rate, addressing, seconds, warmUp, stopped, messagesPerFrame,
        };
        var server = new ServerOptions(command);
        command.SetAction(arguments => Run(server, arguments, new(
            server.Protocol(arguments),
            server.ProcessId(arguments),
            Modes[arguments.GetRequiredValue(mode)],
            arguments.GetValue(count),
            arguments.GetValue(size),
            arguments.GetValue(window),
            arguments.GetValue(sharedWindow),
            arguments.GetValue(rate),
            Addressings[arguments.GetRequiredValue(addressing)],
            arguments.GetValue(seconds),
            arguments.GetValue(warmUp),
            arguments.GetValue(stopped),
            server.IsWebSocket(arguments),
            arguments.GetValue(messagesPerFrame))));
        return command;
    }

    private static int Run(ServerOptions options, ParseResult arguments, LoadSettings settings)
    {
        if (settings.Fault() is string fault)
        {
            Console.Error.WriteLine($"load: {fault}");
            return ExitCodes.Usage;
        }

        var protocol = WireProtocol.Create(settings.Protocol, settings.BodyBytes);
        using var server = options.Reach(arguments, protocol);
        using var population = new Population(settings, protocol, server);
        using var loop = new LoadLoop(settings, population, protocol);
        // In nanoseconds, within one percent: as much as one run tells.
        var latencies = settings.IsTimed ? new LongHistogram(1, TimeSpan.FromMinutes(1).Ticks * 100, 2) : null;
        loop.Start();
        loop.Run(TimeSpan.FromSeconds(settings.WarmUpSeconds), null);

        long delivered = loop.Delivered;
        var generatorBefore = Environment.CpuUsage.TotalTime;
        var before = new ServerUsage(settings.ProcessId);
        var clock = Stopwatch.StartNew();
        loop.Run(TimeSpan.FromSeconds(settings.Seconds), latencies);
        double measured = clock.Elapsed.TotalSeconds;
        var after = new ServerUsage(settings.ProcessId);
        var generator = Environment.CpuUsage.TotalTime - generatorBefore;
        delivered = loop.Delivered - delivered;

        var used = after.ProcessorTimeSince(before);
        bool hasLatencies = latencies is { TotalCount: > 0 };
        var report = new LoadReport(
            settings.Protocol,
            Modes.First(pair => pair.Value == settings.Mode).Key,
            settings.Count,
            settings.BodyBytes,
            settings.Rate is null ? settings.Window : null,
            settings.SharedWindow,
            settings.Rate,
            settings.WebSocket ? settings.MessagesPerFrame : null,
            protocol.ListsReceivers ? "listed" : Addressings.First(pair => pair.Value == settings.Addressing).Key,
            Math.Round(measured, 6),
            delivered,
            Math.Round(delivered / measured, 1),
            Math.Round(delivered * (double)settings.BodyBytes / measured / 1e6, 3),
            delivered == 0 ? null : Math.Round(used.TotalMicroseconds / delivered, 5),
            Math.Round(100 * used.TotalSeconds / measured, 2),
            Math.Round(100 * generator.TotalSeconds / measured, 2),
            after.ResidentBytes,
            after.PeakResidentBytes,
            after.VoluntarySwitchesSince(before),
            after.InvoluntarySwitchesSince(before),
            population.StoppedPairs.Count(pair => pair.IsCut),
            hasLatencies ? LatencyReport.Of(latencies!) : null,
            hasLatencies ? LatencyReport.CountsOf(latencies!) : null);
        Console.Out.WriteLine(JsonSerializer.Serialize(report, ReportContext.Default.LoadReport));
        return ExitCodes.Measured;
    }
}
