using System.Net;

namespace MessageDelivery.Load;

/// <summary>Where the generator connects: to the server, or to the bridge in front of it.</summary>
internal sealed class ReachedServer(IPEndPoint server, TlsBridge? bridge) : IDisposable
{
    public IPEndPoint Endpoint => bridge?.Endpoint ?? server;

    public bool IsSecured => bridge is not null;

    public void Dispose() => bridge?.Dispose();
}
