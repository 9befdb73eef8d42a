using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Users;

namespace MessageDelivery.Hub.Tests.Transport;

/// <summary>What a sender has in line for many full receivers costs little more than for one.</summary>
public sealed class WaitingDeliveryTests
{
    private const int Receivers = 50;

    [Fact]
    public void Deliveries_of_one_relay_share_the_list_of_its_pieces()
    {
        using var still = new StillLoop(queueLimitBytes: 1);
        OutboundQueue[] queues = [.. Enumerable.Range(0, Receivers).Select(_ => new OutboundQueue(still.Pool, 1, still.Connect()))];
        var relay = new PendingRelay(new Nobody());
        var block = still.Pool.Rent(BlockSize.Medium);
        Segment[] frames = [.. Enumerable.Range(0, 20).Select(i => new Segment(block, i * 100, 50))];
        Segment[] text = [new(block, 5_000, 70)];
        Array.ForEach(queues, queue => queue.Add([1], still.Loop));

        for (int round = 0; round < 3; round++)
        {
            relay.Begin(Receivers);
            relay.Queueing(relays: 1);
            for (int i = 0; i < Receivers; i++)
            {
                Assert.Equal(QueueResult.Waiting, queues[i].TryAdd(i % 2 == 0 ? frames : text, 1, null, relay, i, still.Loop));
            }

            Assert.False(relay.Queued(Receivers));
            Assert.All(Enumerable.Range(0, Receivers), i => Assert.True(IsOneList(relay.DeliveryAt(i), relay.DeliveryAt(i % 2))));
            Assert.False(IsOneList(relay.DeliveryAt(0), relay.DeliveryAt(1)));
            Assert.All(Enumerable.Range(0, Receivers), i => Assert.Equal(i % 2 == 0 ? frames : text, relay.DeliveryAt(i).Segments.ToArray()));

            // They end one by one; those that are left keep what they have.
            for (int i = 0; i < Receivers; i++)
            {
                Assert.False(relay.IsDone);
                queues[i].Close(still.Loop);
                queues[i] = new(still.Pool, 1, still.Connect());
                queues[i].Add([1], still.Loop);
            }

            Assert.True(relay.IsDone);
        }

        Array.ForEach(queues, queue => queue.Close(still.Loop));
        block.Release();
    }

    // Compared as references: the garbage collector may move a list between two looks at its address.
    private static bool IsOneList(WaitingDelivery one, WaitingDelivery other) =>
        Unsafe.AreSame(ref MemoryMarshal.GetReference(one.Segments), ref MemoryMarshal.GetReference(other.Segments));

    private sealed class Nobody : IPausable
    {
        public void Resume()
        {
        }
    }
}
