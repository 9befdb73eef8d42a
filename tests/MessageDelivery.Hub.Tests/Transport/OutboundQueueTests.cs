using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Protocols.Binary;

namespace MessageDelivery.Hub.Tests.Transport;

/// <summary>What waits for a peer: order, bounds, who waits for whom, and whose memory is whose.</summary>
public sealed class OutboundQueueTests : IDisposable
{
    private const long Limit = 100;

    private readonly BlockPool _pool = new(8 << 20);
    private readonly FakePeer _peer = new();
    private readonly FakeWaiter _waiter = new();
    private readonly OutboundQueue _queue;

    public OutboundQueueTests() => _queue = new(_pool, Limit, owner: null);

    public void Dispose()
    {
        _queue.Close(_peer);
        Assert.Equal(0, _pool.OutstandingBlocks);
        Assert.Equal(0, _peer.Counters.QueuedBytes);
        _pool.Dispose();
    }

    [Fact]
    public void What_touches_leaves_as_one_piece_and_in_order()
    {
        using var bytes = new TestBytes(_pool, 60);
        Assert.Equal(QueueResult.Accepted, Add(bytes.Part(0, 20)));
        Assert.Equal(QueueResult.Accepted, Add(bytes.Part(20, 10)));
        _queue.Add([1, 2, 3], _peer);
        Assert.Equal(QueueResult.Accepted, Add(bytes.Part(30, 30)));
        Assert.Equal(1, _peer.FlushesScheduled);

        Assert.Equal(FlushResult.Sent, Flush());
        Assert.Equal([.. TestBytes.Content(0, 30), 1, 2, 3, .. TestBytes.Content(30, 30)], _peer.Received);
        Assert.Equal(1, _peer.Sends);
        Assert.Equal(0, _queue.PendingBytes);
    }

    /// <summary>A connection is in one list of those to flush at most, and gets a queue of its own once who comes back has this one.</summary>
    [Fact]
    public void Who_comes_back_waits_until_the_connection_before_is_in_no_list()
    {
        using var still = new StillLoop();
        var before = still.Connect();
        var queue = new OutboundQueue(_pool, Limit, before);
        queue.EnableReplay(CountedFrames.Instance);
        queue.Add([1, 2, 3], _peer);
        Assert.Equal(1, _peer.FlushesScheduled);
        Assert.True(queue.Detach(1_000, limitsLine: true, _peer));
        Assert.Null(queue.Attach(still.Connect(), 0, [4], _peer));
        Assert.Equal(FlushResult.Nothing, queue.Flush(before, _peer, scheduled: true));
        Assert.Equal(ReplayStatus.Available, queue.Attach(still.Connect(), 0, [4], _peer));
        queue.Close(_peer);
    }

    [Fact]
    public void Small_segments_behind_others_leave_as_one_piece_and_pin_nothing()
    {
        var queue = new OutboundQueue(_pool, limitBytes: 10_000, owner: null);
        using var first = new TestBytes(_pool, 40);
        using var small = new TestBytes(_pool, 1_000);
        using var large = new TestBytes(_pool, 1_000);
        queue.TryAdd([first.Part(0, 40)], 0, null, null, 0, _peer);
        queue.TryAdd([small.Part(0, 512)], 0, null, null, 0, _peer);
        queue.TryAdd([small.Part(600, 100)], 0, null, null, 0, _peer);
        queue.TryAdd([large.Part(0, 513)], 0, null, null, 0, _peer);
        Assert.False(first.Block.IsExclusive);
        Assert.True(small.Block.IsExclusive);
        Assert.False(large.Block.IsExclusive);

        queue.Flush(_peer, _peer, scheduled: true);
        Assert.Equal([.. TestBytes.Content(0, 40), .. TestBytes.Content(0, 512), .. TestBytes.Content(600, 100), .. TestBytes.Content(0, 513)], _peer.Received);
        Assert.Equal([40, 612, 513], _peer.Pieces);
    }

    [Fact]
    public void A_queue_below_its_limit_takes_one_more_and_then_makes_wait()
    {
        using var bytes = new TestBytes(_pool, 600);
        Assert.Equal(QueueResult.Accepted, Add(bytes.Part(0, 99)));
        Assert.False(_queue.IsFull);
        Assert.Equal(QueueResult.Accepted, Add(bytes.Part(99, 201)));
        Assert.Equal(1, _peer.Watched);
        Assert.Equal(QueueResult.Full, _queue.TryAdd([bytes.Part(300, 1)], 0, null, null, 0, _peer));
        Assert.Equal(QueueResult.Waiting, Add(bytes.Part(300, 100), index: 1));
        Assert.Equal(QueueResult.Waiting, Add(bytes.Part(400, 100), index: 2));
        Assert.Equal(QueueResult.Waiting, Add(bytes.Part(500, 100), index: 3));
        Assert.Empty(_waiter.Told);

        _peer.Room = 250;
        Assert.Equal(FlushResult.Blocked, Flush());
        Assert.Equal([(1, true)], _waiter.Told);
        _peer.Room = long.MaxValue;
        _queue.Unblock();
        Assert.Equal(FlushResult.Sent, Flush());
        Assert.Equal([(1, true), (2, true), (3, true)], _waiter.Told);
        Assert.Equal(TestBytes.Content(0, 600), _peer.Received);
    }

