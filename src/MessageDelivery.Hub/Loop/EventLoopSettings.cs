namespace MessageDelivery.Hub.Loop;

/// <summary>What connections of a loop keep to.</summary>
/// <param name="QueueLimitBytes">Bytes at which a queue is full.</param>
/// <param name="StallMilliseconds">How long a peer may take nothing while its queue is full, or while it is closing.</param>
/// <param name="DrainMilliseconds">The same while the hub is stopping.</param>
/// <param name="KeepAliveMilliseconds">How long a peer's machine may give no sign of life while something is sent to it; 0 is for ever.</param>
internal sealed record EventLoopSettings(
    long QueueLimitBytes, long StallMilliseconds, long DrainMilliseconds, long KeepAliveMilliseconds = 0);
