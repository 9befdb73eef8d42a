namespace MessageDelivery.Client;

/// <summary>A connection as its session sees it. Written under the session's lock.</summary>
internal sealed class SessionLink
{
    private volatile HubConnectionException? _closeReason;

    /// <summary>Why the connection ended; null while it is open. Set once.</summary>
    public HubConnectionException? CloseReason
    {
        get => _closeReason;
        set => _closeReason = value;
    }

    /// <summary>The total of counted frames in the connection's HELLO.</summary>
    public ulong FramesTold { get; set; }

    /// <summary>How its WELCOME started the session; null before it.</summary>
    public SessionStart? Start { get; set; }
}

/// <summary>How a WELCOME started a session, or resumed it.</summary>
/// <param name="IsResumed">Whether the previous session was resumed.</param>
/// <param name="OldUserId">The id before; 0 on the first connection.</param>
/// <param name="UserId">The id now.</param>
/// <param name="HeartbeatSeconds">Seconds of silence after which a HEARTBEAT is due; 0 is never.</param>
/// <param name="UnknownRelays">Relays of the previous session with an unknown outcome.</param>
internal sealed record SessionStart(bool IsResumed, ulong OldUserId, ulong UserId, int HeartbeatSeconds, long UnknownRelays);
