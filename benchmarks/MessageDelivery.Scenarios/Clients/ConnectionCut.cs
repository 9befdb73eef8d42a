using System.ComponentModel;
using System.Diagnostics;
using System.Net;

namespace MessageDelivery.Scenarios.Clients;

/// <summary>Has the kernel destroy sockets of the hub, as when its network is gone: <c>ss --kill</c>, which needs root.</summary>
internal static class ConnectionCut
{
    /// <summary>Destroys the hub's ends of all connections from an address; how many, 0 where that is not possible.</summary>
    public static async Task<int> DestroyAsync(IPEndPoint hub, IPAddress from)
    {
        var start = new ProcessStartInfo(
            "ss", ["--kill", "--no-header", "--tcp", "--numeric", "state", "established", "src", $"{hub}", "and", "dst", $"{from}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            using var ss = Process.Start(start)!;
            var error = ss.StandardError.ReadToEndAsync();
            string destroyed = await ss.StandardOutput.ReadToEndAsync();
            await error;
            await ss.WaitForExitAsync();
            return destroyed.AsSpan().Count('\n');
        }
        catch (Win32Exception)
        {
            return 0;
        }
    }
}
