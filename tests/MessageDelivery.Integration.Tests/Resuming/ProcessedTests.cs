using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Resuming;

/// <summary>The hub tells how many relays of a session it has processed, soon enough, and counts every one.</summary>
public sealed class ProcessedTests
{
    private static Task<RunningHub> StartAsync() => RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });

    [Theory]
    [InlineData(64)]
    [InlineData(128)]
    [InlineData(1_000)]
    public async Task It_acknowledges_at_least_every_64(int relays)
    {
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await peer.SendAsync([.. Enumerable.Range(0, relays).Select(_ => Frames.Relay(99, []))]);

        await peer.ExpectAckAsync((ulong)relays - (ulong)relays % 64);
    }

    [Fact]
    public async Task It_acknowledges_at_least_every_256_KiB()
    {
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        for (int i = 1; i <= 4; i++)
        {
            await peer.SendAsync([.. Enumerable.Range(0, 4).Select(_ => Frames.Relay(99, new byte[65_536]))]);
            await peer.ExpectAckAsync(4UL * (ulong)i);
        }

        await peer.SendAsync(Frames.Relay(99, new byte[Frames.MaxBodyBytes]));
        await peer.ExpectAckAsync(17);
    }

    [Fact]
    public async Task It_acknowledges_1_s_after_the_first()
    {
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        for (ulong i = 1; i <= 3; i++)
        {
            await peer.RelayAsync(99, [], i);
            await peer.ExpectAsync(Frames.Receipt(i, Outcome.Unknown));
            hub.Time.Advance(TimeSpan.FromMilliseconds(600));
            await peer.ExpectNothingBeforeAnEchoAsync();

            // One second, the wheel's coarseness, and the slack of a hub that began to count a moment late.
            for (int step = 0; step < 8; step++)
            {
                await Task.Delay(20);
                hub.Time.Advance(TimeSpan.FromMilliseconds(100));
            }

            await peer.ExpectAckAsync(i);
        }
    }

    [Fact]
    public async Task Relays_that_were_answered_by_an_error_count()
    {
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await peer.SendAsync(
            Frames.Relay([], []),
            Frames.Relay([], [], 1),
            Frames.Build(FrameType.Relay, 0, 1, [1, 2, 3]),
            Frames.Build(FrameType.Relay, 128, 1, Frames.Number(1)),
            Frames.Build(FrameType.Relay, 1, 1, [1, 2, 3]),
            Frames.Build(FrameType.Relay, 4, 1, Frames.Number(1)),
            Frames.Relay(1, new byte[Frames.MaxBodyBytes + 1]),
            Frames.Relay(1, new byte[Frames.MaxBodyBytes + 1], 2),
            Frames.Relay(1, [], 3));
        await peer.ExpectErrorAsync(ProtocolCode.InvalidReceivers);
        await peer.ExpectErrorAsync(ProtocolCode.InvalidReceivers, 1);
        await peer.ExpectErrorAsync(ProtocolCode.InvalidReceivers);
        await peer.ExpectErrorAsync(ProtocolCode.Unsupported);
        await peer.ExpectErrorAsync(ProtocolCode.InvalidReceivers);
        await peer.ExpectErrorAsync(ProtocolCode.Unsupported);
        await peer.ExpectErrorAsync(ProtocolCode.FrameTooLarge);
        await peer.ExpectErrorAsync(ProtocolCode.FrameTooLarge, 2);
        await peer.ExpectAsync(Frames.Delivery(1, []), Frames.Receipt(3, Outcome.Accepted));
        await peer.LoseAsync();

        await peer.ResumeAsync();

        Assert.Equal(9UL, peer.Processed);
        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task Nothing_but_relays_counts()
    {
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await peer.SendAsync(
            Frames.Heartbeat, Frames.Echo([1]), Frames.List, Frames.Identity, Frames.Build((FrameType)0x55), Frames.Ack(0), Frames.Relay(99, []),
            Frames.HelloResumable(), Frames.Identity);
        await peer.ExpectAsync(Frames.HeartbeatReply, Frames.EchoReply([1]), Frames.ListReply(), Frames.IdentityReply(1));
        await peer.ExpectErrorAsync(ProtocolCode.Unsupported);
        await peer.ExpectErrorAsync(ProtocolCode.ProtocolError);
        await peer.ExpectAsync(Frames.IdentityReply(1));
        await peer.LoseAsync();

        await peer.ResumeAsync();

        Assert.Equal(1UL, peer.Processed);
    }

    [Fact]
    public async Task A_relay_of_which_a_byte_is_missing_is_not_counted()
    {
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await peer.SendAsync(Frames.Relay(99, [1]));
        await peer.Connection.SendAsync(peer.Note(Frames.Relay(99, [1, 2]))[..^1]);
        await hub.SettleAsync();
        await peer.GoAwayAsync();

        await peer.ConnectAsync();
        await peer.Connection.SendAsync(Frames.HelloResume(peer.Key, 0));
        peer.TakeWelcome(await peer.Connection.FrameAsync(FrameType.Welcome), resumed: true);

        Assert.Equal(1UL, peer.Processed);
    }

    [Fact]
    public async Task What_is_sent_again_after_the_total_is_carried_out_once()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        for (int i = 0; i < 200; i++)
        {
            peer.Note(Frames.Relay(1, Frames.Number((ulong)i)));
        }

        // Half of what is on its way is cut off by a connection that is lost while the hub still reads.
        for (int round = 0; round < 6 && peer.Processed < 150; round++)
        {
            await peer.SendRestAsync();
            await peer.LoseAsync(round % 2 == 0);
            await peer.ConnectAsync();
            await peer.Connection.SendAsync(Frames.HelloResume(peer.Key, 0));
            peer.TakeWelcome(await peer.Connection.FrameAsync(FrameType.Welcome), resumed: true);
        }

        await peer.SendRestAsync();
        await other.ExpectAsync([.. Enumerable.Range(0, 200).Select(i => Frames.Delivery(2, Frames.Number((ulong)i)))]);
        await other.ExpectNothingAsync();
    }

    [Fact]
    public async Task What_is_sent_again_below_the_total_is_a_new_relay()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await peer.RelayAsync(1, [1], 1);
        await peer.ExpectAsync(Frames.Receipt(1, Outcome.Accepted));
        await peer.LoseAsync();
        await peer.ResumeAsync();
        Assert.Equal(1UL, peer.Processed);

        // The hub cannot tell it from another relay that looks the same; that is the client's to know.
        await peer.RelayAsync(1, [1], 1);

        await peer.ExpectAsync(Frames.Receipt(1, Outcome.Accepted));
        await other.ExpectAsync(Frames.Delivery(2, [1]), Frames.Delivery(2, [1]));
    }

    [Fact]
    public async Task A_plain_session_gets_no_acks()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection client = await hub.BinaryAsync();
        await client.SendAsync([.. Enumerable.Range(0, 300).Select(_ => Frames.Relay(99, [])), Frames.Identity]);
        await hub.PassAsync(TimeSpan.FromSeconds(5), 5);

        await client.ExpectAsync(Frames.IdentityReply(1));
        await client.ExpectNothingAsync();
    }
}
