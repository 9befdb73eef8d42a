using System.Net;
using System.Net.Sockets;
using MessageDelivery.Torture.Faults;

namespace MessageDelivery.Torture.Proxy;

/// <summary>
/// Stands between one client and the hub: a port of its own, and faults for each connection as its plan says. A client has its
/// own so that its plans do not depend on who else connects.
/// </summary>
internal sealed class FaultProxy : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly IPEndPoint _hub;
    private readonly int _seed;
    private readonly int _client;
    private readonly FaultCounts _faults;
    private readonly Sabotage? _sabotage;
    private readonly bool _resetsHub;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _accepting;

    /// <param name="sabotage">What the proxy does to frames that the hub sent in good order; null for nothing.</param>
    /// <param name="resetsHub">Whether faults end the hub's side with a reset only; for text users.</param>
    public FaultProxy(IPEndPoint hub, int seed, int client, FaultCounts faults, Sabotage? sabotage, bool resetsHub)
    {
        (_hub, _seed, _client, _faults, _sabotage, _resetsHub) = (hub, seed, client, faults, sabotage, resetsHub);
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(16);
        Endpoint = (IPEndPoint)_listener.LocalEndPoint!;
        _accepting = AcceptAsync();
    }

    public IPEndPoint Endpoint { get; }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        var running = new List<Task>();
        for (int number = 0; !_stopping.IsCancellationRequested; number++)
        {
            try
            {
                var client = await _listener.AcceptAsync(_stopping.Token);
                running.RemoveAll(task => task.IsCompleted);
                running.Add(RunAsync(client, new(_seed, _client, number)));
            }
            catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
            {
                break;
            }
        }

        await Task.WhenAll(running);
    }

    private async Task RunAsync(Socket client, FaultPlan plan)
    {
        using (client)
        using (var hub = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true })
        {
            client.NoDelay = true;
            try
            {
                await hub.ConnectAsync(_hub, _stopping.Token);
                await new ProxiedConnection(client, hub, plan, _faults, _sabotage, _resetsHub).RunAsync(_stopping.Token);
            }
            catch (Exception error) when (error is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // Whoever is left sees its connection end; what that means is the client's to judge.
            }
        }
    }
}
