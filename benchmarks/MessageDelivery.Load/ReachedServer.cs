using System.Net;
using MessageDelivery.Load.Protocols;

namespace MessageDelivery.Load;

/// <summary>How the generator connects: to the server, or to the bridge in front of it, and over WebSocket if it is told how.</summary>
internal sealed class ReachedServer(IPEndPoint server, TlsBridge? bridge = null, Upgrade? upgrade = null) : IDisposable
{
    public bool IsSecured => bridge is not null;

    public bool IsWebSocket => upgrade is not null;

    /// <inheritdoc cref="Connection.Open"/>
    public Connection Open() => Connection.Open(bridge?.Endpoint ?? server, upgrade);

    public void Dispose() => bridge?.Dispose();
}
