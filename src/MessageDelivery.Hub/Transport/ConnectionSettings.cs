namespace MessageDelivery.Hub.Transport;

/// <summary>What all connections of a hub are kept to.</summary>
/// <param name="QueueLimitBytes">Bytes at which a connection's queue is full.</param>
/// <param name="StallMilliseconds">How long a peer may take nothing while others wait for it.</param>
/// <param name="DrainMilliseconds">How long a connection may go on sending while the hub stops.</param>
/// <param name="KeepAliveMilliseconds">How long a peer may give no sign of life; 0 is for ever.</param>
internal sealed record ConnectionSettings(long QueueLimitBytes, long StallMilliseconds, long DrainMilliseconds, long KeepAliveMilliseconds = 0);
