namespace MessageDelivery.Client;

/// <summary>What <see cref="HubClientOptions.ConnectCallback"/> is to connect to.</summary>
public sealed class HubConnectContext
{
    internal HubConnectContext(string host, int port) => (Host, Port) = (host, port);

    /// <summary><see cref="HubClientOptions.Host"/>.</summary>
    public string Host { get; }

    /// <summary><see cref="HubClientOptions.Port"/>.</summary>
    public int Port { get; }
}