    [Fact]
    public void Who_waits_for_a_queue_that_closes_is_told()
    {
        using var bytes = new TestBytes(_pool, 300);
        Add(bytes.Part(0, 100));
        Add(bytes.Part(100, 100), index: 1);
        Add(bytes.Part(200, 100), index: 2);
        Assert.False(_queue.Complete(_peer));
        Assert.Equal([(1, false), (2, false)], _waiter.Told);
        Assert.Equal(QueueResult.Closed, Add(bytes.Part(0, 1)));
        Assert.Equal(FlushResult.Drained, Flush());
        Assert.Equal(TestBytes.Content(0, 100), _peer.Received);
    }

    [Fact]
    public void Nothing_is_queued_behind_the_last_words()
    {
        using var bytes = new TestBytes(_pool, 300);
        Add(bytes.Part(0, 100));
        Assert.Equal(QueueResult.Waiting, Add(bytes.Part(100, 100), index: 1));
        _queue.AddLast([1, 2, 3], _peer);
        Assert.Equal(QueueResult.Closed, Add(bytes.Part(200, 100)));
        Assert.Equal(FlushResult.Drained, Flush());
        Assert.Equal([.. TestBytes.Content(0, 100), 1, 2, 3], _peer.Received);
        Assert.True(_queue.Complete(_peer));
        Assert.Equal([(1, false)], _waiter.Told);
    }

    [Fact]
    public void A_slow_peer_pins_no_shared_block_for_small_segments()
    {
        var shared = _pool.Rent(BlockSize.Large);
        shared.Span(0, 200).Fill(7);
        Add(new(shared, 0, 10));
        Add(new(shared, 20, 10));
        _peer.Room = 5;
        Assert.Equal(FlushResult.Blocked, Flush());
        Add(new(shared, 40, 10));
        Assert.True(shared.IsExclusive);
        shared.Span(0, 200).Fill(9);
        shared.Release();

        _peer.Room = long.MaxValue;
        _queue.Unblock();
        Assert.Equal(FlushResult.Sent, Flush());
        Assert.Equal(Enumerable.Repeat((byte)7, 30), _peer.Received);
    }

    [Fact]
    public void Room_that_comes_during_a_send_is_not_missed()
    {
        using var bytes = new TestBytes(_pool, 80);
        Add(bytes.Part(0, 80));
        _peer.Room = 30;
        _peer.WhileSending = () =>
        {
            // Another loop is told that the peer takes bytes again, after the kernel has found no room for ours.
            _queue.Unblock();
            _peer.WhileSending = () => _peer.Room = long.MaxValue;
        };
        Assert.Equal(FlushResult.Sent, Flush());
        Assert.Equal(TestBytes.Content(0, 80), _peer.Received);
    }

