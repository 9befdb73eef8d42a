using System.Collections.Concurrent;
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;
using MessageDelivery.Scenarios.Clients;
using MessageDelivery.Scenarios.Measuring;

namespace MessageDelivery.Scenarios;

/// <summary>Many connections that do nothing: what each costs, and that each is still there.</summary>
internal sealed class IdleScenario(int connections, string kind, bool webSocket)
{
    private const int ConnectingAtOnce = 64;
    private const int WarmupUsers = 200;
    private const int Lists = 200;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);

    private readonly Report _report = new("idle", $"--connections {connections} {(webSocket ? "--websocket" : $"--kind {kind}")}");

    public static Command Command()
    {
        var connections = Quantity.Option("--connections", "10000", "Idle users.");
        var kind = new Option<string>("--kind")
        {
            Description = "binary: after HELLO. text: after 'identity'. silent: after the 1 s that make it a text user. "
                + "mixed: half binary, half silent. Default: mixed.",
            DefaultValueFactory = _ => "mixed",
        };
        kind.AcceptOnlyFromAmong("binary", "text", "silent", "mixed");
        var webSocket = new Option<bool>("--websocket") { Description = "Users of WebSocket instead, after HELLO." };
        var command = new Command("idle", "Many connections that do nothing.") { connections, kind, webSocket };
        command.SetAction((arguments, _) =>
            new IdleScenario((int)arguments.GetValue(connections), arguments.GetValue(kind)!, arguments.GetValue(webSocket)).RunAsync());
        return command;
    }

    private async Task<int> RunAsync()
    {
        using var hub = await HubProcess.StartAsync();
        using var asker = BinaryPeer.Connect(hub.Endpoint, 1 << 20);
        (IdleKind Kind, int Count)[] stages = webSocket ? [(IdleKind.WebSocket, connections)]
            : kind == "mixed"
            ? [(IdleKind.Binary, connections / 2), (IdleKind.Silent, connections - (connections / 2))]
            : [(Enum.Parse<IdleKind>(kind, ignoreCase: true), connections)];

        // Code that is compiled, and memory that is taken, at the first few users is no cost of a connection.
        foreach (var (stage, _) in stages)
        {
            var few = await ConnectAsync(hub, stage, WarmupUsers);
            await WaitForAsync(asker, WarmupUsers);
            few.ForEach(user => user.Dispose());
            await WaitForAsync(asker, 0);
        }

        var users = new List<IdleUser>();
        long empty = 0;
        long first = 0;
        foreach (var (stage, count) in stages)
        {
            await Task.Delay(Pause);
            long before = MemoryWatch.ResidentBytes(hub.Id);
            empty = empty == 0 ? before : empty;
            Report.Progress($"{count} {stage} users connect");
            var clock = Stopwatch.StartNew();
            users.AddRange(await ConnectAsync(hub, stage, count));
            var connected = clock.Elapsed;
            bool all = await WaitForAsync(asker, users.Count);
            var listed = clock.Elapsed;
            await Task.Delay(Pause);
            first = MemoryWatch.ResidentBytes(hub.Id);
            string name = stage.ToString().ToLowerInvariant();
            _report.Row($"{name}: connected, listed after", $"{Quantity.Seconds(connected)}, {Quantity.Seconds(listed)}");
            _report.Row($"{name}: memory before, after", $"{Quantity.Mebibytes(before)}, {Quantity.Mebibytes(first)}");
            _report.Row($"{name}: memory for each", $"{Quantity.Count((first - before) / Math.Max(1, count))} bytes");
            _report.Check(all, $"all {Quantity.Count(users.Count)} are listed");
        }

        _report.Row("memory for each, all kinds", $"{Quantity.Count((first - empty) / connections)} bytes");
        var (latencies, complete) = MeasureList(asker, users.Count);
        _report.Row("LIST with all: median, p99, max",
            $"{Quantity.Micros(Statistics.Quantile(latencies, 0.5))}, {Quantity.Micros(Statistics.Quantile(latencies, 0.99))}, {Quantity.Micros(Statistics.Quantile(latencies, 1))}");
        _report.Check(complete, $"each of {Lists} LISTs was complete and ascending");

        Report.Progress("a message to each");
        await CheckServedAsync(asker, users);
        _report.Row("memory after a message to each", Quantity.Mebibytes(MemoryWatch.ResidentBytes(hub.Id)));
        users.ForEach(user => user.Dispose());
        _report.Check(await WaitForAsync(asker, 0), "all have left the list when they have gone");
        int? exitCode = await hub.StopAsync();
        _report.Check(exitCode == 0, $"the hub stopped with exit code {exitCode?.ToString(CultureInfo.InvariantCulture) ?? "none"}");
        int result = _report.Print();
        if (result != 0)
        {
            hub.PrintLog();
        }

        return result;
    }

    private static async Task<List<IdleUser>> ConnectAsync(HubProcess hub, IdleKind stage, int count)
    {
        var users = new ConcurrentBag<IdleUser>();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, count),
            new ParallelOptions { MaxDegreeOfParallelism = ConnectingAtOnce },
            async (_, _) => users.Add(await IdleUser.ConnectAsync(hub.Endpoint, stage)));
        return [.. users];
    }

    /// <summary>Waits until so many are listed.</summary>
    private static async Task<bool> WaitForAsync(BinaryPeer asker, int count)
    {
        var clock = Stopwatch.StartNew();
        while (asker.List().Length != count)
        {
            if (clock.Elapsed > MaxWait)
            {
                return false;
            }

            await Task.Delay(20);
        }

        return true;
    }

    private static (List<TimeSpan> Latencies, bool Complete) MeasureList(BinaryPeer asker, int count)
    {
        var latencies = new List<TimeSpan>();
        bool complete = true;
        for (int i = 0; i < Lists; i++)
        {
            long begin = Stopwatch.GetTimestamp();
            ulong[] ids = asker.List();
            latencies.Add(Stopwatch.GetElapsedTime(begin));
            complete &= ids.Length == count && ids.Zip(ids.Skip(1)).All(pair => pair.First < pair.Second);
        }

        latencies.Sort();
        return (latencies, complete);
    }

    private async Task CheckServedAsync(BinaryPeer asker, List<IdleUser> users)
    {
        const string body = "still here?";
        foreach (ulong[] receivers in asker.List().Chunk(ProtocolLimits.MaxReceivers))
        {
            asker.Wire.Send(FrameBytes.Relay(receivers, Encoding.UTF8.GetBytes(body)));
        }

        using var tooLong = new CancellationTokenSource(MaxWait);
        bool[] got = await Task.WhenAll(users.Select(user => user.GetsAsync(asker.UserId, body, tooLong.Token)));
        _report.Check(got.All(it => it), $"a message reached each, byte for byte: {Quantity.Count(got.Count(it => it))} of {Quantity.Count(users.Count)}");
    }
}
