namespace MessageDelivery.Hub.Outbound;

/// <summary>What became of an attempt to queue a delivery.</summary>
internal enum QueueResult
{
    /// <summary>It will be sent.</summary>
    Accepted,
    /// <summary>The queue is at its limit and the delivery was not to wait.</summary>
    Full,
    /// <summary>The queue is at its limit; the waiter will be told.</summary>
    Waiting,
    /// <summary>It is kept for a peer that is away.</summary>
    Held,
    /// <summary>More than is kept for a peer that is away: nothing is kept any more.</summary>
    Overflowed,
    /// <summary>Nothing is taken any more.</summary>
    Closed,
}

/// <summary>How a flush ended.</summary>
internal enum FlushResult
{
    /// <summary>There was nothing to do, or another thread is at it.</summary>
    Nothing,
    /// <summary>Everything was sent.</summary>
    Sent,
    /// <summary>Everything was sent and nothing more will come, or the queue was closed meanwhile.</summary>
    Drained,
    /// <summary>The peer takes no more for now.</summary>
    Blocked,
    /// <summary>There is more; others get their turn first.</summary>
    More,
    /// <summary>The connection is broken.</summary>
    Broken,
}
