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
    /// it (30 s unless the hub was told otherwise) has passed. Only with a receipt. A receiver acknowledges what its client library
    /// has taken, which is before the program has read it.
    /// </summary>
    Confirm = 4,
}
