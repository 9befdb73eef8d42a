using System.Buffers.Binary;
using System.Net;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Tests.Running;

/// <summary>More senders of large bodies than there is memory for, and receivers that take their time: all of it arrives.</summary>
public sealed class SlowReadersTests
{
    private const int Senders = 12;
    private const int Receivers = 3;
    private const int Bodies = 4;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(8)]
    public async Task Everything_arrives_in_order_and_memory_stays_under_its_limit(int loops)
    {
        await using var hub = new MessageHub(new()
        {
            Listen = [new(IPAddress.Loopback, 0)],
            EventLoops = loops,
            MemoryLimitBytes = BlockPool.MinLimitBytes,
            QueueLimitBytes = 2 << 20,
        });
        await hub.StartAsync();
        var receivers = Enumerable.Range(0, Receivers).Select(_ => new Peer(hub.Endpoints[0])).ToList();
        var senders = Enumerable.Range(0, Senders).Select(_ => new Peer(hub.Endpoints[0])).ToList();
        receivers.ForEach(receiver => receiver.Socket.ReceiveBufferSize = 64 << 10);
        var sending = Task.WhenAll(senders.Select(sender => OnThread(() => Send(sender, receivers))));
        var reading = Task.WhenAll(receivers.Select(receiver => OnThread(() => Read(receiver))));
        long most = 0;
        for (var all = Task.WhenAll(sending, reading); !all.IsCompleted; await Task.WhenAny(all, Task.Delay(2)))
        {
            most = Math.Max(most, hub.Pool!.UsedBytes);
        }

        await Task.WhenAll(sending, reading).WaitAsync(Patience);
        Assert.InRange(most, BlockPool.MinLimitBytes / 2, BlockPool.MinLimitBytes);
        senders.Concat(receivers).ToList().ForEach(peer => peer.Dispose());
        await hub.StopAsync();
        Assert.Equal(0, hub.OutstandingBlocks);
    }

    private static Task OnThread(Action work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static void Send(Peer sender, List<Peer> receivers)
    {
        for (int number = 0; number < Bodies; number++)
        {
            foreach (var receiver in receivers)
            {
                byte[] body = new byte[ProtocolLimits.MaxBodyBytes];
                body.AsSpan().Fill((byte)(sender.Id + (ulong)number));
                BinaryPrimitives.WriteInt32LittleEndian(body, number);
                sender.Send(Peer.Relay(body, RelayFlags.None, receiver.Id));
            }
        }
    }

    private static void Read(Peer receiver)
    {
        var next = new Dictionary<ulong, int>();
        var delivery = new byte[ProtocolLimits.DeliveryHeaderBytes + ProtocolLimits.MaxBodyBytes];
        for (int i = 0; i < Senders * Bodies; i++)
        {
            receiver.Receive(delivery);
            var header = DeliveryHeader.Read(delivery);
            int expected = next.GetValueOrDefault(header.SenderId);
            var body = delivery.AsSpan(ProtocolLimits.DeliveryHeaderBytes);
            Assert.Equal(expected, BinaryPrimitives.ReadInt32LittleEndian(body));
            Assert.Equal(-1, body[sizeof(int)..].IndexOfAnyExcept((byte)(header.SenderId + (ulong)expected)));
            next[header.SenderId] = expected + 1;
            Thread.Sleep(5);
        }

        Assert.All(next.Values, bodies => Assert.Equal(Bodies, bodies));
    }
}
