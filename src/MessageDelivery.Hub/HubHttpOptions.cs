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

    /// <summary>Names of hosts, without a port.</summary>
    internal const string HostForm = "the name of a host, without a port, such as chat.example.org";

    /// <summary>An origin as a browser writes it.</summary>
    internal const string OriginForm = "an origin such as https://example.org or http://127.0.0.1:5173, or null";

    /// <summary>An address, or a network of them.</summary>
    internal const string NetworkForm = "an address or a network such as 192.0.2.7 or 10.0.0.0/8";

    /// <summary>A copy with other lists; null leaves one as it is.</summary>
    internal HubHttpOptions With(IEnumerable<string>? hosts = null, IEnumerable<string>? origins = null, IEnumerable<IPNetwork>? proxies = null)
    {
        var copy = new HubHttpOptions { Server = Server };
        Add(copy.AllowedHosts, hosts ?? AllowedHosts);
        Add(copy.AllowedOrigins, origins ?? AllowedOrigins);
        Add(copy.TrustedProxies, proxies ?? TrustedProxies);
        return copy;
    }

    /// <summary>Whether something is a <see cref="HostForm"/>.</summary>
    internal static bool IsHost(string text) => Uri.CheckHostName(text) == UriHostNameType.Dns;

    /// <summary>Whether something is an <see cref="OriginForm"/>.</summary>
    internal static bool IsOrigin(string text) => text == "null"
        || (Uri.TryCreate(text, UriKind.Absolute, out var origin) && origin.Host.Length > 0 && origin is { UserInfo: "", AbsolutePath: "/", Query: "", Fragment: "" }
            && !text.EndsWith('/'));

    /// <summary>Reads a <see cref="NetworkForm"/>.</summary>
    internal static bool TryReadNetwork(string text, out IPNetwork network)
    {
        network = default;
        if (IPNetwork.TryParse(text, out network))
        {
            return true;
        }

        bool isAddress = IPAddress.TryParse(text, out var address) && address.ToString().Equals(text, StringComparison.OrdinalIgnoreCase);
        network = isAddress ? new(address!, 8 * address!.GetAddressBytes().Length) : default;
        return isAddress;
    }

    /// <summary>Checks every option; an impossible one is named with its value and what it may be.</summary>
    /// <exception cref="ArgumentException">An option is impossible.</exception>
    internal void Validate()
    {
        Check(nameof(AllowedHosts), AllowedHosts.FirstOrDefault(static host => !IsHost(host)), HostForm);
        Check(nameof(AllowedOrigins), AllowedOrigins.FirstOrDefault(static origin => !IsOrigin(origin)), OriginForm);
    }

    private static void Check(string name, string? wrong, string form)
    {
        if (wrong is not null)
        {
            throw new ArgumentException($"Http.{name} names '{wrong}'; it must be {form}.", name);
        }
    }

    private static void Add<T>(IList<T> list, IEnumerable<T> items)
    {
        foreach (var item in items)
        {
            list.Add(item);
        }
    }
}
