using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Outbound;

namespace MessageDelivery.Hub.Tests.Transport;

/// <summary>A queue in which something fails: nobody is left sending on it, nothing is sent in part, and all its memory comes back.</summary>
public sealed class FailingQueueTests : IDisposable
{
    private const long Limit = 100;

    private readonly BlockPool _pool = new(8 << 20);
    private readonly FakePeer _peer = new();
    private readonly FakeWaiter _waiter = new();
    private readonly OutboundQueue _queue;

    public FailingQueueTests() => _queue = new(_pool, Limit, owner: null);

    public void Dispose()
    {
        _queue.Close(_peer);
        Assert.Equal(0, _pool.OutstandingBlocks);
        Assert.Equal(0, _peer.Counters.QueuedBytes);
        _pool.Dispose();
    }

    [Fact]
    public void A_send_that_throws_leaves_nobody_sending_and_nobody_waiting()
    {
        using var bytes = new TestBytes(_pool, 400);
        _queue.TryAdd([bytes.Part(0, 150)], 0, null, _waiter, 0, _peer);
        Assert.Equal(QueueResult.Waiting, _queue.TryAdd([bytes.Part(200, 20)], 0, null, _waiter, 1, _peer));
        _peer.WhileSending = () => throw new InvalidTimeZoneException();

        Assert.Throws<InvalidTimeZoneException>(() => _queue.Flush(_peer, _peer, scheduled: true));
        Assert.False(_queue.IsSendingOn(_peer), "The socket could never be closed.");
        Assert.Equal([(1, false)], _waiter.Told);
        Assert.Equal(QueueResult.Closed, _queue.TryAdd([bytes.Part(200, 20)], 0, null, null, 0, _peer));
    }

    [Fact]
    public void Who_fails_when_he_is_told_that_he_need_not_wait_leaves_nobody_sending()
    {
        using var bytes = new TestBytes(_pool, 400);
        _queue.TryAdd([bytes.Part(0, 150)], 0, null, _waiter, 0, _peer);
        _queue.TryAdd([bytes.Part(200, 20)], 0, null, new ThrowingWaiter(), 1, _peer);
        Assert.Throws<InvalidTimeZoneException>(() => _queue.Flush(_peer, _peer, scheduled: true));
        Assert.False(_queue.IsSendingOn(_peer));
    }

    [Fact]
    public void What_could_be_added_in_part_only_is_not_sent()
    {
        _queue.Add(TestBytes.Content(0, 10), _peer);
        _pool.RentFails = () => true;
        // More than is left of the block that the first stands in.
        _queue.Add(new byte[BlockSizes.LargeBytes], _peer);
        _pool.RentFails = null;
        Assert.Equal(FlushResult.Nothing, _queue.Flush(_peer, _peer, scheduled: true));
        Assert.Empty(_peer.Received);
    }

    private sealed class ThrowingWaiter : IDeliveryWaiter
    {
        private readonly HeldSegments?[] _recent = new HeldSegments?[1];

        public Span<HeldSegments?> Recent => _recent;

        public WaitingDelivery Place(int index) => new(this, index);

        public void WaitEnded(WaitingDelivery delivery, QueueResult result) => throw new InvalidTimeZoneException();
    }
}
