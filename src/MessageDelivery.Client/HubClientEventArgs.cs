namespace MessageDelivery.Client;

/// <summary>Says that the <see cref="ConnectionState"/> of a <see cref="HubClient"/> has changed.</summary>
public sealed class ConnectionStateChangedEventArgs(ConnectionState oldState, ConnectionState newState, HubConnectionException reason) : EventArgs
{
    /// <summary>What it was.</summary>
    public ConnectionState OldState { get; } = oldState;

    /// <summary>What it is.</summary>
    public ConnectionState NewState { get; } = newState;

    /// <summary>
    /// What ended the last connection, or the client; with <see cref="ConnectionState.Connected"/>, the connection before, or that there
    /// was none.
    /// </summary>
    public HubConnectionException Reason { get; } = reason;
}

/// <summary>Says that a <see cref="HubClient"/> has a new connection, on which its session goes on as if nothing had happened.</summary>
public sealed class SessionResumedEventArgs(HubConnectionException reason) : EventArgs
{
    /// <summary>What ended the connection before.</summary>
    public HubConnectionException Reason { get; } = reason;
}

/// <summary>Says that a <see cref="HubClient"/> has a new connection, and on it a new session and a new id.</summary>
public sealed class IdentityChangedEventArgs(ulong oldUserId, ulong newUserId, HubConnectionException reason, long unknownRelays) : EventArgs
{
    /// <summary>The id it had; nobody has it now.</summary>
    public ulong OldUserId { get; } = oldUserId;

    /// <summary>The id it has.</summary>
    public ulong NewUserId { get; } = newUserId;

    /// <summary>What ended the connection before.</summary>
    public HubConnectionException Reason { get; } = reason;

    /// <summary>
    /// Relays that the client had taken as the old user and of which it is not known whether the hub has carried them out, or with
    /// what outcome. They are not sent again. Those with a receipt have failed; of the others only this number is known. Messages
    /// to the old user that had not arrived are lost, too, and their number is not known.
    /// </summary>
    public long UnknownRelays { get; } = unknownRelays;
}

/// <summary>Says that the hub answered a relay without a receipt with an error.</summary>
public sealed class HubRelayRejectedEventArgs(HubRequestException error) : EventArgs
{
    /// <summary>The hub's code and text.</summary>
    public HubRequestException Error { get; } = error;
}
