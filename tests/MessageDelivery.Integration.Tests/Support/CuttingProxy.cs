using System.Net;
using System.Net.Sockets;

namespace MessageDelivery.Integration.Tests.Support;

/// <summary>Stands between clients and a hub and cuts each connection, in both directions, after some bytes in one of them.</summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly EndPoint _hub;
    private readonly Random _random;
    private readonly int _maxBytes;
    private readonly List<Task> _connections = [];
    private readonly Task _accepting;
    private volatile bool _isCutting = true;

    /// <param name="hub">Where the hub is.</param>
    /// <param name="maxBytes">The most bytes that a connection carries in one direction.</param>
    /// <param name="seed">What decides where the cuts are.</param>
    public CuttingProxy(EndPoint hub, int maxBytes, int seed)
    {
        (_hub, _maxBytes, _random) = (hub, maxBytes, new(seed));
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    /// <summary>Connections that were cut.</summary>
    public int Cuts { get; private set; }

    /// <summary>Leaves later connections whole.</summary>
    public void StopCutting() => _isCutting = false;

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_connections);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket client = await _listener.AcceptAsync();
                _connections.Add(CarryAsync(client, Limit(), Limit()));
            }
        }
        catch (SocketException)
        {
            // The test is over.
        }

        int Limit() => _isCutting ? _random.Next(1, _maxBytes) : int.MaxValue;
    }

    private async Task CarryAsync(Socket client, int fromClient, int fromHub)
    {
        using var hub = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await hub.ConnectAsync(_hub);
        bool[] wasCut = await Task.WhenAll(PumpAsync(client, hub, fromClient), PumpAsync(hub, client, fromHub));
        Cuts += wasCut.Contains(true) ? 1 : 0;
        client.Dispose();
    }

    private static async Task<bool> PumpAsync(Socket from, Socket to, int limit)
    {
        byte[] buffer = new byte[16 * 1024];
        bool isCut = false;
        try
        {
            for (int carried = 0; carried < limit;)
            {
                int count = await from.ReceiveAsync(buffer.AsMemory(0, Math.Min(buffer.Length, limit - carried)));
                if (count == 0)
                {
                    return false;
                }

                await to.SendAsync(buffer.AsMemory(0, count));
                carried += count;
            }

            isCut = true;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Cut from the other side.
        }
        finally
        {
            foreach (Socket socket in (Socket[])[from, to])
            {
                try
                {
                    if (isCut)
                    {
                        socket.LingerState = new(true, 0);
                    }

                    socket.Dispose();
                }
                catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
                {
                    // The other direction was first.
                }
            }
        }

        return isCut;
    }
}
