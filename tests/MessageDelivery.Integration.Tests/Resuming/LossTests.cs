using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Resuming;

/// <summary>Which ends of a connection the session survives, and which end it, too.</summary>
public sealed class LossTests
{
    [Fact]
    public async Task A_half_close_is_a_loss_once_what_was_asked_is_answered()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await peer.SendAsync(Frames.Relay(1, [1], 1), Frames.Identity);
        peer.Connection.HalfClose();
        await peer.ExpectAsync(Frames.Receipt(1, Outcome.Accepted), Frames.IdentityReply(2));
        await peer.Connection.ReadToEndAsync();
        await hub.SettleAsync();

        await other.ExpectAsync(Frames.Delivery(2, [1]));
        await RunningHub.ExpectListAsync(other, 2UL);
        await other.SendAsync(Frames.Relay(2, [2], 2));
        await other.ExpectAsync(Frames.Receipt(2, Outcome.Held));
        await peer.ResumeAsync();
        Assert.Equal(1UL, peer.Processed);
        await peer.ExpectAsync(Frames.Delivery(1, [2]));
    }

    [Fact]
    public async Task Heartbeat_timeout_leaves_the_session()
    {
        await using RunningHub hub = await RunningHub.StartAsync(
            o => o with { Heartbeat = TimeSpan.FromSeconds(10), ResumeWindow = TimeSpan.FromHours(1) });
        await using RawConnection text = await hub.TextAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await text.SendAsync("relay 2 x\nlist\n");
        await text.ExpectLinesAsync("[Server] Client IDs are 2");
        await peer.ExpectAsync(Frames.Delivery(1, "x"u8.ToArray()));
        await hub.AdvanceUntilAsync(peer.ExpectGoodbyeAsync(ProtocolCode.HeartbeatTimeout), TimeSpan.FromSeconds(2));

        await text.SendAsync("relay 2 y\nlist\n");
        await text.ExpectLinesAsync("[Server] Client IDs are 2");

        await peer.ResumeAsync();
        await peer.ExpectAsync(Frames.Delivery(1, "y"u8.ToArray()));
        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task A_user_who_is_away_has_no_heartbeat()
    {
        await using RunningHub hub = await RunningHub.StartAsync(
            o => o with { Heartbeat = TimeSpan.FromSeconds(1), ResumeWindow = TimeSpan.FromHours(1) });
        await using RawConnection text = await hub.TextAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await peer.GoAwayAsync();
        await hub.PassAsync(TimeSpan.FromMinutes(10), 10);

        await peer.ResumeAsync();
        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    [Theory]
    [InlineData(ProtocolCode.FrameTooLarge)]
    [InlineData(ProtocolCode.Normal)]
    public async Task Other_goodbyes_end_the_session(ProtocolCode code)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await peer.Connection.SendAsync(
            code == ProtocolCode.Normal ? Frames.Build(FrameType.Goodbye, 0, 9) : Frames.Header(FrameType.Relay, 0, 1, 1_050_625));
        await peer.ExpectGoodbyeAsync(code);

        await hub.EventuallyAsync(async () => await RunningHub.ListAsync(other) is []);
        await peer.ResumeInVainAsync();
    }

    [Fact]
    public async Task A_session_that_is_not_resumable_ends_with_its_connection_as_ever()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        RawConnection plain = await hub.BinaryAsync();
        plain.Abort();

        await hub.EventuallyAsync(async () => await RunningHub.ListAsync(other) is []);
        await other.SendAsync(Frames.Relay(2, [1], 1));
        await other.ExpectAsync(Frames.Receipt(1, Outcome.Unknown));
    }

    [Fact]
    public async Task A_stopping_hub_says_so_to_a_resumable_client_and_drops_who_is_away()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer away = await hub.ResumingAsync();
        await using ResumingPeer here = await hub.ResumingAsync();
        await away.GoAwayAsync();
        await other.SendAsync(Frames.Relay([2, 3], [1], 1));
        await other.ExpectAsync(Frames.Receipt(1, Outcome.Held, Outcome.Accepted));

        _ = hub.StopAsync();

        await here.ExpectAsync(Frames.Delivery(1, [1]));
        await hub.AdvanceUntilAsync(here.ExpectGoodbyeAsync(ProtocolCode.ShuttingDown), TimeSpan.FromMilliseconds(100));
    }
}
