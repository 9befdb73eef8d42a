using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using MessageDelivery.Load.Measuring;
using MessageDelivery.Load.Protocols;

namespace MessageDelivery.Load;

/// <summary>Many connections that are logged in and do nothing: what each costs of the server's memory.</summary>
internal static class IdleCommand
{
    /// <summary>Connections before the first reading: what a server sets up for its first ones is no cost of each.</summary>
    private const int FirstConnections = 100;

    private const double SteadyShare = 0.001;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(15);

    public static Command Command()
    {
        var command = new Command("idle", "Many connections that are logged in and do nothing: memory for each.");
        var server = new ServerOptions(command);
        var count = ServerOptions.WithDefault("--count", 10_000, "Connections.");
        var stay = ServerOptions.WithDefault("--stay", 3.0, "Seconds that they stay before the memory is read.");
        ServerOptions.Demand(count, value => value >= 1, "at least 1");
        ServerOptions.Demand(stay, value => value is >= 0 and <= LoadSettings.MaxSeconds, $"0 to {LoadSettings.MaxSeconds}");
        command.Add(count);
        command.Add(stay);
        command.SetAction(arguments => Run(server, arguments, arguments.GetValue(count), TimeSpan.FromSeconds(arguments.GetValue(stay))));
        return command;
    }

    private static int Run(ServerOptions options, ParseResult arguments, int count, TimeSpan stay)
    {
        string name = options.Protocol(arguments);
        int processId = options.ProcessId(arguments);
        var protocol = WireProtocol.Create(name, bodyBytes: 1);
        using var server = options.Reach(arguments, protocol);
        using (new Crowd(protocol, server, Math.Min(count, FirstConnections)))
        {
            Thread.Sleep(Interval);
        }

        long before = SteadyResidentBytes(processId);
        using var crowd = new Crowd(protocol, server, count);
        Thread.Sleep(stay);
        long with = SteadyResidentBytes(processId);
        var report = new IdleReport(name, count, before, with, (with - before) / count);
        Console.Out.WriteLine(JsonSerializer.Serialize(report, ReportContext.Default.IdleReport));
        return ExitCodes.Measured;
    }

    /// <summary>The memory once two readings in a row are the same but for a thousandth.</summary>
    private static long SteadyResidentBytes(int processId)
    {
        var clock = Stopwatch.StartNew();
        long last = new ServerUsage(processId).ResidentBytes;
        while (clock.Elapsed < MaxWait)
        {
            Thread.Sleep(Interval);
            long next = new ServerUsage(processId).ResidentBytes;
            if (Math.Abs(next - last) <= SteadyShare * last)
            {
                return next;
            }

            last = next;
        }

        throw new LoadException($"the memory of process {processId} did not become steady within {MaxWait.TotalSeconds} s");
    }
}
