using System.Diagnostics;
using MessageDelivery.Cli.Bench;

namespace MessageDelivery.Cli.Attacks;

/// <summary>What a healthy pair felt for a while.</summary>
internal sealed class HealthWindow
{
    // Bits of the state.
    private const int Stopped = 1;
    private const int UnderWay = 2;

    private readonly LatencyLog _latencies = new();
    private readonly LatencyLog _behind = new();
    private readonly LatencyLog.Writer _writer;
    private readonly long _sentBefore;
    private long _lastArrival = Stopwatch.GetTimestamp();
    private long _longestGap;
    private int _state;

    /// <param name="sentBefore">Messages sent so far, all of which have arrived or are lost.</param>
    public HealthWindow(long sentBefore)
    {
        _sentBefore = sentBefore;
        _writer = new(_latencies);
        Behind = new(_behind);
    }

    /// <summary>How late the sender was through its own fault. For its thread only.</summary>
    public LatencyLog.Writer Behind { get; }

    public bool IsSending => (Volatile.Read(ref _state) & Stopped) == 0;

    /// <summary>Whether no message is being handed to the client any more.</summary>
    public bool IsQuiet => Volatile.Read(ref _state) == Stopped;

    public void StopSending() => Interlocked.Or(ref _state, Stopped);

    public bool TryBeginSending() => Interlocked.CompareExchange(ref _state, UnderWay, 0) == 0;

    public void EndSending() => Interlocked.And(ref _state, ~UnderWay);

    /// <summary>A message has come. One thread at a time.</summary>
    public void Arrived(long dueAt, long now)
    {
        _writer.Record(BenchClock.Nanoseconds(dueAt, now));
        Volatile.Write(ref _longestGap, Math.Max(_longestGap, BenchClock.Nanoseconds(_lastArrival, now)));
        _lastArrival = now;
    }

    /// <summary>Everything, when nothing more comes.</summary>
    public HealthSummary Summarize(long sent, long received, string? disconnected)
    {
        _writer.Flush();
        if (disconnected is null && IsQuiet)
        {
            Behind.Flush();
        }

        return new(
            sent - _sentBefore,
            Math.Max(0, sent - received),
            Math.Round(Volatile.Read(ref _longestGap) / LatencyLog.NanosecondsPerMicrosecond, 1),
            _latencies.Summarize(),
            _behind.Summarize(),
            disconnected);
    }
}

/// <summary>What a healthy pair felt; times in microseconds.</summary>
/// <param name="Sent">Messages sent meanwhile.</param>
/// <param name="Lost">Those that did not arrive.</param>
/// <param name="LongestGapMicroseconds">The longest time in which none arrived.</param>
/// <param name="LatencyMicroseconds">From when a message was due until it had arrived; null where none did.</param>
/// <param name="BehindMicroseconds">How late this program itself was.</param>
/// <param name="Disconnected">Why the pair was disconnected; null if it was not.</param>
internal sealed record HealthSummary(
    long Sent, long Lost, double LongestGapMicroseconds, LatencySummary? LatencyMicroseconds, LatencySummary? BehindMicroseconds, string? Disconnected);
