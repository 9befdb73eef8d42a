namespace MessageDelivery.Hub.Resuming;

/// <summary>
/// How many relays of a session were processed, and when the client is to be told: at least every 64, every 256 KiB, or 1 s after
/// the first it was not told of (protocol, section 5). Frames that the hub answered with an error count.
/// </summary>
internal sealed class ProcessedRelays
{
    private const ulong MaxUntold = 64;
    private const long MaxUntoldBytes = 256 << 10;
    private const long MaxMilliseconds = 1_000;

    private ulong _told;
    private long _untoldBytes;

    public ulong Total { get; private set; }

    /// <summary>When the client is to be told at the latest; <see cref="long.MaxValue"/> while there is nothing to tell.</summary>
    public long Due { get; private set; } = long.MaxValue;

    public void Count(int relays, long bytes, long now)
    {
        Total += (ulong)relays;
        _untoldBytes += bytes;
        if (Due == long.MaxValue)
        {
            Due = now + MaxMilliseconds;
        }
    }

    public bool IsDue(long now) => Total - _told >= MaxUntold || _untoldBytes >= MaxUntoldBytes || now >= Due;

    /// <summary>The client is being told.</summary>
    public void Told()
    {
        _told = Total;
        _untoldBytes = 0;
        Due = long.MaxValue;
    }
}
