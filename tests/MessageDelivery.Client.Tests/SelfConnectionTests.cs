using System.Net;
using System.Net.Sockets;
using MessageDelivery.Protocol;

namespace MessageDelivery.Client.Tests;

/// <summary>
/// Where nobody listens on a port of the range from which the system takes the ports of those who connect, it may connect a client to
/// itself: once in some ten thousand attempts.
/// </summary>
public sealed class SelfConnectionTests
{
    private const int MaxAttempts = 1_000_000;

    [Fact]
    public async Task A_client_that_was_connected_to_itself_was_refused()
    {
        var options = new HubClientOptions { Port = FreePort() };
        HubConnectionException error;
        int attempts = 0;
        do
        {
            Assert.True(++attempts < MaxAttempts, "no attempt met itself");
            error = await Assert.ThrowsAsync<HubConnectionException>(() => HubClient.ConnectAsync(options).Soon());
        }
        while (error.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionRefused });

        Assert.Equal((null, ReconnectAdvice.Yes), (error.Code, error.ReconnectAdvice));
        Assert.Contains("connected to itself", error.Message, StringComparison.Ordinal);
        Assert.Contains($"127.0.0.1:{options.Port}", error.Message, StringComparison.Ordinal);
    }

    /// <summary>A free port of the range; one that has the parity of its beginning, as the ports that connecting sockets are given first.</summary>
    private static int FreePort()
    {
        int[] range = [.. File.ReadAllText("/proc/sys/net/ipv4/ip_local_port_range").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];
        while (true)
        {
            int port = range[0] + (2 * Random.Shared.Next((range[1] - range[0]) / 2));
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException)
            {
                // Somebody has it.
            }
        }
    }
}
