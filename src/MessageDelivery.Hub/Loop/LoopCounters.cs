
namespace MessageDelivery.Hub.Loop;

/// <summary>What one event loop has counted. Written by its thread only, read by any; the sum over loops is what counts.</summary>
internal sealed class LoopCounters
{
    public long Connections;
    public long BytesReceived;
    public long BytesSent;
    public long RelaysReceived;
    public long DeliveriesQueued;
    public long BodyBytesReceived;
    public long BodyBytesQueued;
    public long QueuedBytes;
    public long RetainedBytes;
    public long Resumes;
    public long Waits;

    /// <summary>Deliveries that were not queued, by <c>Outcome</c>.</summary>
    public readonly long[] NotDelivered = new long[8];

    /// <summary>Times a limit was met, by <c>LimitKind</c>.</summary>
    public readonly long[] Limited = new long[32];

    /// <summary>Connections that ended, by <c>CloseReason</c>.</summary>
    public readonly long[] Disconnects = new long[32];
}
