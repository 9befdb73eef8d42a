using System.Net;
using System.Runtime.InteropServices;

namespace MessageDelivery.Integration.Tests.Support;

/// <summary>The hub's end of a connection, where the hub runs in this process: what the kernel was told about it.</summary>
internal static unsafe partial class AcceptedSocket
{
    private const int AddressBytes = 16;

    /// <summary>An option of the socket whose peer is this (getsockopt(2)).</summary>
    public static int Option(IPEndPoint peer, int level, int option)
    {
        foreach (string entry in Directory.EnumerateFileSystemEntries("/proc/self/fd"))
        {
            int value, length = sizeof(int);
            if (int.TryParse(Path.GetFileName(entry), out int descriptor) && IsPeer(descriptor, peer))
            {
                Assert.Equal(0, GetSocketOption(descriptor, level, option, &value, &length));
                return value;
            }
        }

        Assert.Fail($"No descriptor has {peer} at its other end.");
        return 0;
    }

    private static bool IsPeer(int descriptor, IPEndPoint peer)
    {
        byte* address = stackalloc byte[AddressBytes];
        int length = AddressBytes;
        if (GetPeerName(descriptor, address, &length) != 0)
        {
            return false;
        }

        var bytes = new ReadOnlySpan<byte>(address, AddressBytes);
        return ((bytes[2] << 8) | bytes[3]) == peer.Port && new IPAddress(bytes[4..8]).Equals(peer.Address);
    }

    [LibraryImport("libc", EntryPoint = "getsockopt")]
    private static partial int GetSocketOption(int descriptor, int level, int option, int* value, int* length);

    [LibraryImport("libc", EntryPoint = "getpeername")]
    private static partial int GetPeerName(int descriptor, byte* address, int* length);
}
