using CsCheck;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Outbound;

namespace MessageDelivery.Hub.Tests.Transport;

/// <summary>Whatever is added, sent, blocked and resumed in whatever order: the bytes out are the bytes in, in order.</summary>
public sealed class OutboundQueueModelTests
{
    private enum Step
    {
        Share,
        ShareLarge,
        Copy,
        SendSome,
        SendAll,
    }

    [Fact]
    public void Bytes_out_are_the_bytes_in() => Gen.Select(
        Gen.Int[0, 4].Select(step => (Step)step), Gen.Int[1, 20_000]).Array[1, 60].Sample(steps =>
    {
        using var pool = new BlockPool(64 << 20);
        var peer = new FakePeer { Room = 0 };
        var queue = new OutboundQueue(pool, 200_000, owner: null);
        var waiter = new FakeWaiter();
        var expected = new List<byte>();
        byte next = 0;
        int places = 0;
        var blocks = new List<Block>();
        foreach (var (step, size) in steps)
        {
            switch (step)
            {
                case Step.Share or Step.ShareLarge:
                    int length = step == Step.Share ? Math.Max(1, size / 100) : size;
                    var block = pool.Rent(BlockSize.Large);
                    blocks.Add(block);
                    Fill(block.Span(3, length), ref next, expected);
                    Assert.NotEqual(QueueResult.Closed, queue.TryAdd([new(block, 3, length)], 0, null, waiter, places++, peer));
                    break;
                case Step.Copy when !queue.IsFull:
                    var copy = new byte[Math.Max(1, size / 50)];
                    Fill(copy, ref next, expected);
                    queue.Add(copy, peer);
                    break;
                case Step.SendSome:
                    peer.Room = size;
                    queue.Unblock();
                    queue.Flush(peer, peer, scheduled: true);
                    break;
                case Step.SendAll:
                    SendAll(peer, queue);
                    break;
            }
        }

        SendAll(peer, queue);
        Assert.Equal(expected, peer.Received);
        Assert.InRange(queue.CopiedBytes, 0, expected.Count);
        Assert.True(waiter.Told.All(told => told.Accepted));
        Assert.Equal(waiter.Told.Select(told => told.Place).Order(), waiter.Told.Select(told => told.Place));
        blocks.ForEach(block => block.Release());
        Assert.Equal(0, pool.OutstandingBlocks);
        Assert.Equal(0, peer.Counters.QueuedBytes);
    }, iter: 300);

    private static void SendAll(FakePeer peer, OutboundQueue queue)
    {
        peer.Room = long.MaxValue;
        queue.Unblock();
        while (queue.Flush(peer, peer, scheduled: true) == FlushResult.More)
        {
        }

        peer.Room = 0;
    }

    private static void Fill(Span<byte> bytes, ref byte next, List<byte> expected)
    {
        foreach (ref byte value in bytes)
        {
            value = next++;
            expected.Add(value);
        }
    }
}
