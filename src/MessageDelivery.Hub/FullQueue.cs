namespace MessageDelivery.Hub;

/// <summary>What becomes of a relay for a receiver whose queue is full.</summary>
public enum FullQueue
{
    /// <summary>Its sender waits until the receiver has taken something, or is cut off by the stall limit.</summary>
    Wait,

    /// <summary>The receiver is left out, and the sender is told <c>full</c>: every relay is as if flagged BEST_EFFORT.</summary>
    LeaveOut,
}
