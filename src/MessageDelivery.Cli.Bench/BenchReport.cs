namespace MessageDelivery.Cli.Bench;

/// <summary>What a run found. Its JSON has the same names; a megabyte is a million bytes of bodies.</summary>
/// <param name="Bench">The shape, as on the command line.</param>
/// <param name="Users">Users who sent.</param>
/// <param name="Receivers">Users who received.</param>
/// <param name="Rate">Relays a second that were due; null in a closed loop.</param>
/// <param name="Window">Relays of each sender under way at most; null in an open loop.</param>
/// <param name="Seconds">From the end of the warm-up until the last of the messages that count arrived.</param>
/// <param name="Sent">Relays made after the warm-up.</param>
/// <param name="Delivered">Deliveries of those that arrived: one for each receiver of a relay.</param>
/// <param name="LatencyMicroseconds">From when a message was due, or sent where nothing was due, until its receiver had it; null where none came.</param>
/// <param name="BehindMicroseconds">How far behind its schedule this program was through its own fault; null in a closed loop.</param>
/// <param name="NotSent">Relays that were due, or asked for by a count, and not made.</param>
/// <param name="ProcessorsUsed">Processors that this program kept busy on average while it measured.</param>
/// <param name="Verification">Null where nothing was checked.</param>
internal sealed record BenchReport(
    string Bench, int Users, int Receivers, int SizeBytes, int? Rate, int? Window, double WarmUpSeconds, double Seconds,
    Throughput Sent, Throughput Delivered, LatencySummary? LatencyMicroseconds, LatencySummary? BehindMicroseconds,
    long NotSent, double ProcessorsUsed, VerificationSummary? Verification);

/// <summary>Messages, and what that is in a second.</summary>
internal sealed record Throughput(long Messages, double MessagesPerSecond, double MegabytesPerSecond)
{
    private const double BytesPerMegabyte = 1e6;

    public static Throughput Of(long messages, int sizeBytes, double seconds) => new(
        messages,
        seconds > 0 ? Math.Round(messages / seconds, 1) : 0,
        seconds > 0 ? Math.Round(messages * (double)sizeBytes / BytesPerMegabyte / seconds, 3) : 0);
}
