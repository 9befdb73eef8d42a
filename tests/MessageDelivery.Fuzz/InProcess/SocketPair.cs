using System.Runtime.InteropServices;

namespace MessageDelivery.Fuzz.InProcess;

/// <summary>Two sockets that are connected to each other and do not block (socketpair(2)).</summary>
internal static unsafe partial class SocketPair
{
    private const int UnixDomain = 1;
    private const int StreamNonBlockingCloseOnExec = 1 | 0x800 | 0x80000;

    public static (int Hub, int Peer) Open()
    {
        int* sockets = stackalloc int[2];
        return Create(UnixDomain, StreamNonBlockingCloseOnExec, 0, sockets) == 0
            ? (sockets[0], sockets[1])
            : throw new IOException($"socketpair failed with error {Marshal.GetLastPInvokeError()}");
    }

    [LibraryImport("libc", EntryPoint = "socketpair", SetLastError = true)]
    private static partial int Create(int domain, int type, int protocol, int* sockets);
}
