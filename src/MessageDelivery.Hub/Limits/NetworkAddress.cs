using System.Buffers.Binary;
using System.Net;
using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Limits;

/// <summary>
/// Whose connections are counted together: an IPv4 address, or an IPv6 /64, of which one customer has as many addresses as it likes.
/// </summary>
internal readonly record struct NetworkAddress
{
    private const ulong MappedPrefix = 0xFFFF;
    private const ulong LoopbackNetwork = 127;

    private readonly ulong _prefix;
    private readonly bool _isInternet6;

    public NetworkAddress(in PeerAddress peer)
    {
        // An IPv4 address may come mapped into IPv6 (RFC 4291, section 2.5.5.2).
        bool isMapped = peer.High == 0 && peer.Low >> 32 == MappedPrefix;
        _isInternet6 = peer.IsInternet6 && !isMapped;
        _prefix = _isInternet6 ? peer.High : (uint)peer.Low;
        IsLoopback = peer == default || (_isInternet6 ? peer is { High: 0, Low: 1 } : _prefix >> 24 == LoopbackNetwork);
    }

    /// <summary>This machine itself, or, where a connection has no address, this process.</summary>
    public bool IsLoopback { get; }

    /// <summary>Salted per process, so that nobody can choose addresses that collide.</summary>
    public override int GetHashCode() => HashCode.Combine(_prefix, _isInternet6);

    /// <summary>Such as <c>192.0.2.1</c> or <c>2001:db8::/64</c>.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        if (_isInternet6)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes, _prefix);
            return IsLoopback ? "::1" : $"{new IPAddress(bytes)}/64";
        }

        BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)_prefix);
        return new IPAddress(bytes[..4]).ToString();
    }
}
