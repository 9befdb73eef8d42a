using System.Runtime.InteropServices;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Protocols.Binary;

namespace MessageDelivery.Hub.Tests.Transport;

/// <summary>A queue in which something fails: nobody is left sending on it, nothing is sent in part, and all its memory comes back.</summary>
public sealed class FailingQueueTests : IDisposable
{
    private const long Limit = 100;

    private readonly BlockPool _pool = new(8 << 20);
    private readonly FakePeer _peer = new();
    private readonly FakeWaiter _waiter = new();
    private readonly StillLoop _still = new();
    private readonly OutboundQueue _queue;

    public FailingQueueTests() => _queue = new(_pool, Limit, owner: null);

    public void Dispose()
    {
        _queue.Close(_peer);
        Assert.Equal(0, _pool.OutstandingBlocks);
        Assert.Equal(0, _peer.Counters.QueuedBytes);
        Assert.Equal(0, _peer.Counters.RetainedBytes);
        _still.Dispose();
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

    [Fact]
    public void One_who_fails_when_he_is_told_keeps_nobody_else_waiting()
    {
        using var bytes = new TestBytes(_pool, 400);
        _queue.TryAdd([bytes.Part(0, 150)], 0, null, _waiter, 0, _peer);
        _queue.TryAdd([bytes.Part(200, 20)], 0, null, new ThrowingWaiter(), 1, _peer);
        _queue.TryAdd([bytes.Part(230, 20)], 0, null, _waiter, 2, _peer);
        Assert.Throws<InvalidTimeZoneException>(() => _queue.Close(_peer));
        Assert.Equal([(2, false)], _waiter.Told);
    }

    [Fact]
    public void Who_was_taken_from_the_line_is_told_though_what_is_left_cannot_be_parked()
    {
        using var bytes = new TestBytes(_pool, 2_000);
        _queue.TryAdd([bytes.Part(0, 150)], 0, null, _waiter, 0, _peer);
        _queue.TryAdd([bytes.Part(200, 600)], 0, null, _waiter, 1, _peer);
        _queue.TryAdd([bytes.Part(1_000, 20)], 0, null, _waiter, 2, _peer);
        _peer.Room = 60;
        _pool.RentFails = () => true;
        _queue.Flush(_peer, _peer, scheduled: true);
        _pool.RentFails = null;
        Assert.False(_queue.IsSendingOn(_peer));
        Assert.Equal([(2, false), (1, true)], _waiter.Told);
        Assert.Equal(QueueResult.Closed, _queue.TryAdd([bytes.Part(0, 1)], 0, null, null, 0, _peer));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_queue_that_is_torn_while_its_peer_is_away_tells_at_once_those_who_wait_for_the_peer(bool atOnce)
    {
        using var waiter = new AcknowledgementWaiter();
        using var bytes = new TestBytes(_pool, 20_000);
        _queue.EnableReplay(CountedFrames.Instance);
        _queue.TryAdd([bytes.Part(0, 50)], 1, waiter, _waiter, 0, _peer);
        if (atOnce)
        {
            _pool.RentFails = () => true;
            Assert.False(_queue.Detach(1 << 20, limitsLine: true, _peer));
        }
        else
        {
            Assert.True(_queue.Detach(1 << 20, limitsLine: true, _peer));
            _pool.RentFails = () => true;
            Assert.Equal(QueueResult.Closed, _queue.TryAdd([bytes.Part(100, 10_000)], 1, null, null, 0, _peer));
        }

        _pool.RentFails = null;
        Assert.Equal([(1, false)], waiter.Told);
        Assert.Equal(0, _queue.HeldBytes);
        _queue.Flush(_peer, _peer, scheduled: true);
        Assert.Equal(ReplayStatus.Released, _queue.Attach(_still.Connect(), 0, [], _peer));
    }

    [Fact]
    public void Whoever_has_no_memory_to_come_back_loses_nothing()
    {
        using var bytes = new TestBytes(_pool, 20_000);
        _queue.EnableReplay(CountedFrames.Instance);
        _queue.TryAdd([bytes.Part(0, 20_000)], 1, null, null, 0, _peer);
        Assert.True(_queue.Detach(1 << 20, limitsLine: true, _peer));
        _queue.Flush(_peer, _peer, scheduled: true);
        _pool.RentFails = () => true;
        Assert.Throws<InsufficientMemoryException>(() => _queue.Attach(_still.Connect(), 0, [1, 2, 3], _peer));
        _pool.RentFails = null;
        Assert.Equal(ReplayStatus.Available, _queue.Attach(_still.Connect(), 0, [1, 2, 3], _peer));
        _queue.Flush(_peer, _peer, scheduled: true);
        Assert.Equal([1, 2, 3, .. TestBytes.Content(0, 20_000)], _peer.Received.TakeLast(20_003));
    }

    [Fact]
    public void Who_cannot_be_remembered_for_want_of_memory_does_not_wait()
    {
        using var waiter = new AcknowledgementWaiter();
        using var bytes = new TestBytes(_pool, 50);
        _queue.EnableReplay(CountedFrames.Instance);
        _pool.RentFails = () => true;
        Assert.Equal(QueueResult.Accepted, _queue.TryAdd([bytes.Part(0, 50)], 1, waiter, null, 0, _peer));
        _pool.RentFails = null;
        Assert.Equal(0, waiter.Waits);
    }

    private sealed class AcknowledgementWaiter : IAcknowledgementWaiter, IDisposable
    {
        private readonly GCHandle _handle;

        public AcknowledgementWaiter() => _handle = GCHandle.Alloc(this);

        public nint Handle => GCHandle.ToIntPtr(_handle);

        public int Waits { get; private set; }

        public List<(nint Wait, bool IsAcknowledged)> Told { get; } = [];

        public nint Await(int place, ulong number) => ++Waits;

        public void AwaitEnded(nint wait, bool isAcknowledged, IOutlet outlet) => Told.Add((wait, isAcknowledged));

        public void Dispose() => _handle.Free();
    }

    private sealed class ThrowingWaiter : IDeliveryWaiter
    {
        private readonly HeldSegments?[] _recent = new HeldSegments?[1];

        public Span<HeldSegments?> Recent => _recent;

        public WaitingDelivery DeliveryAt(int index) => new(this, index);

        public void WaitEnded(WaitingDelivery delivery, QueueResult result) => throw new InvalidTimeZoneException();
    }
}
