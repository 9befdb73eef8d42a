namespace MessageDelivery.Cli.Bench;

/// <summary>What a run found. Its JSON has the same names; a megabyte is a million bytes of bodies.</summary>
internal sealed record BenchReport
{
    /// <summary>The shape, as on the command line.</summary>
    public required string Bench { get; init; }

    /// <summary>Users who sent.</summary>
    public required int Users { get; init; }

    /// <summary>Users who received.</summary>
    public required int Receivers { get; init; }

    public required int SizeBytes { get; init; }

    /// <summary>Relays a second that were due; null in a closed loop.</summary>
    public required int? Rate { get; init; }

    /// <summary>Relays of each sender under way at most; null in an open loop.</summary>
    public required int? Window { get; init; }

    public required double WarmUpSeconds { get; init; }

    /// <summary>From the end of the warm-up until the last of the messages that count arrived.</summary>
    public required double Seconds { get; init; }

    /// <summary>Relays made after the warm-up.</summary>
    public required Throughput Sent { get; init; }

    /// <summary>Deliveries of those that arrived: one for each receiver of a relay.</summary>
    public required Throughput Delivered { get; init; }

    /// <summary>From when a message was due, or sent where nothing was due, until its receiver had it; null where none came.</summary>
    public required LatencySummary? LatencyMicroseconds { get; init; }

    /// <summary>How far behind its schedule this program was through its own fault; null in a closed loop.</summary>
    public required LatencySummary? BehindMicroseconds { get; init; }

    /// <summary>Relays that were due, or asked for by a count, and not made.</summary>
    public required long NotSent { get; init; }

    /// <summary>Processors that this program kept busy on average while it measured.</summary>
    public required double ProcessorsUsed { get; init; }

    /// <summary>Null where nothing was checked.</summary>
    public required VerificationSummary? Verification { get; init; }
}

/// <summary>Messages, and what that is in a second.</summary>
internal sealed record Throughput(long Messages, double MessagesPerSecond, double MegabytesPerSecond)
{
    private const double BytesPerMegabyte = 1e6;

    public static Throughput Of(long messages, int sizeBytes, double seconds) => new(
        messages,
        seconds > 0 ? Math.Round(messages / seconds, 1) : 0,
        seconds > 0 ? Math.Round(messages * (double)sizeBytes / BytesPerMegabyte / seconds, 3) : 0);
}