    [Fact]
    public void What_is_closed_during_a_send_is_let_go_after_it()
    {
        using var bytes = new TestBytes(_pool, 80);
        Add(bytes.Part(0, 80));
        _peer.WhileSending = () =>
        {
            Assert.True(_queue.IsSendingOn(_peer));
            _queue.Close(_peer);
            Assert.False(bytes.Block.IsExclusive);
        };
        Assert.Equal(FlushResult.Drained, Flush());
        Assert.True(bytes.Block.IsExclusive);
        Assert.False(_queue.IsSendingOn(_peer));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Who_waits_during_a_takeover_is_held_whatever_its_size_and_whoever_comes_later_is_not(bool isTakeover)
    {
        _queue.EnableReplay(CountedFrames.Instance);
        using var bytes = new TestBytes(_pool, 400);
        Assert.Equal(QueueResult.Accepted, _queue.TryAdd([bytes.Part(0, 100)], 1, null, null, 0, _peer));
        Assert.Equal(QueueResult.Waiting, _queue.TryAdd([bytes.Part(100, 100)], 1, null, _waiter, 0, _peer));
        bool isKept = _queue.Detach(limitBytes: 50, limitsLine: !isTakeover, _peer);
        Assert.Equal(isTakeover, isKept);
        Assert.Equal([(0, isKept)], _waiter.Told);
        Assert.Equal(
            isKept ? QueueResult.Overflowed : QueueResult.Closed, _queue.TryAdd([bytes.Part(200, 51)], 1, null, null, 0, _peer));
    }

    [Fact]
    public void Who_has_to_answer_does_not_wait_behind_deliveries_that_wait_for_an_acknowledgement()
    {
        _queue.EnableReplay(CountedFrames.Instance);
        using var bytes = new TestBytes(_pool, 700);
        var session = new FakeWaiter();
        Assert.False(_queue.TryAwaitRoomToAnswer(session));
        Assert.Equal(QueueResult.Accepted, _queue.TryAdd([bytes.Part(0, 500)], 1, null, null, 0, _peer));
        Assert.Equal(QueueResult.Waiting, _queue.TryAdd([bytes.Part(500, 200)], 1, null, _waiter, 0, _peer));
        Assert.True(_queue.TryAwaitRoomToAnswer(session));

        Assert.Equal(FlushResult.Sent, Flush());

        Assert.Equal([(0, true)], session.Told);
        Assert.Empty(_waiter.Told);
        Assert.False(_queue.TryAwaitRoomToAnswer(session));
        Assert.Equal(ReplayStatus.Available, _queue.Acknowledge(1, _peer));
        Assert.Equal([(0, true)], _waiter.Told);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1 << 20)]
    public void What_is_unacknowledged_is_bounded_for_deliveries_and_twice_as_high_for_answers(long limit)
    {
        var queue = new OutboundQueue(_pool, limit, owner: null);
        queue.EnableReplay(CountedFrames.Instance);
        long unheard = Math.Max(4 * limit, _pool.LimitBytes / 8);
        queue.PauseAcknowledgements(_peer);
        using var bytes = new TestBytes(_pool, 10_000);
        while (!queue.IsFull)
        {
            queue.TryAdd([bytes.Part(0, 10_000)], 1, null, null, 0, _peer);
            queue.Flush(_peer, _peer, scheduled: true);
            _peer.Received.Clear();
        }

        Assert.InRange(queue.HeldBytes, unheard, unheard + 10_000);
        while (queue.HasRoomToAnswer)
        {
            queue.AddCounted(new byte[1_000], _peer);
            queue.Flush(_peer, _peer, scheduled: true);
            _peer.Received.Clear();
        }

        Assert.InRange(queue.HeldBytes, 2 * unheard, (2 * unheard) + 1_000);
        Assert.True(queue.TryAwaitRoomToAnswer(_waiter));
        queue.ResumeAcknowledgements();
        Assert.True(queue.IsFull);
        queue.Close(_peer);
        Assert.Equal([(0, false)], _waiter.Told);
    }

    [Fact]
    public void A_broken_connection_drops_what_is_left()
    {
        using var bytes = new TestBytes(_pool, 80);
        Add(bytes.Part(0, 80));
        _peer.Room = -1;
        Assert.Equal(FlushResult.Broken, Flush());
        Assert.Equal(0, _queue.PendingBytes);
    }

    [Fact]
    public void A_corked_queue_keeps_everything_back_and_lets_it_out_behind_the_first_bytes()
    {
        using var bytes = new TestBytes(_pool, 40);
        Assert.True(_queue.TryCork());
        Add(bytes.Part(0, 40));
        Assert.Equal(0, _peer.FlushesScheduled);
        Assert.Equal(FlushResult.Nothing, Flush());
        _queue.Uncork([1, 2], _peer);
        Assert.Equal(1, _peer.FlushesScheduled);
        Flush();
        Assert.Equal([1, 2, .. TestBytes.Content(0, 40)], _peer.Received);
        Assert.False(_queue.TryCork());
    }

    [Fact]
    public void The_stall_clock_runs_from_the_last_byte_taken_while_the_queue_is_full()
    {
        using var bytes = new TestBytes(_pool, 300);
        _peer.Now = 1_000;
        Add(bytes.Part(0, 50));
        Assert.Equal(long.MaxValue, _queue.StallDeadline(10));
        _peer.Now = 2_000;
        Add(bytes.Part(50, 200));
        Assert.Equal(2_010, _queue.StallDeadline(10));
        _peer.Now = 3_000;
        _peer.Room = 100;
        Flush();
        Assert.Equal(3_010, _queue.StallDeadline(10));
        _peer.Room = 100;
        _queue.Unblock();
        Flush();
        Assert.Equal(long.MaxValue, _queue.StallDeadline(10));
    }

    private QueueResult Add(Segment segment, int index = 0) => _queue.TryAdd([segment], 0, null, _waiter, index, _peer);

    private FlushResult Flush() => _queue.Flush(_peer, _peer, scheduled: true);
}
