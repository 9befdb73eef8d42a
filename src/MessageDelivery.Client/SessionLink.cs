namespace MessageDelivery.Client;

/// <summary>One connection's part in a session. Written under the session's lock.</summary>
internal sealed class SessionLink
{
    private volatile HubConnectionException? _closeReason;

    /// <summary>Why the connection ended; null while it stands. Set once.</summary>
    public HubConnectionException? CloseReason
    {
        get => _closeReason;
        set => _closeReason = value;
    }

    /// <summary>The total of frames that count, as the connection's HELLO tells it.</summary>
    public ulong FramesTold { get; set; }

    /// <summary>What the hub's WELCOME began; null until it has come.</summary>
    public SessionOpening? Opening { get; set; }
}

/// <summary>What a WELCOME began.</summary>
/// <param name="IsResumed">Whether the session before goes on.</param>
/// <param name="OldUserId">The id before; 0 on the first connection.</param>
/// <param name="UserId">The id now.</param>
/// <param name="HeartbeatSeconds">Seconds of silence after which a HEARTBEAT is due; 0 is never.</param>
/// <param name="UnknownRelays">Relays of a session that ended, of which it is not known whether they were carried out.</param>
internal sealed record SessionOpening(bool IsResumed, ulong OldUserId, ulong UserId, int HeartbeatSeconds, long UnknownRelays);
