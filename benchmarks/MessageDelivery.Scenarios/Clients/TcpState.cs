using System.Net.Sockets;

namespace MessageDelivery.Scenarios.Clients;

/// <summary>Whether a connection still stands, asked of the kernel and not of the stream: that would be reading.</summary>
internal static class TcpState
{
    private const int TcpLevel = 6;
    private const int TcpInfo = 11;
    private const byte Established = 1;

    public static bool IsEstablished(Socket socket)
    {
        // The first byte of tcp_info is the state.
        Span<byte> state = stackalloc byte[8];
        socket.GetRawSocketOption(TcpLevel, TcpInfo, state);
        return state[0] == Established;
    }
}
