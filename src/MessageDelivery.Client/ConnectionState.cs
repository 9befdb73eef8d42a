namespace MessageDelivery.Client;

/// <summary>What a <see cref="HubClient"/> is doing.</summary>
public enum ConnectionState
{
    /// <summary>It is connected; calls go to the hub.</summary>
    Connected,
    /// <summary>
    /// It lost its connection and is making another. As long as its session may be resumed, calls are taken and wait; else they fail.
    /// </summary>
    Reconnecting,
    /// <summary>It is closed for good.</summary>
    Closed,
    /// <summary>It is making its first connection, in the background; calls are taken and wait.</summary>
    Connecting,
}
