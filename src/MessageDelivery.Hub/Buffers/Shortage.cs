namespace MessageDelivery.Hub.Buffers;

/// <summary>
/// For how long memory has been waited for and none was granted, and which loop closes its largest holder. All callers' times are of one
/// clock. Guarded by the pool's lock but for what says otherwise; a mutable struct.
/// </summary>
internal struct Shortage()
{
    private const long Never = -1;
    private const long OfferMilliseconds = 2_000;
    private const long ReliefMilliseconds = 1_000;

    private long _since = Never;
    private long _maxFreeBytes;
    private long _offeredAt;
    private long _offeredBytes;

    /// <summary>Whether it lasts, as far as was noted. Read without the lock, too.</summary>
    public readonly bool Lasts => Volatile.Read(in _since) != Never;

    /// <summary>A claim was granted, or nobody waits.</summary>
    public void End() => _since = Never;

    /// <summary>Whether the caller is to close a connection that holds so many bytes: <see cref="BlockPool.TryClaimRelief"/>.</summary>
    public bool TryClaimRelief(long now, long afterMilliseconds, long bytes, bool isShort, long freeBytes)
    {
        if (!Lasts || !isShort || freeBytes > _maxFreeBytes)
        {
            _since = isShort ? now : Never;
            _maxFreeBytes = freeBytes;
            _offeredBytes = 0;
        }

        if (bytes >= _offeredBytes || now - _offeredAt > OfferMilliseconds)
        {
            _offeredBytes = bytes;
            _offeredAt = now;
        }

        if (!Lasts || now - _since < afterMilliseconds || bytes == 0 || bytes < _offeredBytes)
        {
            return false;
        }

        _offeredBytes = 0;
        _since = now - afterMilliseconds + ReliefMilliseconds;
        return true;
    }
}
