using System.Globalization;
using System.Net;

namespace MessageDelivery.Integration.Tests.Support;

/// <summary>The sockets that the kernel lists for a hub's port (proc(5), /proc/net/tcp): who serves, and who has left and is there all the same.</summary>
internal static class HeldSockets
{
    private const string Listening = "0A";

    /// <summary>Connections at the hub's side for which some process has a descriptor.</summary>
    public static int Count(IPEndPoint hub)
    {
        string local = string.Create(CultureInfo.InvariantCulture, $":{hub.Port:X4}");
        return File.ReadLines("/proc/net/tcp").Skip(1)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))

            // Without an inode nobody has a descriptor for it any more: only the kernel still sees to its end. The list is read in pieces,
            // and what changes meanwhile makes a socket stand in it more than once.
            .Where(field => field[1].EndsWith(local, StringComparison.Ordinal) && field[3] != Listening && field[9] != "0")
            .Select(field => field[9]).Distinct().Count();
    }
}
