using MessageDelivery.Comparison.Servers;

namespace MessageDelivery.Comparison.Rows;

/// <summary>Everything that <c>./bench</c> measures, in the order in which it does.</summary>
internal static class RowTable
{
    /// <summary>The row that tells what rates latency is measured at.</summary>
    public const string RateRow = "pairs-128";

    private const int KiB = 1 << 10;
    private const int MiB = 1 << 20;

    public static IReadOnlyList<Row> All { get; } = [.. Costs(), .. WebSockets(), .. Latencies(), .. Others(), .. Sweeps()];

    private static IEnumerable<Row> Costs() =>
    [
        new("pairs-128", "16 pairs, 128 B", RowKind.Cost, "pairs", 16, 128) { Window = 1000, Target = NatsToOurs(4, null) },
        new("fan-out-128", "1 → 255, 128 B, one shared subject", RowKind.Cost, "fan-out", 255, 128)
        {
            Window = 200, Target = NatsToOurs(2, null),
        },
        new("fan-out-128-listed", "1 → 255, 128 B, receivers listed", RowKind.Cost, "fan-out", 255, 128)
        {
            Window = 200, Addressing = "listed", Target = NatsToOurs(2, null),
        },
        new("fan-out-64k", "1 → 255, 64 KiB", RowKind.Cost, "fan-out", 255, 64 * KiB) { Window = 8, Target = NatsToOurs(2, 2.5) },
        new("fan-out-1m", "1 → 255, 1 MiB", RowKind.Cost, "fan-out", 255, MiB) { Window = 2, Longer = 2, Target = NatsToOurs(2, null) },
        new("pairs-1m", "4 pairs, 1 MiB", RowKind.Cost, "pairs", 4, MiB) { Window = 4, Target = BestPeerToOurs(1.4) },
        new("pairs-200", "200 pairs, 100 B, one at a time", RowKind.Cost, "pairs", 200, 100) { Window = 1, Target = BestPeerToOurs(null) },
        new("pairs-2000", "2,000 pairs, 100 B, one at a time", RowKind.Cost, "pairs", 2000, 100) { Window = 1, Target = BestPeerToOurs(null) },
        new("fan-in-one", "500 → 1, 100 B, one at a time", RowKind.Cost, "fan-in", 500, 100) { Window = 1, Target = BestPeerToOurs(null) },
        new("fan-in", "500 → 1, 100 B", RowKind.Cost, "fan-in", 500, 100) { Window = 200, Longer = 2, Target = NatsToOurs(1.8, null) },
        new("mesh-one", "500 to each other, 100 B, one at a time", RowKind.Cost, "mesh", 500, 100) { Window = 1, Target = BestPeerToOurs(1 / 0.85) },
        new("mesh-one-window", "500 to each other, 100 B, one window for all", RowKind.Cost, "mesh", 500, 100)
        {
            Window = 1, SharedWindow = true, Target = BestPeerToOurs(null),
        },
        new("pairs-one-window", "500 pairs, 100 B, one window for all", RowKind.Cost, "pairs", 500, 100)
        {
            Window = 1, SharedWindow = true, Target = BestPeerToOurs(null),
        },
        new("mesh", "500 to each other, 100 B", RowKind.Cost, "mesh", 500, 100) { Window = 60, Longer = 2, Target = BestPeerToOurs(1 / 0.85) },
        new("spread", "1 to each of 255 in turn, 1 KiB", RowKind.Cost, "spread", 255, KiB) { Window = 64, Target = NatsToOurs(3, null) },
    ];

