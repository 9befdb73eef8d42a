using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Resuming;

/// <summary>
/// What a client has not acknowledged must not keep its own requests waiting: its ACK may stand behind them. However small the
/// queue limit, a client that acknowledges is not cut off.
/// </summary>
public sealed class AckBehindRequestsTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    public static TheoryData<int> Limits => [1, 64 << 10, 200 << 10];

    [Theory]
    [MemberData(nameof(Limits))]
    public async Task Requests_in_front_of_an_ack_are_answered(int limit)
    {
        await using RunningHub hub = await StartAsync(limit);
        await using RawConnection sender = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        byte[] body = Frames.Pattern(BytesBeyond(limit));
        await sender.SendAsync(Frames.Relay(peer.UserId, body));
        await peer.ExpectAsync(Frames.Delivery(sender.UserId, body));

        await peer.SendAsync(
            Frames.Echo([1, 2]),
            Frames.Identity,
            Frames.List,
            Frames.Heartbeat,
            Frames.Relay(sender.UserId, [3], 100),
            Frames.Relay([99, sender.UserId], [4], 101),
            Frames.Ack(1));

        await ExpectAsync(hub, peer.ExpectAsync(
            Frames.EchoReply([1, 2]),
            Frames.IdentityReply(peer.UserId),
            Frames.ListReply(sender.UserId),
            Frames.HeartbeatReply,
            Frames.Receipt(100, Outcome.Accepted),
            Frames.Receipt(101, Outcome.Unknown, Outcome.Accepted)));
        await sender.ExpectAsync(Frames.Delivery(peer.UserId, [3]), Frames.Delivery(peer.UserId, [4]));

        // The ACK was heard: there is room for more.
        await sender.SendAsync(Frames.Relay(peer.UserId, body, 102));
        await peer.AckAsync();
        await ExpectAsync(hub, sender.ExpectAsync(Frames.Receipt(102, Outcome.Accepted)));
        await peer.ExpectAsync(Frames.Delivery(sender.UserId, body));
    }

    [Theory]
    [MemberData(nameof(Limits))]
    public async Task Two_whose_acks_stand_behind_relays_to_each_other_do_not_wait_for_each_other(int limit)
    {
        await using RunningHub hub = await StartAsync(limit);
        await using ResumingPeer alice = await hub.ResumingAsync();
        await using ResumingPeer bob = await hub.ResumingAsync();
        byte[] body = Frames.Pattern(BytesBeyond(limit));
        await alice.SendAsync(Frames.Relay(bob.UserId, body));
        await bob.ExpectAsync(Frames.Delivery(alice.UserId, body));
        await bob.SendAsync(Frames.Relay(alice.UserId, body));
        await alice.ExpectAsync(Frames.Delivery(bob.UserId, body));

        await alice.SendAsync(Frames.Relay(bob.UserId, [1]), Frames.Relay(bob.UserId, [2], 100), Frames.Ack(1));
        await bob.SendAsync(Frames.Relay(alice.UserId, [3]), Frames.Relay(alice.UserId, [4], 101), Frames.Ack(1));

        await ExpectAsync(hub, Task.WhenAll(TakeAsync(alice, bob.UserId, 3, 4, 100), TakeAsync(bob, alice.UserId, 1, 2, 101)));
    }

    [Theory]
    [MemberData(nameof(Limits))]
    public async Task A_watcher_is_told_who_comes_before_it_acknowledges(int limit)
    {
        await using RunningHub hub = await StartAsync(limit);
        await using RawConnection sender = await hub.BinaryAsync();
        await using ResumingPeer watcher = await hub.ResumingAsync();
        await watcher.SendAsync(Frames.Build(FrameType.List, (byte)ListFlags.Watch));
        await watcher.ExpectAsync(Frames.ListReply(sender.UserId));
        byte[] body = Frames.Pattern(BytesBeyond(limit));
        await sender.SendAsync(Frames.Relay(watcher.UserId, body));
        await watcher.ExpectAsync(Frames.Delivery(sender.UserId, body));

        await using RawConnection joining = await hub.BinaryAsync();

        await hub.AdvanceUntilAsync(
            watcher.ExpectAsync(Frames.Build(FrameType.Presence, 0, 1, Frames.Number(joining.UserId))), TimeSpan.FromMilliseconds(100));
    }

    /// <summary>Whoever never acknowledges is held up all the same: what is kept of its receipts is bounded.</summary>
    [Fact]
    public async Task Receipts_that_are_never_acknowledged_are_bounded()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with
        {
            Heartbeat = TimeSpan.Zero,
            QueueLimitBytes = 1,
            MemoryLimitBytes = 16 << 20,
        });
        await using ResumingPeer silent = await hub.ResumingAsync();
        byte[] relays = Frames.Join([.. Enumerable.Repeat(Frames.Relay(99, [], 7), 5_000)]);
        var reading = silent.Connection.ReadToEndAsync();
        var sending = SendAsync();

        // An eighth of the memory may be unacknowledged by a client that is not read, and twice that if these are answers.
        await hub.EventuallyAsync(() => Task.FromResult(hub.UsedMemoryBytes >= 4 << 20));
        await hub.AdvanceUntilAsync(sending, Second);

        Assert.InRange((await reading).Length, 1, 5 << 20);

        async Task SendAsync()
        {
            try
            {
                for (long sent = 0; sent < 64 << 20; sent += relays.Length)
                {
                    await silent.Connection.SendAsync(relays, TimeSpan.FromMinutes(1));
                }

                Assert.Fail("A client that acknowledges nothing is never held up.");
            }
            catch (System.Net.Sockets.SocketException)
            {
                // It was cut off as a slow consumer.
            }
        }
    }

    private static int BytesBeyond(int limit) => (4 * limit) + 1_000;

    private static Task<RunningHub> StartAsync(int limit) => RunningHub.StartAsync(o => o with
    {
        Heartbeat = TimeSpan.Zero,
        QueueLimitBytes = limit,
    });

    /// <summary>Takes two deliveries and a receipt, whichever comes first.</summary>
    private static async Task TakeAsync(ResumingPeer peer, ulong sender, byte first, byte second, ulong correlation)
    {
        var frames = new List<byte[]>();
        for (int i = 0; i < 3; i++)
        {
            frames.Add((await peer.FrameAsync()).Bytes);
            await peer.AckAsync();
        }

        Assert.Equal(
            [Frames.Delivery(sender, [first]), Frames.Delivery(sender, [second])], frames.Where(f => f[0] == (byte)FrameType.Delivery));
        Assert.Contains(Frames.Receipt(correlation, Outcome.Accepted), frames);
    }

    /// <summary>It comes at once. If it does not, it does not come before the hub's patience is at an end, either.</summary>
    private static async Task ExpectAsync(RunningHub hub, Task expectation)
    {
        if (await Task.WhenAny(expectation, Task.Delay(RawConnection.Patience / 2)) == expectation)
        {
            await expectation;
        }
        else
        {
            await hub.AdvanceUntilAsync(expectation, Second);
        }
    }
}
