using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace MessageDelivery.Integration.Tests.Support;

/// <summary>
/// Makes a peer vanish without a word, as a machine does that loses its power: the kernel throws away every packet that comes for its
/// socket before TCP sees it (SO_ATTACH_FILTER, socket(7)), so that nothing is acknowledged, no probe is answered and no reset is sent.
/// Needs no rights and no network of its own.
/// </summary>
internal static class PacketFilter
{
    private const int LevelSocket = 1;
    private const int OptionAttachFilter = 26;

    public static unsafe void DropEverything(Socket socket)
    {
        // BPF_RET | BPF_K with 0: keep no byte of the packet (struct sock_filter, struct sock_fprog; linux/filter.h).
        byte* filter = stackalloc byte[8];
        new Span<byte>(filter, 8).Clear();
        filter[0] = 6;
        Span<byte> program = stackalloc byte[2 * sizeof(nint)];
        program.Clear();
        program[0] = 1;
        MemoryMarshal.Write(program[sizeof(nint)..], (nint)filter);
        socket.SetRawSocketOption(LevelSocket, OptionAttachFilter, program);
    }
}
