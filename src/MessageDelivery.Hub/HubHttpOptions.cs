using System.Net;

namespace MessageDelivery.Hub;

/// <summary>HTTP and WebSocket on a hub's port. A hub reads it when it starts.</summary>
public sealed class HubHttpOptions
{
    /// <summary>
    /// Who serves HTTP requests. WebSocket at <c>/ws</c> the hub serves itself. Default: null, all other requests get a short error.
    /// </summary>
    public IHttpServer? Server { get; set; }

    /// <summary>
    /// Names, without a port, by which the hub may be asked for over HTTP and WebSocket, beside IP addresses, <c>localhost</c> and the names in
    /// its certificate. Default: none. A web page elsewhere whose name is made to lead here (DNS rebinding) has none of these.
    /// </summary>
    public IList<string> AllowedHosts { get; } = [];

    /// <summary>
    /// Origins such as <c>https://example.org</c> whose pages may connect, beside those of the host and port that was asked for. Default: none.
    /// </summary>
    public IList<string> AllowedOrigins { get; } = [];

    /// <summary>
    /// Networks of reverse proxies whose <c>X-Forwarded-For</c> is believed; their own connections count for no address. Default: none.
    /// </summary>
    public IList<IPNetwork> TrustedProxies { get; } = [];
}
