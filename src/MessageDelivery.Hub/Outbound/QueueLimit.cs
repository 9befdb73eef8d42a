namespace MessageDelivery.Hub.Outbound;

/// <summary>How much may wait for one peer, and how much of what it has got it may leave unacknowledged.</summary>
/// <param name="bytes">Bytes at which a queue is full.</param>
/// <param name="memoryBytes">All message memory there is.</param>
internal readonly struct QueueLimit(long bytes, long memoryBytes)
{
    // While the peer is not read: so many times the limit, but at least what the kernels may hold between a client and the hub in front of an
    // ACK, unless that is too large a part of all memory. See docs/adr/0018.
    private const int UnheardLimits = 4;
    private const long MinUnheardBytes = 16 << 20;
    private const int MinUnheardPart = 8;

    private readonly long _unheardBytes = Math.Max(UnheardLimits * bytes, Math.Min(MinUnheardBytes, memoryBytes / MinUnheardPart));

    /// <summary>Whether deliveries have to wait.</summary>
    /// <param name="pending">Bytes that the peer has not got.</param>
    /// <param name="held">The same, and those that it has not acknowledged.</param>
    /// <param name="isUnheard">Whether what the peer says is not read for now.</param>
    public bool IsMet(long pending, long held, bool isUnheard) => pending >= bytes || held >= (isUnheard ? _unheardBytes : bytes);

    /// <summary>
    /// Whether the peer may be answered. What it has not acknowledged hardly counts, since its acknowledgement may stand behind what it
    /// asks: twice what deliveries may fill, so that these leave room for receipts.
    /// </summary>
    public bool LetsAnswer(long pending, long held) => pending < bytes && held < 2 * _unheardBytes;
}
