namespace MessageDelivery.Client;

/// <summary>How a relay is carried out.</summary>
[Flags]
public enum RelayOptions
{
    /// <summary>The hub makes the sender wait for a receiver whose queue is full.</summary>
    None = 0,
    /// <summary>A receiver whose queue is full is left out at once; a receipt says so with <c>full</c>.</summary>
    BestEffort = 2,
}
