using System.Diagnostics;

namespace MessageDelivery.Torture.Faults;

/// <summary>Counts faults, and says whether any may still explain what happens. Any thread may use it.</summary>
internal sealed class FaultCounts
{
    private readonly long[] _counts = new long[Enum.GetValues<FaultKind>().Length];
    private long _offSince;

    /// <param name="areOn">False for a run without faults.</param>
    public FaultCounts(bool areOn) => _offSince = areOn ? long.MaxValue : Stopwatch.GetTimestamp() - (3600 * Stopwatch.Frequency);

    public bool AreOn => Volatile.Read(ref _offSince) == long.MaxValue;

    /// <summary>Whether faults have been off for so long that a lost connection has no excuse.</summary>
    public bool ExplainNothing(TimeSpan after) =>
        Volatile.Read(ref _offSince) is var since and not long.MaxValue && Stopwatch.GetElapsedTime(since) > after;

    public void TurnOff() => Interlocked.CompareExchange(ref _offSince, Stopwatch.GetTimestamp(), long.MaxValue);

    public void Add(FaultKind kind) => Interlocked.Increment(ref _counts[(int)kind]);

    public long this[FaultKind kind] => Volatile.Read(ref _counts[(int)kind]);
}