    private static IEnumerable<Row> WebSockets() =>
    [
        WebSocket("ws-pairs", "16 pairs, 128 B, a message in each frame", "pairs", 16, 128, 1000) with
        {
            Target = WebSocketToTcp(1.3, null), NatsTarget = NatsToOurs(4, null),
        },
        WebSocket("ws-pairs-16", "16 pairs, 128 B, 16 messages in each frame", "pairs", 16, 128, 1000) with
        {
            MessagesPerFrame = 16, Target = WebSocketToTcp(1.1, null), NatsTarget = NatsToOurs(4, null), Servers = [.. Streams],
        },
        WebSocket("ws-fan-out", "1 → 255, 128 B", "fan-out", 255, 128, 200) with { Target = WebSocketToTcp(1.15, 1.05) },
        WebSocket("ws-pairs-200", "200 pairs, 100 B, one at a time", "pairs", 200, 100, 1) with { Target = WebSocketToTcp(1.05, null) },
    ];

    private static IEnumerable<Row> Latencies() =>
        [Latency(10), Latency(50), Latency(80)];

    private static IEnumerable<Row> Others() =>
    [
        new("stopped", "180 pairs; 20 others stop reading", RowKind.Stopped, "pairs", 180, 128)
        {
            // Until the queues of those who do not read are full, their senders send as fast as they can.
            Rate = 20_000, Stopped = 20, Servers = ["hub"], Longer = 4,
        },
        new("cores", "2,000 pairs, 100 B, on one core and on two", RowKind.Cores, "pairs", 2000, 100)
        {
            Rate = 40_000, Servers = ["hub", "hub-two-cores"],
        },
        new("idle", "Idle connections", RowKind.Idle, "idle", 10_000, 0),
        new("start", "Start", RowKind.Start, "start", 0, 0),
        new("list", "LIST with 10,000 connected", RowKind.List, "list", 10_000, 0)
        {
            Servers = ["hub"], Target = new(TargetFigure.MedianMicroseconds, 200, 100),
        },
    ];

    private static IEnumerable<Row> Sweeps() =>
    [
        Sweep("pairs", 16, 16, 1000), Sweep("pairs", 16, 128, 1000), Sweep("pairs", 16, KiB, 256), Sweep("pairs", 16, 8 * KiB, 64),
        Sweep("pairs", 16, 64 * KiB, 16), Sweep("pairs", 16, 256 * KiB, 8), Sweep("pairs", 16, MiB, 4),
        Sweep("fan-out", 255, 16, 200), Sweep("fan-out", 255, 128, 200), Sweep("fan-out", 255, KiB, 64),
        Sweep("fan-out", 255, 8 * KiB, 16), Sweep("fan-out", 255, 64 * KiB, 8), Sweep("fan-out", 255, MiB, 2) with { Longer = 2 },
    ];

    /// <summary>Those for whom the messages of WebSocket are a stream, in which theirs lie as they please.</summary>
    private static IEnumerable<string> Streams =>
        [ServerTable.Ours, ServerTable.OursWebSocket, ServerTable.Nats, ServerTable.NatsWebSocket];

    private static Row WebSocket(string name, string title, string mode, int count, int size, int window) =>
        new(name, title, RowKind.WebSocket, mode, count, size)
        {
            Window = window,
            Servers = [.. ServerTable.WebSocketColumns.Select(column => column.Name)],
        };

    private static Row Latency(int percent) =>
        new($"latency-{percent}", $"Latency at {percent} % of the slowest peer's rate", RowKind.Latency, "pairs", 16, 128)
        {
            RateShare = percent / 100.0,
        };

    private static Row Sweep(string mode, int count, int size, int window) =>
        new($"sweep-{mode}-{size}", $"{mode} of {count}, {Results.Format.Size(size)}", RowKind.Sweep, mode, count, size) { Window = window };

    private static Target NatsToOurs(double? least, double? aim) => new(TargetFigure.NatsToOurs, least, aim);

    private static Target WebSocketToTcp(double most, double? aim) => new(TargetFigure.WebSocketToTcp, most, aim);

    /// <summary>Ahead of every peer, and if there is an aim, by so much.</summary>
    private static Target BestPeerToOurs(double? aim) => new(TargetFigure.BestPeerToOurs, 1, aim);
}
