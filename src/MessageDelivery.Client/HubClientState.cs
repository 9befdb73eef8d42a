namespace MessageDelivery.Client;

/// <summary>What a <see cref="HubClient"/> is doing.</summary>
public enum HubClientState
{
    /// <summary>It is connected; calls go to the hub.</summary>
    Connected,
    /// <summary>It lost its connection and is making another; calls fail with what ended the last one.</summary>
    Reconnecting,
    /// <summary>It is closed for good.</summary>
    Closed,
}
