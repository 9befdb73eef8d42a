namespace MessageDelivery.Hub.Loop;

/// <summary>
/// What has passed through the connections of one event loop. Written by its thread only, read by any; the sum over loops is what counts.
/// </summary>
internal sealed class LoopCounters
{
    public long Connections;
    public long BytesReceived;
    public long BytesSent;
    public long QueuedBytes;
    public long RetainedBytes;

    /// <summary>TLS handshakes that succeeded and began from nothing.</summary>
    public long FullHandshakes;

    /// <summary>TLS handshakes that succeeded and went on with a session of before.</summary>
    public long ResumedHandshakes;
}
