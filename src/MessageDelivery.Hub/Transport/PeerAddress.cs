using System.Buffers.Binary;
using System.Net;
using MessageDelivery.Hub.Linux;

namespace MessageDelivery.Hub.Transport;

/// <summary>
/// An address and port, a peer's as accept tells them (struct sockaddr_in and sockaddr_in6), kept as plain numbers: it outlives the socket and
/// costs neither a system call nor an allocation. The default is that of a connection which has none: from inside the process.
/// </summary>
internal readonly record struct PeerAddress
{
    /// <summary>Bytes that the address of any socket fits into (struct sockaddr_storage).</summary>
    public const int MaxBytes = 128;

    private const int FamilyInternet = 2;
    private const int FamilyInternet6 = 10;

    private readonly ulong _high;
    private readonly ulong _low;
    private readonly ushort _port;
    private readonly byte _family;

    /// <param name="address">A sockaddr, at least as long as its family has it.</param>
    public PeerAddress(ReadOnlySpan<byte> address)
    {
        switch (address[0] | (address[1] << 8))
        {
            case FamilyInternet:
                _low = BinaryPrimitives.ReadUInt32BigEndian(address[4..]);
                break;
            case FamilyInternet6:
                _high = BinaryPrimitives.ReadUInt64BigEndian(address[8..]);
                _low = BinaryPrimitives.ReadUInt64BigEndian(address[16..]);
                break;
            default:
                return;
        }

        _family = address[0];
        _port = BinaryPrimitives.ReadUInt16BigEndian(address[2..]);
    }

    public PeerAddress(IPAddress address, ushort port)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int length);
        _family = length == 16 ? (byte)FamilyInternet6 : (byte)FamilyInternet;
        _high = length == 16 ? BinaryPrimitives.ReadUInt64BigEndian(bytes) : 0;
        _low = length == 16 ? BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]) : BinaryPrimitives.ReadUInt32BigEndian(bytes);
        _port = port;
    }

    public bool IsInternet6 => _family == FamilyInternet6;

    /// <summary>The first 64 bits of an IPv6 address; 0 for IPv4.</summary>
    public ulong High => _high;

    /// <summary>The last 64 bits of an IPv6 address, or all 32 of an IPv4 address.</summary>
    public ulong Low => _low;

    /// <summary>That of a socket's own end; of a connection that has no socket, the default.</summary>
    public static unsafe PeerAddress OfSocket(int descriptor)
    {
        byte* address = stackalloc byte[MaxBytes];
        uint length = MaxBytes;
        return descriptor >= 0 && Libc.GetSocketName(descriptor, address, &length) == 0 ? new(new ReadOnlySpan<byte>(address, MaxBytes)) : default;
    }

    /// <summary>Loopback and port 0 if there is none: from inside the process.</summary>
    public IPEndPoint ToEndPointOrLoopback() => ToEndPoint() ?? new(IPAddress.Loopback, 0);

    /// <summary>Null if there is none.</summary>
    public IPEndPoint? ToEndPoint()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, _high);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], _low);
        return _family == 0 ? null : new(new IPAddress(IsInternet6 ? bytes : bytes[12..]), _port);
    }

    /// <summary>Such as <c>192.0.2.1:5000</c> or <c>[2001:db8::1]:5000</c>.</summary>
    public override string ToString() => ToEndPoint()?.ToString() ?? "unknown";
}
