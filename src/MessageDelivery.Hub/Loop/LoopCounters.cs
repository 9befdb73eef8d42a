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

    /// <summary>TLS handshakes that succeeded: at 0 full ones, at 1 those that went on with a session of before.</summary>
    public readonly long[] Handshakes = new long[2];

    /// <summary>Connections that ended, by reason.</summary>
    public readonly long[] Disconnects = new long[64];
}
