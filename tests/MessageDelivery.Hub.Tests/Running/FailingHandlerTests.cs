using System.Net;
using System.Net.Sockets;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Transport.Layers;

namespace MessageDelivery.Hub.Tests.Running;

/// <summary>
/// A conversation that throws at any call that its connection makes, while it is being closed for that among them: its socket is closed,
/// its place given back, and the loop and everybody else go on.
/// </summary>
public sealed class FailingHandlerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData(1)]
    [InlineData(int.MaxValue)]
    public async Task One_that_throws_at_any_call(int times)
    {
        int calls = await RunAsync(int.MaxValue, 0);
        Assert.InRange(calls, 5, 1_000);
        for (int at = 1; at <= calls; at++)
        {
            await RunAsync(at, times);
        }
    }

    private static async Task<int> RunAsync(int at, int times)
    {
        using var pool = new BlockPool(64 << 20);
        var events = new CountedEvents();
        using var loop = new EventLoop(0, pool, TimeProvider.System, events);
        var host = new ConnectionHost(loop, new(64 << 20, 200, 200));
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var (healthyPlace, faultyPlace) = (new CountedSlot(), new CountedSlot());
        int calls = 0;
        loop.Start();
        using var healthy = Adopt(host, listener, healthyPlace, static () => { });
        using var faulty = Adopt(host, listener, faultyPlace, () =>
        {
            int call = Interlocked.Increment(ref calls);
            if (call >= at && call - at < times)
            {
                throw new InvalidTimeZoneException($"call {call}");
            }
        });
        for (int i = 0; i < 3; i++)
        {
            await SendAsync(faulty, 1_000);
        }

        await EndAsync(faulty);
        await SendAsync(healthy, 1_000);
        Assert.Equal(1_000, await ReceiveAsync(healthy, 1_000));
        loop.Call(host.ShutDown);
        await loop.Ended.WaitAsync(Patience);
        Assert.Equal((1, 1, 0), (healthyPlace.Left, faultyPlace.Left, events.LoopFailures));
        Assert.Equal(0, loop.Counters.Connections);
        Assert.Equal(0, pool.OutstandingBlocks);
        return calls;
    }

    private static unsafe TcpClient Adopt(ConnectionHost host, TcpListener listener, IConnectionSlot place, Action call)
    {
        var client = new TcpClient();
        client.Connect((IPEndPoint)listener.LocalEndpoint);
        int accepted;
        do
        {
            accepted = Libc.Accept((int)listener.Server.Handle, null, null, Libc.CloseOnExec | Libc.NonBlocking);
        }
        while (accepted < 0);
        host.Adopt(new SocketLayer(accepted), place, default, (connection, _) => new EchoingHandler(connection, call));
        return client;
    }

    private static async Task SendAsync(TcpClient client, int count)
    {
        try
        {
            await client.Client.SendAsync(new byte[count]);
        }
        catch (SocketException)
        {
            // It was cut off.
        }
    }

    private static async Task<int> ReceiveAsync(TcpClient client, int count)
    {
        using var patience = new CancellationTokenSource(Patience);
        byte[] buffer = new byte[count];
        int received = 0;
        while (received < count && await client.Client.ReceiveAsync(buffer.AsMemory(received), patience.Token) is var more and > 0)
        {
            received += more;
        }

        return received;
    }

    private static async Task EndAsync(TcpClient client)
    {
        try
        {
            client.Client.Shutdown(SocketShutdown.Send);
            await ReceiveAsync(client, int.MaxValue / 4096);
        }
        catch (SocketException)
        {
            // A reset is an end, too.
        }
    }

    private sealed class EchoingHandler(Connection connection, Action call) : IResumableProtocol
    {
        public long Deadline => Called(long.MaxValue);

        public int Consume(in Segment input)
        {
            call();
            connection.Send(input.Span);
            call();
            return input.Length;
        }

        public void OnDeadline() => call();

        public int RequestBytes(ReadOnlySpan<byte> front, bool isReceived) => Called(0);

        public void Resumed() => call();

        public bool TryKeepQueue(CloseReason reason) => Called(false);

        public void End(CloseReason reason)
        {
            call();
            connection.Close(reason);
        }

        public void Closed(CloseReason reason) => call();

        private T Called<T>(T result)
        {
            call();
            return result;
        }
    }

    private sealed class CountedSlot : IConnectionSlot
    {
        private int _left;

        public int Left => Volatile.Read(ref _left);

        public void Yield(Connection connection, bool isAllSent)
        {
        }

        public void Release() => Interlocked.Increment(ref _left);
    }

    private sealed class CountedEvents : ILoopEvents
    {
        public int LoopFailures { get; private set; }

        public void ConnectionFailed(Exception exception)
        {
        }

        public void LoopFailed(Exception exception) => LoopFailures++;
    }
}
