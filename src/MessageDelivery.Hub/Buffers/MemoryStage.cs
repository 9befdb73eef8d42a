namespace MessageDelivery.Hub.Buffers;

/// <summary>What a hub does for want of message memory. Each stage goes on with those before.</summary>
internal enum MemoryStage
{
    /// <summary>Nothing.</summary>
    Plenty,
    /// <summary>The largest senders wait: the more a request may bring, the more has to be left beside it for others.</summary>
    Scarce,
    /// <summary>Somebody waits for memory: new connections are refused, and what is kept for users who are away is dropped.</summary>
    Short,
    /// <summary>No claim was granted for a while: the connections that hold most are closed.</summary>
    Stuck,
}
