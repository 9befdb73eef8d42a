using System.Net;
using System.Net.Sockets;
using MessageDelivery.Hub.Linux;

namespace MessageDelivery.Hub.Transport;

/// <summary>Who is at the other end. Asked for only when it is written out.</summary>
internal readonly unsafe struct SocketPeer(int socket)
{
    private const int MaxAddressBytes = 128;

    /// <summary>Null if the peer is gone.</summary>
    public IPEndPoint? Endpoint => IPEndPoint.TryParse(ToString(), out var endpoint) ? endpoint : null;

    public override string ToString()
    {
        byte* address = stackalloc byte[MaxAddressBytes];
        uint length = MaxAddressBytes;
        if (Libc.GetPeerName(socket, address, &length) != 0)
        {
            return "gone";
        }

        // Of a socket that is not one of the internet's only the family may be told.
        var bytes = new ReadOnlySpan<byte>(address, MaxAddressBytes);
        int port = (bytes[2] << 8) | bytes[3];
        return (bytes[0] | (bytes[1] << 8)) switch
        {
            2 => new IPEndPoint(new IPAddress(bytes[4..8]), port).ToString(),
            10 => new IPEndPoint(new IPAddress(bytes[8..24]), port).ToString(),
            _ => nameof(AddressFamily.Unspecified),
        };
    }
}
