namespace MessageDelivery.Torture.Faults;

/// <summary>What is done to a connection, a client or the hub on purpose.</summary>
internal enum FaultKind
{
    /// <summary>The proxy closes both sides with FIN.</summary>
    Cut,
    /// <summary>The proxy resets both sides within a frame.</summary>
    Reset,
    /// <summary>The client's side ends; the hub's side stands for a while, and nobody is there.</summary>
    HalfOpen,
    /// <summary>Nothing passes in either direction for a while.</summary>
    Stall,
    /// <summary>A few bytes at a time pass.</summary>
    Trickle,
    /// <summary>Everything passes later.</summary>
    Delay,
    /// <summary>What passes is cut at random bytes.</summary>
    Split,
    /// <summary>The hub's process is stopped for a while.</summary>
    HubStopped,
    /// <summary>A client's process is stopped for a while.</summary>
    ClientStopped,
    /// <summary>A client's process is killed.</summary>
    ClientKilled,
    /// <summary>A client neither reads nor writes for a while.</summary>
    ClientFrozen,
}
