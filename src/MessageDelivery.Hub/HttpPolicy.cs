using System.Net;
using System.Net.Sockets;
using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub;

/// <summary>Under which names a hub may be asked for, which pages may ask, and whose word is taken for a client's address. Any thread.</summary>
public sealed class HttpPolicy
{
    private readonly HashSet<string> _hosts;
    private readonly HashSet<string> _origins;
    private readonly IPNetwork[] _proxies;
    private readonly Func<string, bool> _isCertificateName;

    /// <param name="isCertificateName">Whether a name is in the hub's certificate.</param>
    internal HttpPolicy(HubHttpOptions options, Func<string, bool> isCertificateName)
    {
        _hosts = new(options.AllowedHosts.Select(WithoutDot), StringComparer.OrdinalIgnoreCase);
        _origins = new(options.AllowedOrigins, StringComparer.OrdinalIgnoreCase);
        _proxies = [.. options.TrustedProxies];
        _isCertificateName = isCertificateName;
    }

    /// <summary>Whether there are proxies whose word is taken for a client's address.</summary>
    public bool HasTrustedProxies => _proxies.Length > 0;

    /// <summary>Whether the hub may be asked for under what a <c>Host</c> header says.</summary>
    /// <param name="host">A name or an address, with or without a port.</param>
    public bool AllowsHost(string host)
    {
        if (NameOf(host) is not { } name)
        {
            return false;
        }

        if (name.StartsWith('['))
        {
            return IPAddress.TryParse(name, out var address) && address.AddressFamily == AddressFamily.InterNetworkV6;
        }

        name = WithoutDot(name);
        return name.Equals("localhost", StringComparison.OrdinalIgnoreCase) || IsInternet4(name) || _hosts.Contains(name) || IsCertificateName(name);
    }

    /// <summary>Whether a page of an origin may ask a hub that it asked for under a <c>Host</c>.</summary>
    /// <param name="origin">What an <c>Origin</c> header says. <c>null</c> names no host.</param>
    /// <param name="host">What the <c>Host</c> header says; ports are compared as they are written.</param>
    public bool AllowsOrigin(string origin, string host)
    {
        int scheme = origin.IndexOf("://", StringComparison.Ordinal);
        return _origins.Contains(origin) || (scheme > 0 && origin.AsSpan(scheme + 3).Equals(host, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>The address of the client: the last one of <c>X-Forwarded-For</c> that is no trusted proxy's, as far as each was told by one.</summary>
    /// <param name="peer">Who is at the other end of the connection.</param>
    /// <param name="forwardedFor">What the headers say, in their order.</param>
    public IPAddress ClientAddress(IPAddress peer, IEnumerable<string> forwardedFor)
    {
        var client = Unmapped(peer);
        var told = forwardedFor.SelectMany(static header => header.Split(',')).Reverse().GetEnumerator();
        while (IsTrusted(client) && told.MoveNext() && TryReadAddress(told.Current.Trim()) is { } next)
        {
            client = next;
        }

        return client;
    }

    /// <summary>Whether the word of who is at the other end is taken for a client's address.</summary>
    internal bool IsTrusted(in PeerAddress peer) => HasTrustedProxies && peer.ToEndPoint() is { } endpoint && IsTrusted(Unmapped(endpoint.Address));

    /// <summary>The same for a peer; the port of a client that is told is not known, and 0.</summary>
    internal PeerAddress ClientOf(in PeerAddress peer, IEnumerable<string> forwardedFor)
    {
        if (peer.ToEndPoint() is not { } endpoint)
        {
            return peer;
        }

        var client = ClientAddress(endpoint.Address, forwardedFor);
        return client.Equals(Unmapped(endpoint.Address)) ? peer : new(client, 0);
    }

    private static IPAddress Unmapped(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    /// <summary>An address, which some proxies write with a port.</summary>
    private static IPAddress? TryReadAddress(string text)
    {
        string host = NameOf(text) ?? text;
        return IsInternet4(host) || host.Contains(':', StringComparison.Ordinal) ? IPAddress.TryParse(host, out var address) ? Unmapped(address) : null : null;
    }

    /// <summary>A host without its port; null if it is none.</summary>
    private static string? NameOf(string host)
    {
        int end = host.StartsWith('[') ? host.IndexOf(']', StringComparison.Ordinal) + 1 : host.IndexOf(':', StringComparison.Ordinal);
        end = end < 0 ? host.Length : end;
        var port = host.AsSpan(end);
        bool isPort = port.IsEmpty || (port[0] == ':' && port.Length > 1 && ushort.TryParse(port[1..], System.Globalization.NumberStyles.None, null, out _));
        return end > 0 && isPort ? host[..end] : null;
    }

    /// <summary>Four numbers. What else stands for an address, such as <c>127.1</c>, no browser sends.</summary>
    private static bool IsInternet4(string name) => IPAddress.TryParse(name, out var address) && address.AddressFamily == AddressFamily.InterNetwork && address.ToString() == name;

    /// <summary>A name with a dot at its end is the same one.</summary>
    private static string WithoutDot(string name) => name.EndsWith('.') ? name[..^1] : name;

    private bool IsCertificateName(string name) => name.Length > 0 && Uri.CheckHostName(name) == UriHostNameType.Dns && _isCertificateName(name);

    private bool IsTrusted(IPAddress address) => _proxies.Any(network => network.Contains(address));
}
