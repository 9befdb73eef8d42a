namespace MessageDelivery.Hub.Outbound;

/// <summary>How much may wait for one peer, and how much of what it has got it may leave unacknowledged.</summary>
/// <param name="bytes">Bytes at which a queue is full.</param>
internal readonly struct QueueLimit(long bytes)
{
    // While the peer is not read: so many times the limit, but at least what the kernels may hold between a client and the hub in front of an
    // ACK, unless that is too large a part of all memory. See docs/adr/0018.
    private const int UnreadLimits = 4;
    private const long MinUnreadBytes = 16 << 20;
    private const int MinUnreadPart = 8;

    /// <summary>Whether deliveries have to wait: for what the peer has not got, and, as long as it is read, for what it has not acknowledged.</summary>
    public bool IsMet(ref readonly QueueContents contents) =>
        contents.HeldBytes >= bytes && (contents.Replay is not { IsUnread: true } || contents.PendingBytes >= bytes || contents.HeldBytes >= UnreadBytes(contents));

    /// <summary>
    /// Whether the peer may be answered. What it has not acknowledged hardly counts, since its acknowledgement may stand behind what it
    /// asks: twice what deliveries may fill, so that these leave room for receipts.
    /// </summary>
    public bool LetsAnswer(ref readonly QueueContents contents) => contents.PendingBytes < bytes && contents.HeldBytes < 2 * UnreadBytes(contents);

    private long UnreadBytes(in QueueContents contents) =>
        Math.Max(UnreadLimits * bytes, Math.Min(MinUnreadBytes, contents.Pool.LimitBytes / MinUnreadPart));
}
