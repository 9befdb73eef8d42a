using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Resuming;

/// <summary>A resume that cannot be complete is a new session, openly.</summary>
public sealed class FreshTests
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(20);

    private static Task<RunningHub> StartAsync() => RunningHub.StartAsync(
        o => o with { Heartbeat = TimeSpan.Zero, ResumeWindow = Window });

    [Fact]
    public async Task An_unknown_key()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using RawConnection client = await hub.ConnectAsync();
        await client.SendAsync(Frames.HelloResume(Frames.Pattern(16), 1_000), Frames.Identity);

        Frame welcome = await client.FrameAsync(FrameType.Welcome);

        Assert.Equal((1, 48, 2UL, 0UL), (welcome.Flags, welcome.Payload.Length, welcome.Number(0), welcome.Number(32)));
        Assert.NotEqual(Frames.Pattern(16), welcome.Payload[16..32]);
        await client.ExpectAsync(Frames.IdentityReply(2));
    }

    [Fact]
    public async Task The_new_session_can_be_resumed_itself()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await peer.Connection.SendAsync(Frames.Goodbye);
        await peer.ExpectGoodbyeAsync(ProtocolCode.Normal);
        await peer.ResumeInVainAsync();
        await other.SendAsync(Frames.Relay(3, [5]));
        await peer.LoseAsync();

        await peer.ResumeAsync();

        await peer.ExpectAsync(Frames.Delivery(1, [5]));
        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task An_expired_key()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await peer.GoAwayAsync();
        await other.SendAsync(Frames.Relay(2, [1], 1));
        await other.ExpectAsync(Frames.Receipt(1, Outcome.Held));
        await hub.PassAsync(Window * 0.9, 9);
        await RunningHub.ExpectListAsync(other, 2UL);

        await hub.EventuallyAsync(async () => await RunningHub.ListAsync(other) is [], TimeSpan.FromSeconds(0.5));

        await other.SendAsync(Frames.Relay(2, [2], 2));
        await other.ExpectAsync(Frames.Receipt(2, Outcome.Unknown));
        await peer.ResumeInVainAsync();
        Assert.Equal(3UL, peer.UserId);
        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task The_window_begins_anew_with_each_loss()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        for (int i = 0; i < 4; i++)
        {
            await peer.GoAwayAsync();
            await hub.PassAsync(Window * 0.8, 4);
            await other.SendAsync(Frames.Relay(2, [(byte)i], (ulong)i));
            await other.ExpectAsync(Frames.Receipt((ulong)i, Outcome.Held));
            await peer.ResumeAsync();
            await peer.ExpectAsync(Frames.Delivery(1, [(byte)i]));
        }

        // A session that has its connection has no window.
        await hub.PassAsync(Window * 3, 12);
        await peer.ExpectNothingBeforeAnEchoAsync();
        await peer.LoseAsync();
        await peer.ResumeAsync();
        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(2UL)]
    public async Task A_total_that_was_let_go_ends_its_session_at_once(ulong total)
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await other.SendAsync(Frames.Relay(2, [1]), Frames.Relay(2, [2]), Frames.Relay(2, [3]));
        await peer.ExpectAsync(Frames.Delivery(1, [1]), Frames.Delivery(1, [2]), Frames.Delivery(1, [3]));
        await peer.AckAsync();
        await peer.ExpectNothingBeforeAnEchoAsync();
        await peer.GoAwayAsync();
        await RunningHub.ExpectListAsync(other, 2UL);
        await using RawConnection client = await hub.ConnectAsync();
        await client.SendAsync(Frames.HelloResume(peer.Key, total), Frames.Identity);

        Frame welcome = await client.FrameAsync(FrameType.Welcome);

        Assert.Equal((1, 3UL), (welcome.Flags, welcome.Number(0)));
        await client.ExpectAsync(Frames.IdentityReply(3));
        await RunningHub.ExpectListAsync(other, 3UL);
        await other.SendAsync(Frames.Relay(2, [4], 4));
        await other.ExpectAsync(Frames.Receipt(4, Outcome.Unknown));
        await peer.ResumeInVainAsync();
        Assert.Equal(4UL, peer.UserId);
    }

    [Fact]
    public async Task A_total_in_hello_lets_go_like_an_ack()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await other.SendAsync(Frames.Relay(2, [1]), Frames.Relay(2, [2]));
        await peer.ExpectAsync(Frames.Delivery(1, [1]), Frames.Delivery(1, [2]));
        await peer.LoseAsync();
        await peer.ResumeAsync();
        await peer.LoseAsync();
        await using RawConnection client = await hub.ConnectAsync();
        await client.SendAsync(Frames.HelloResume(peer.Key, 1));

        Frame welcome = await client.FrameAsync(FrameType.Welcome);
        Assert.Equal((1, 3UL), (welcome.Flags, welcome.Number(0)));
    }

    [Fact]
    public async Task A_total_that_was_let_go_ends_the_session_though_its_connection_stands()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await using RawConnection old = peer.Connection;
        await other.SendAsync(Frames.Relay(2, [1]));
        await peer.ExpectAsync(Frames.Delivery(1, [1]));
        await peer.AckAsync();
        await peer.ExpectNothingBeforeAnEchoAsync();
        await using RawConnection client = await hub.ConnectAsync();
        await client.SendAsync(Frames.HelloResume(peer.Key, 0));

        Assert.Equal(1, (await client.FrameAsync(FrameType.Welcome)).Flags);

        await old.FrameAsync(FrameType.GoodbyeReply);
        await old.ExpectClosedAsync();
        await RunningHub.ExpectListAsync(other, 3UL);
    }

    [Fact]
    public async Task Who_ends_a_session_by_goodbye_leaves_at_once()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await other.SendAsync(Frames.Relay(2, [1], 1));
        await other.ExpectAsync(Frames.Receipt(1, Outcome.Accepted));
        await peer.Connection.SendAsync(Frames.Goodbye);
        await peer.ExpectAsync(Frames.Delivery(1, [1]));
        await peer.ExpectGoodbyeAsync(ProtocolCode.Normal);

        await hub.EventuallyAsync(async () => await RunningHub.ListAsync(other) is []);

        await other.SendAsync(Frames.Relay(2, [2], 2));
        await other.ExpectAsync(Frames.Receipt(2, Outcome.Unknown));
        await peer.ResumeInVainAsync();
    }
}
