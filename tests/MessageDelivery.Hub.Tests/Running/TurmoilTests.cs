using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Tests.Running;

/// <summary>Connections that break at any moment, while a pair that does not must lose nothing.</summary>
public sealed class TurmoilTests
{
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(4);

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task A_pair_goes_on_while_others_come_break_and_go(int loops)
    {
        await using var hub = new MessageHub(new()
        {
            Listen = [new(IPAddress.Loopback, 0)],
            EventLoops = loops,
            QueueLimitBytes = 100_000,
            MemoryLimitBytes = 64 << 20,
        });
        await hub.StartAsync();
        var endpoint = hub.Endpoints[0];
        using var sender = new Peer(endpoint);
        using var receiver = new Peer(endpoint);
        using var end = new CancellationTokenSource();
        var others = Enumerable.Range(1, 3).Select(seed => OnThread(() => Disturb(endpoint, receiver.Id, seed, end.Token))).ToArray();

        var reading = OnThread(() => ReadInOrder(receiver, sender.Id));
        long sent = Relay(sender, receiver.Id);
        await end.CancelAsync();
        await Task.WhenAll(others);
        sender.Send(Peer.Relay([], RelayFlags.None, receiver.Id));
        Assert.Equal(sent, await reading.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.True(sent > 0);

        sender.Dispose();
        receiver.Dispose();
        await hub.StopAsync();
        Assert.Equal(0, hub.OutstandingBlocks);
    }

    /// <summary>On a thread of its own: these block, and the pool has few threads on a small machine.</summary>
    private static Task<long> OnThread(Func<long> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static long Relay(Peer sender, ulong receiver)
    {
        byte[] relay = Peer.Relay(new byte[500], RelayFlags.None, receiver);
        var watch = Stopwatch.StartNew();
        long number = 0;
        while (watch.Elapsed < Duration)
        {
            BinaryPrimitives.WriteInt64LittleEndian(relay.AsSpan(16), number++);
            sender.Send(relay);
        }

        return number;
    }

    /// <summary>Reads until an empty body of the sender comes; what others send is left out.</summary>
    private static long ReadInOrder(Peer receiver, ulong sender)
    {
        var head = new byte[ProtocolLimits.DeliveryHeaderBytes];
        var body = new byte[ProtocolLimits.MaxBodyBytes];
        for (long expected = 0; ;)
        {
            receiver.Receive(head);
            Assert.Equal(FrameType.Delivery, FrameHeader.Read(head).Type);
            var delivery = DeliveryHeader.Read(head);
            receiver.Receive(body.AsSpan(0, delivery.BodyBytes));
            if (delivery.SenderId != sender)
            {
                continue;
            }

            if (delivery.BodyBytes == 0)
            {
                return expected;
            }

            Assert.Equal(expected++, BinaryPrimitives.ReadInt64LittleEndian(body));
        }
    }

    private static long Disturb(IPEndPoint hub, ulong victim, int seed, CancellationToken end)
    {
        var random = new Random(seed);
        byte[] large = Peer.Relay(new byte[300_000], RelayFlags.Receipt, victim, 1, 2, 3);
        byte[] small = Peer.Relay(new byte[20], RelayFlags.None, victim);
        long connections = 0;
        for (; !end.IsCancellationRequested; connections++)
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { SendTimeout = 1_000 };
            try
            {
                socket.Connect(hub);
                if (random.Next(8) > 0)
                {
                    socket.Send("\u0001\0\u0001\0\u0004\0\0\0MDS1"u8);
                }

                for (int i = random.Next(6); i > 0; i--)
                {
                    byte[] frame = random.Next(3) == 0 ? large : small;
                    socket.Send(frame.AsSpan(0, random.Next(4) == 0 ? random.Next(frame.Length) : frame.Length));
                }

                if (random.Next(2) == 0)
                {
                    socket.LingerState = new(true, 0);
                }
                else if (random.Next(2) == 0)
                {
                    socket.Shutdown(SocketShutdown.Send);
                }
            }
            catch (SocketException)
            {
                // The hub may close on what it cannot read; that is what is wanted here.
            }
        }

        return connections;
    }
}
