namespace MessageDelivery.Hub.Loop;

/// <summary>
/// Whether an entry has used little of its loop lately. Its use is counted in bytes, received and queued, against a rate: a virtual
/// scheduling clock (ITU-T I.371, Annex A, the generic cell rate algorithm). See docs/adr/0022.
/// </summary>
internal struct RecentUse
{
    /// <summary>What an entry may use for long and still be quiet.</summary>
    public const int BytesPerMillisecond = 256;

    /// <summary>What it may use at once and still be quiet.</summary>
    public const int BurstBytes = 2_048;

    /// <summary>What serving an entry costs, whatever it brought.</summary>
    public const int CallBytes = 64;

    // After a flood, an entry is quiet again when it has been so for this time.
    private const long MaxDebtBytes = 250 * BytesPerMillisecond;

    // When its use will have been paid off, in milliseconds times the rate.
    private long _paidAt;

    public readonly bool IsQuiet(long now) => _paidAt <= (now * BytesPerMillisecond) + BurstBytes;

    public void Add(long bytes, long now)
    {
        long at = now * BytesPerMillisecond;
        _paidAt = Math.Min(Math.Max(_paidAt, at) + CallBytes + bytes, at + BurstBytes + MaxDebtBytes);
    }
}
