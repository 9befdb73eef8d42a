using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using MessageDelivery.Load.Measuring;
using MessageDelivery.Load.Protocols;

namespace MessageDelivery.Load;

/// <summary>Connections that log in and go, one after the other on each of a few threads: what one costs of the server's processor time.</summary>
internal static class ConnectCommand
{
    private const double WarmUpSeconds = 1;

    public static Command Command()
    {
        var command = new Command("connect", "Connections that log in and go at once: processor time for each.");
        var server = new ServerOptions(command);
        var atOnce = ServerOptions.WithDefault("--at-once", 16, "Connections at one time.");
        var seconds = ServerOptions.WithDefault("--seconds", 3.0, "How long to measure, after a second of the same before.");
        ServerOptions.Demand(atOnce, value => value is >= 1 and <= 1_000, "1 to 1000");
        ServerOptions.Demand(seconds, value => value is > 0 and <= LoadSettings.MaxSeconds, $"above 0, at most {LoadSettings.MaxSeconds}");
        command.Add(atOnce);
        command.Add(seconds);
        command.SetAction(arguments => Run(server, arguments, arguments.GetValue(atOnce), arguments.GetValue(seconds)));
        return command;
    }

    private static int Run(ServerOptions options, ParseResult arguments, int atOnce, double seconds)
    {
        string name = options.Protocol(arguments);
        int processId = options.ProcessId(arguments);
        var protocol = WireProtocol.Create(name, bodyBytes: 1);
        using var server = options.Reach(arguments, protocol);
        using var end = new CancellationTokenSource();
        var counts = new long[atOnce];
        var threads = Enumerable.Range(0, atOnce)
            .Select(index => Task.Factory.StartNew(
                () => ComeAndGo(protocol, server, ref counts[index], end.Token), TaskCreationOptions.LongRunning))
            .ToArray();
        Thread.Sleep(TimeSpan.FromSeconds(WarmUpSeconds));
        long connected = counts.Sum();
        var before = new ServerUsage(processId);
        var clock = Stopwatch.StartNew();
        Thread.Sleep(TimeSpan.FromSeconds(seconds));
        var used = new ServerUsage(processId).ProcessorTimeSince(before);
        double measured = clock.Elapsed.TotalSeconds;
        connected = counts.Sum() - connected;
        end.Cancel();
        Task.WhenAll(threads).GetAwaiter().GetResult();

        var report = new ConnectReport(
            name, server.IsSecured, server.IsWebSocket, connected, Math.Round(measured, 6), Math.Round(connected / measured, 1),
            connected == 0 ? null : Math.Round(used.TotalMicroseconds / connected, 2), Math.Round(100 * used.TotalSeconds / measured, 2));
        Console.Out.WriteLine(JsonSerializer.Serialize(report, ReportContext.Default.ConnectReport));
        return ExitCodes.Measured;
    }

    private static void ComeAndGo(WireProtocol protocol, ReachedServer server, ref long count, CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            using var connection = server.Open();
            protocol.LogIn(connection, channel: null);
            Volatile.Write(ref count, count + 1);
        }
    }
}
