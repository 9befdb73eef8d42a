using CsCheck;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Protocols.Binary;
using MessageDelivery.Hub.Tests.Routing;
using MessageDelivery.Hub.Tests.Running;
using MessageDelivery.Hub.Tests.Transport;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Tests.Sessions;

/// <summary>Relays gathered into runs: each receiver gets the right bytes in order, in as few pieces as there can be.</summary>
public sealed class RelayRunTests : IDisposable
{
    private const ulong Sender = 77;

    private readonly StillLoop _still = new();
    private readonly FakeReceiver[] _receivers = [new(), new(), new()];
    private readonly UserRegistry _users;
    private readonly User[] _listed;
    private readonly PendingRelay _relay;
    private readonly Router _router;
    private readonly RelayRun _run;

    public RelayRunTests()
    {
        _users = new(_still.Pool);
        _listed = [.. _receivers.Select(_users.Add)];
        _router = new(_users, _still.Loop);
        _run = Run(_still, _router);
        _relay = new(_still.Connect());
    }

    public void Dispose()
    {
        Array.ForEach(_listed, _users.Remove);
        _still.Dispose();
    }

    [Fact]
    public void Relays_to_one_receiver_become_one_piece_where_they_stand()
    {
        Feed(_still, _run, [([1], 10), ([1], 0), ([1], 5_000)]);
        Assert.Equal([.. Delivered(0, 10), .. Delivered(1, 0), .. Delivered(2, 5_000)], Assert.Single(_receivers[0].Offered));
        Assert.Equal([1], _receivers[0].Segments);
        Assert.Equal(0, _still.Loop.CopyBuffer.Tail);
        Assert.Equal(3, _router.Counters.RelaysReceived);
        Assert.Equal(3, _router.Counters.DeliveriesQueued);
        Assert.Equal(5_010, _router.Counters.BodyBytesReceived);
    }

    [Fact]
    public void Small_relays_to_several_are_copied_together_once()
    {
        Feed(_still, _run, [([1, 2], 10), ([1, 2], 20), ([1, 2], 30)]);
        byte[] expected = [.. Delivered(0, 10), .. Delivered(1, 20), .. Delivered(2, 30)];
        Assert.All(_receivers[..2], receiver => Assert.Equal(expected, Assert.Single(receiver.Offered)));
        Assert.Equal([1], _receivers[0].Segments);
        Assert.Equal(expected.Length, _still.Loop.CopyBuffer.Tail);
    }

    [Fact]
    public void Large_relays_to_several_are_not_copied()
    {
        Feed(_still, _run, [([1, 2], 5_000), ([1, 2], 5_000)]);
        Assert.All(_receivers[..2], receiver => Assert.Equal([Delivered(0, 5_000), Delivered(1, 5_000)], receiver.Offered));
        Assert.Equal(0, _still.Loop.CopyBuffer.Tail);
    }

    [Fact]
    public void A_run_ends_where_the_receivers_change()
    {
        Feed(_still, _run, [([1], 10), ([2], 10), ([1, 2], 10), ([2, 1], 10), ([1], 10)]);
        Assert.Equal([Delivered(0, 10), Delivered(2, 10), Delivered(3, 10), Delivered(4, 10)], _receivers[0].Offered);
        Assert.Equal([Delivered(1, 10), Delivered(2, 10), Delivered(3, 10)], _receivers[1].Offered);
    }

    [Fact]
    public void A_run_does_not_go_far_beyond_what_a_queue_takes()
    {
        using var still = new StillLoop(queueLimitBytes: 4_000);
        Feed(still, Run(still, new Router(_users, still.Loop)), [.. Enumerable.Repeat((new ulong[] { 1 }, 100), 100)]);
        Assert.All(_receivers[0].Offered, delivery => Assert.True(delivery.Length <= 1_000, $"{delivery.Length} bytes in one run"));
        Assert.Equal(100 * 116, _receivers[0].Offered.Sum(delivery => delivery.Length));
    }

    [Fact]
    public void Whatever_is_relayed_to_whom_arrives_byte_for_byte_in_order() => Gen.Select(
        Gen.Int[0, 5], Gen.Frequency((8, Gen.Int[0, 300]), (1, Gen.Int[3_900, 4_200]))).Array[1, 40].Sample(steps =>
    {
        ulong[][] lists = [[1], [2], [1, 2], [2, 1], [1, 2, 3], [3, 999]];
        (ulong[] To, int BodyBytes)[] relays = [.. steps.Select(step => (lists[step.Item1], step.Item2))];
        using var still = new StillLoop();
        Array.ForEach(_receivers, receiver => receiver.Offered.Clear());
        var router = new Router(_users, still.Loop);
        Feed(still, Run(still, router), relays);
        for (int id = 1; id <= 3; id++)
        {
            byte[] expected = [.. relays.SelectMany((relay, i) => relay.To.Contains((ulong)id) ? Delivered(i, relay.BodyBytes) : [])];
            Assert.Equal(expected, _receivers[id - 1].Offered.SelectMany(bytes => bytes));
        }

        Assert.Equal(relays.Length, router.Counters.RelaysReceived);
        Assert.Equal(relays.Sum(relay => relay.To.Count(id => id <= 3)), router.Counters.DeliveriesQueued);
    }, iter: 200, threads: 1);

    [Fact]
    public void A_wait_that_ends_in_vain_before_the_run_is_queued_is_counted()
    {
        _receivers[0].Answer = QueueResult.Waiting;
        _receivers[0].WhileQueueing = () => _receivers[0].EndWait(accepted: false);
        Feed(_still, _run, [([1], 10), ([1], 10)]);
        Assert.Equal(2, _router.Counters.NotDelivered[(int)Outcome.Unknown]);
    }

    private static RelayRun Run(StillLoop still, Router router) => new(still.Host, new Delivery(still.Pool), router);

    /// <summary>Puts the relays into one block, one behind the other, and through the run as a session does.</summary>
    private void Feed(StillLoop still, RelayRun run, (ulong[] To, int BodyBytes)[] relays)
    {
        var block = still.Pool.Rent(BlockSize.Large);
        int offset = 3;
        for (int i = 0; i < relays.Length; i++)
        {
            byte[] bytes = Peer.Relay(Body(i, relays[i].BodyBytes), RelayFlags.None, relays[i].To);
            bytes.CopyTo(block.Span(offset, bytes.Length));
            var frame = new Segment(block, offset, bytes.Length);
            offset += bytes.Length;
            Assert.Equal(ProtocolCode.Normal, RelayLayout.TryLayOut(FrameHeader.Read(bytes), out var layout));
            if (!run.TryExtend(frame, layout))
            {
                Assert.True(run.Commit(_relay));
                run.Begin(Sender, frame, layout);
            }
        }

        Assert.True(run.Commit(_relay));
        Assert.True(run.IsEmpty);
        block.Release();
    }

    private static byte[] Body(int number, int bytes) => [.. Enumerable.Range(number * 7, bytes).Select(i => (byte)i)];

    private static byte[] Delivered(int number, int bytes)
    {
        var frame = new byte[ProtocolLimits.DeliveryHeaderBytes + bytes];
        new DeliveryHeader(Sender, bytes).Write(frame);
        Body(number, bytes).CopyTo(frame, ProtocolLimits.DeliveryHeaderBytes);
        return frame;
    }
}
