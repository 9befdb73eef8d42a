using System.Buffers.Binary;
using System.Net;
using MessageDelivery.Hub.Linux;

namespace MessageDelivery.Hub.Transport;

/// <summary>An address and a port, kept as plain numbers: it outlives the socket and costs no allocation.</summary>
internal readonly unsafe struct PeerAddress : IEquatable<PeerAddress>
{
    private const int MaxAddressBytes = 128;
    private const int FamilyInternet = 2;
    private const int FamilyInternet6 = 10;

    private readonly UInt128 _address;
    private readonly ushort _port;
    private readonly byte _family;

    private PeerAddress(ReadOnlySpan<byte> address)
    {
        _family = address[0];
        _port = BinaryPrimitives.ReadUInt16BigEndian(address[2..]);
        _address = _family == FamilyInternet
            ? BinaryPrimitives.ReadUInt32BigEndian(address[4..])
            : BinaryPrimitives.ReadUInt128BigEndian(address[8..]);
    }

    /// <summary>Asks the kernel who is at the other end; nobody if the connection is gone already.</summary>
    public static PeerAddress Of(int socket)
    {
        byte* address = stackalloc byte[MaxAddressBytes];
        uint length = MaxAddressBytes;
        return Libc.GetPeerName(socket, address, &length) == 0 && address[0] is FamilyInternet or FamilyInternet6 && address[1] == 0
            ? new(new ReadOnlySpan<byte>(address, MaxAddressBytes))
            : default;
    }

    /// <summary>Null if there is none.</summary>
    public IPEndPoint? ToEndPoint()
    {
        Span<byte> bytes = stackalloc byte[16];
        switch (_family)
        {
            case FamilyInternet:
                BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)_address);
                return new(new IPAddress(bytes[..4]), _port);
            case FamilyInternet6:
                BinaryPrimitives.WriteUInt128BigEndian(bytes, _address);
                return new(new IPAddress(bytes), _port);
            default:
                return null;
        }
    }

    public bool Equals(PeerAddress other) => (_address, _port, _family) == (other._address, other._port, other._family);

    public override bool Equals(object? obj) => obj is PeerAddress other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(_address, _port, _family);
}
