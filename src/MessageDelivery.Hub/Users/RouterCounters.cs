namespace MessageDelivery.Hub.Users;

/// <summary>What one router has counted. Written by its loop's thread only, read by any; the sum over loops is what counts.</summary>
internal sealed class RouterCounters
{
    public long RelaysReceived;
    public long DeliveriesQueued;
    public long BodyBytesReceived;
    public long BodyBytesQueued;
    public long Waits;

    /// <summary>Deliveries that were not queued, by outcome.</summary>
    public readonly long[] NotDelivered = new long[8];
}
