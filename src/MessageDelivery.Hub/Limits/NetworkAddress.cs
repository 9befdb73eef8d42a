using System.Buffers.Binary;
using System.Net;
using MessageDelivery.Hub.Linux;

namespace MessageDelivery.Hub.Limits;

/// <summary>
/// Whose connections are counted together: an IPv4 address, or an IPv6 /64, of which one customer has as many addresses as it likes.
/// </summary>
internal readonly record struct NetworkAddress
{
    private const int MaxAddressBytes = 128;
    private const int FamilyInternet = 2;
    private const int FamilyInternet6 = 10;
    private const ulong MappedPrefix = 0xFFFF_0000_0000;

    private readonly ulong _prefix;
    private readonly bool _isInternet6;

    /// <param name="address">4 bytes of IPv4, or 16 of IPv6.</param>
    public NetworkAddress(ReadOnlySpan<byte> address)
    {
        if (address.Length == 4)
        {
            _prefix = BinaryPrimitives.ReadUInt32BigEndian(address);
            IsLoopback = address[0] == 127;
            return;
        }

        _prefix = BinaryPrimitives.ReadUInt64BigEndian(address);
        ulong rest = BinaryPrimitives.ReadUInt64BigEndian(address[8..]);
        if (_prefix == 0 && (rest & ~(ulong)uint.MaxValue) == MappedPrefix)
        {
            // An IPv4 address in IPv6's clothes.
            this = new(address[12..]);
            return;
        }

        _isInternet6 = true;
        IsLoopback = _prefix == 0 && rest == 1;
    }

    /// <summary>This machine itself.</summary>
    public bool IsLoopback { get; }

    /// <summary>Who is at the other end; false if the connection is gone already.</summary>
    public static unsafe bool TryAsk(int socket, out NetworkAddress address)
    {
        byte* bytes = stackalloc byte[MaxAddressBytes];
        uint length = MaxAddressBytes;
        address = default;
        if (Libc.GetPeerName(socket, bytes, &length) != 0)
        {
            return false;
        }

        var all = new ReadOnlySpan<byte>(bytes, MaxAddressBytes);
        switch (all[0] | (all[1] << 8))
        {
            case FamilyInternet:
                address = new(all[4..8]);
                return true;
            case FamilyInternet6:
                address = new(all[8..24]);
                return true;
            default:
                return false;
        }
    }

    /// <summary>Salted anew in each process, so that nobody can choose addresses that fall together.</summary>
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
