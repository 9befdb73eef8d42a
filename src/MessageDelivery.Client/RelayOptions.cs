namespace MessageDelivery.Client;

/// <summary>How a relay is carried out.</summary>
[Flags]
public enum RelayOptions
{
    /// <summary>The hub makes the sender wait for a receiver whose queue is full.</summary>
    None = 0,
    /// <summary>A receiver whose queue is full is left out at once; a receipt says so with <c>full</c>.</summary>
    BestEffort = 2,
    /// <summary>
    /// The receipt waits until each receiver has acknowledged the message, or its fate is known otherwise, or the hub's limit for
    /// it (30 s unless the hub was told otherwise) has passed. Only with a receipt. A receiver that uses this library acknowledges what
    /// its program has taken: it has asked for the next message or has disposed of this one. One that only sends
    /// (<see cref="HubClientOptions.DiscardDeliveries"/>) acknowledges at once. A handler should dispose of its delivery before it waits
    /// for this: two handlers that confirm each other would wait until that limit.
    /// </summary>
    Confirm = 4,
}
