namespace MessageDelivery.Hub;

/// <summary>Lets one line a second into the log, however often the same thing happens. Any thread; a mutable struct.</summary>
internal struct LogThrottle
{
    private const long QuietMilliseconds = 1_000;

    private long _quietUntil;

    /// <summary>Whether the line may be written.</summary>
    /// <param name="now">Milliseconds, of one clock.</param>
    public bool TryPass(long now)
    {
        long until = Volatile.Read(ref _quietUntil);
        return now >= until && Interlocked.CompareExchange(ref _quietUntil, now + QuietMilliseconds, until) == until;
    }
}
