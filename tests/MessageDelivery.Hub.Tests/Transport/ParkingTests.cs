using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Protocols.Binary;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Tests.Transport;

/// <summary>
/// Small pieces are copied out of the blocks in which they were received, once: however often the peer takes no more, the loop
/// tidies up or the connection is lost, what is copied grows with what was added and not with what is held.
/// </summary>
public sealed class ParkingTests : IDisposable
{
    private const int BodyBytes = 128;
    private const int FrameBytes = ProtocolLimits.DeliveryHeaderBytes + BodyBytes;
    private const long AwayLimit = 64 << 20;

    private readonly StillLoop _still = new();
    private readonly FakePeer _peer = new() { Room = 0 };
    private readonly OutboundQueue _queue;
    private long _addedBytes;

    public ParkingTests() => _queue = new(_still.Pool, 32 << 20, _still.Connect());

    public void Dispose()
    {
        _queue.Close(_peer);
        _still.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_peer_that_takes_a_backlog_in_pieces_has_it_copied_once(bool isResumable)
    {
        Retain(isResumable);
        AddDeliveries(20_000);
        for (int sends = 0; _queue.PendingBytes > 0; sends++)
        {
            Assert.True(sends < 1_000, "A backlog is never sent.");
            Send(room: 10_000);
        }

        Assert.InRange(_queue.CopiedBytes, 1, _addedBytes);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_comes_while_a_backlog_is_sent_is_copied_once_and_the_backlog_no_more(bool isResumable)
    {
        Retain(isResumable);
        AddDeliveries(10_000);
        for (int i = 0; i < 1_000; i++)
        {
            Send(room: 100);
            AddDeliveries(2);
            AddLarge();
        }

        // While the peer takes something, small ones behind others are copied as they come, others when it takes no more.
        Assert.InRange(_queue.CopiedBytes, 1, _addedBytes);
        Send(long.MaxValue);
        Assert.Equal(0, _queue.PendingBytes);
    }

    [Fact]
    public void What_is_kept_until_it_is_acknowledged_is_copied_once_however_often_the_loop_tidies_up()
    {
        Retain(true);
        for (int i = 0; i < 100; i++)
        {
            AddDeliveries(10);
            AddLarge();
            Send(long.MaxValue);
            _queue.Park();
            Assert.False(_queue.IsUnparked);
        }

        Assert.InRange(_queue.CopiedBytes, 1, _addedBytes);
        Assert.Equal(ReplayStatus.Available, _queue.Acknowledge(100 * 11, _peer));
        Assert.Equal(0, _queue.HeldBytes);
    }

    [Fact]
    public void A_session_that_is_lost_and_resumed_again_and_again_has_what_it_keeps_copied_once()
    {
        Retain(true);
        AddDeliveries(5_000);
        for (int i = 0; i < 100; i++)
        {
            Send(room: 50_000);
            Assert.True(_queue.Detach(AwayLimit, limitsLine: true, _peer));
            AddDeliveries(10);
            Assert.Equal(ReplayStatus.Available, _queue.Attach(_still.Connect(), total: 0, [1, 2, 3], _peer));
        }

        // Each WELCOME is a copy, too.
        Assert.InRange(_queue.CopiedBytes, 1, _addedBytes + (3 * 100));
    }

    [Fact]
    public void Receipts_that_are_kept_stand_in_few_blocks()
    {
        Retain(true);
        for (int i = 0; i < 1_000; i++)
        {
            _queue.AddCounted(new byte[20], _peer);
            Send(long.MaxValue);
        }

        Assert.InRange(_still.Pool.OutstandingBlocks, 1, 20_000 / BlockSizes.SmallBytes * 2);
        Assert.False(_queue.IsUnparked);
        Assert.Equal(ReplayStatus.Available, _queue.Acknowledge(1_000, _peer));
        Assert.Equal(0, _still.Pool.OutstandingBlocks);
    }

    [Fact]
    public void What_could_not_be_copied_for_want_of_memory_is_copied_when_there_is_some()
    {
        Retain(true);
        var rented = new List<Block>();
        while (!_still.Pool.IsLow)
        {
            rented.Add(_still.Pool.Rent(BlockSize.Large));
        }

        var shared = _still.Pool.Rent(BlockSize.Large);
        Add(new(shared, 0, FrameBytes));
        Send(room: 1);
        Send(long.MaxValue);
        _queue.Park();
        Assert.True(_queue.IsUnparked);
        Assert.False(shared.IsExclusive);
        rented.ForEach(block => block.Release());

        _queue.Park();
        Assert.False(_queue.IsUnparked);
        Assert.True(shared.IsExclusive);
        shared.Release();
        Assert.Equal(FrameBytes, _queue.CopiedBytes);
    }

    private void Retain(bool isResumable)
    {
        if (isResumable)
        {
            _queue.EnableReplay(CountedFrames.Instance);
        }
    }

    /// <summary>Small deliveries of other users, which do not touch.</summary>
    private void AddDeliveries(int count)
    {
        const int Apart = FrameBytes + 8;
        while (count > 0)
        {
            var block = _still.Pool.Rent(BlockSize.Large);
            int here = Math.Min(count, block.Capacity / Apart);
            for (int i = 0; i < here; i++)
            {
                Add(new(block, i * Apart, FrameBytes));
            }

            block.Release();
            count -= here;
        }
    }

    /// <summary>One that is shared however long it waits.</summary>
    private void AddLarge()
    {
        var block = _still.Pool.Rent(BlockSize.Large);
        int bytes = OutboundQueue.ParkCopyBytes;
        new DeliveryHeader(7, bytes - ProtocolLimits.DeliveryHeaderBytes).Write(block.Span(0, bytes));
        Assert.NotEqual(QueueResult.Closed, _queue.TryAdd([new(block, 0, bytes)], 1, null, null, 0, _peer));
        block.Release();
    }

    private void Add(Segment segment)
    {
        new DeliveryHeader(7, BodyBytes).Write(segment.Span);
        Assert.True(_queue.TryAdd([segment], 1, null, null, 0, _peer) is QueueResult.Accepted or QueueResult.Held);
        _addedBytes += segment.Length;
    }

    private void Send(long room)
    {
        _peer.Room = room;
        _queue.Unblock();
        while (_queue.Flush(_peer, _peer, scheduled: true) == FlushResult.More)
        {
        }

        _peer.Room = 0;
        _peer.Received.Clear();
        _peer.Pieces.Clear();
    }
}
