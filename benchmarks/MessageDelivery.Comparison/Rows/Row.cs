namespace MessageDelivery.Comparison.Rows;

/// <summary>What a row measures, and so which table or plot it is shown in.</summary>
internal enum RowKind
{
    /// <summary>Processor time for a message and throughput, as fast as the windows allow.</summary>
    Cost,

    /// <summary>As <see cref="Cost"/>, over WebSocket and over plain TCP.</summary>
    WebSocket,

    /// <summary>As <see cref="Cost"/>, one point of a curve over the size.</summary>
    Sweep,

    /// <summary>Latency at a rate, measured from when each message was due.</summary>
    Latency,

    /// <summary>Latency of healthy pairs before others stop reading, and meanwhile.</summary>
    Stopped,

    /// <summary>One core against two.</summary>
    Cores,

    /// <summary>Memory for each connection that does nothing.</summary>
    Idle,

    /// <summary>From the start of the process until it accepts a connection, and its memory then.</summary>
    Start,

    /// <summary>LIST with many connected.</summary>
    List,
}

/// <summary>
/// One piece of work, the same for every server that takes part. <paramref name="Count"/> is of pairs, receivers, senders or
/// users, as the generator's <c>--mode</c> has it; <paramref name="Size"/> is of a body, in bytes.
/// </summary>
internal sealed record Row(string Name, string Title, RowKind Kind, string Mode, int Count, int Size)
{
    /// <summary>Messages that a sender may be ahead of its receivers; null where a rate is given.</summary>
    public int? Window { get; init; }

    /// <summary>Whether there is one window for all senders together, as many times as large.</summary>
    public bool SharedWindow { get; init; }

    /// <summary>How many messages a frame of WebSocket has that a client sends.</summary>
    public int MessagesPerFrame { get; init; } = 1;

    /// <summary>Messages per second of all senders together.</summary>
    public int? Rate { get; init; }

    /// <summary>Instead of <see cref="Rate"/>: the part of what the slowest peer reached in <see cref="RowTable.RateRow"/>.</summary>
    public double? RateShare { get; init; }

    /// <summary>How much longer than others it is measured, where so much is on its way that a second is too short for the slower servers.</summary>
    public double Longer { get; init; } = 1;

    /// <summary>Whether brokers fan out from one shared subject, or get one publish for each receiver.</summary>
    public string Addressing { get; init; } = "shared";

    /// <summary>Pairs beside the counted ones whose receivers never read, in the second of two variants.</summary>
    public int Stopped { get; init; }

    /// <summary>Which server takes part, where it is not all of them.</summary>
    public IReadOnlyList<string>? Servers { get; init; }

    public Target? Target { get; init; }

    /// <summary>What nats-server's WebSocket is to cost, divided by ours.</summary>
    public Target? NatsTarget { get; init; }

    /// <summary>Variants of the row that each server is measured in, one after the other within a round.</summary>
    public IReadOnlyList<string> Variants => Kind == RowKind.Stopped ? ["before", "during"] : [""];

    /// <summary>A body is so large that bytes per second say more than messages per second.</summary>
    public bool IsLarge => Size >= 64 << 10;
}
