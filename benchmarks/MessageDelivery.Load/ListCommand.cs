using System.CommandLine;
using System.Diagnostics;
using System.Net;
using System.Text.Json;
using MessageDelivery.Load.Measuring;
using MessageDelivery.Load.Protocols;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;

namespace MessageDelivery.Load;

/// <summary>How long the hub takes to tell one user about many others, and what that costs it.</summary>
internal static class ListCommand
{
    private const int WarmUpRequests = 20;
    private const int IdBytes = sizeof(ulong);

    public static Command Command()
    {
        var command = new Command("list", "One of many users asks the hub who is there, one request at a time (mds only).");
        var server = new ServerOptions(command, hasProtocol: false);
        var count = ServerOptions.WithDefault("--count", 10_000, "Users.");
        var requests = ServerOptions.WithDefault("--requests", 200, "LISTs.");
        ServerOptions.Demand(count, value => value >= 1, "at least 1");
        ServerOptions.Demand(requests, value => value >= 1, "at least 1");
        command.Add(count);
        command.Add(requests);
        command.SetAction(arguments => Run(
            server.Server(arguments), server.ProcessId(arguments), arguments.GetValue(count), arguments.GetValue(requests)));
        return command;
    }

    private static int Run(IPEndPoint server, int processId, int count, int requests)
    {
        using var reached = new ReachedServer(server);
        using var crowd = new Crowd(new MdsProtocol(bodyBytes: 1), reached, count);
        for (int i = 0; i < WarmUpRequests; i++)
        {
            List(crowd.First, count);
        }

        var before = new ServerUsage(processId);
        double[] microseconds = [.. Enumerable.Range(0, requests).Select(_ => List(crowd.First, count).TotalMicroseconds).Order()];
        var used = new ServerUsage(processId).ProcessorTimeSince(before);
        var report = new ListReport(
            count,
            requests,
            Math.Round(microseconds[requests / 2], 1),
            Math.Round(microseconds[Math.Min(requests - 1, requests * 99 / 100)], 1),
            Math.Round(used.TotalMicroseconds / requests, 1));
        Console.Out.WriteLine(JsonSerializer.Serialize(report, ReportContext.Default.ListReport));
        return ExitCodes.Measured;
    }

    /// <summary>Asks once; how long the whole answer took.</summary>
    private static TimeSpan List(Connection connection, int users)
    {
        byte[] request = FrameBytes.Header(FrameType.List);
        long begin = Stopwatch.GetTimestamp();
        connection.Send(request);
        int ids = 0;
        Frame frame;
        do
        {
            frame = connection.ReceiveFrame();
            ids += frame.Type == FrameType.ListReply
                ? frame.Payload.Length / IdBytes
                : throw new LoadException($"the hub answered LIST with {frame.Type}, code {frame.Header.Argument}");
        }
        while ((frame.Header.Flags & (byte)ListReplyFlags.More) != 0);
        var time = Stopwatch.GetElapsedTime(begin);
        return ids >= users - 1 ? time : throw new LoadException($"the hub listed {ids} users, but {users - 1} others are here");
    }
}
