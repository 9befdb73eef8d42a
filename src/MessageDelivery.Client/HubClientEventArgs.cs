namespace MessageDelivery.Client;

/// <summary>Says that a <see cref="HubClient"/> has lost its connection and is going to connect again.</summary>
public sealed class HubClientConnectionLostEventArgs(HubConnectionException reason) : EventArgs
{
    /// <summary>What ended the connection. Calls that were pending have failed with it.</summary>
    public HubConnectionException Reason { get; } = reason;
}

/// <summary>Says that a <see cref="HubClient"/> has a new connection, and with it a new id.</summary>
public sealed class HubClientReconnectedEventArgs(ulong oldUserId, ulong newUserId, HubConnectionException reason) : EventArgs
{
    /// <summary>The id it had; nobody has it now.</summary>
    public ulong OldUserId { get; } = oldUserId;

    /// <summary>The id it has.</summary>
    public ulong NewUserId { get; } = newUserId;

    /// <summary>What ended the connection before. Calls that were pending then have failed with it.</summary>
    public HubConnectionException Reason { get; } = reason;
}

/// <summary>Says that the hub answered a relay without a receipt with an error.</summary>
public sealed class HubRelayRejectedEventArgs(HubRequestException error) : EventArgs
{
    /// <summary>The hub's code and text.</summary>
    public HubRequestException Error { get; } = error;
}
