using System.Diagnostics;

namespace MessageDelivery.Cli.Bench;

/// <summary>When a run measures and when it ends, in timestamps of <see cref="Stopwatch"/>.</summary>
internal sealed class BenchClock : IDisposable
{
    private readonly CancellationTokenSource _stopped = new();

    public BenchClock(BenchPlan plan)
    {
        StartsAt = Stopwatch.GetTimestamp();
        MeasuresFrom = StartsAt + Ticks(plan.WarmUp);
        EndsAt = plan.Duration is { } duration ? MeasuresFrom + Ticks(duration) : long.MaxValue;
    }

    public long StartsAt { get; }

    public long MeasuresFrom { get; }

    /// <summary>The largest there is where the count ends the run.</summary>
    public long EndsAt { get; }

    /// <summary>Whether nothing more is to be sent.</summary>
    public bool IsStopped => _stopped.IsCancellationRequested;

    /// <summary>Gives up relays that a client has no room for.</summary>
    public CancellationToken Stopped => _stopped.Token;

    public void Stop() => _stopped.Cancel();

    public void Dispose() => _stopped.Dispose();

    public static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);

    /// <summary>Nanoseconds from one timestamp to another, to the tenth of a microsecond.</summary>
    public static long Nanoseconds(long from, long to) => Stopwatch.GetElapsedTime(from, to).Ticks * TimeSpan.NanosecondsPerTick;
}
