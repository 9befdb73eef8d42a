namespace MessageDelivery.Hub.Buffers;

/// <summary>What a hub does for want of message memory. Each stage goes on with those before.</summary>
internal enum MemoryStage
{
    /// <summary>Nothing.</summary>
    Plenty,
    /// <summary>Senders take turns: who is under way with most is the first for whom there is nothing to set aside.</summary>
    Scarce,
    /// <summary>Somebody waits for memory: new connections are refused, and what is kept for users who are away is dropped.</summary>
    Short,
    /// <summary>Nobody got any for a while: whoever holds most is cut off.</summary>
    Stuck,
}
