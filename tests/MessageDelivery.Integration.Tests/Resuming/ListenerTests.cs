using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Resuming;

/// <summary>A silent connection, listed as a text user, that resumes a session after all.</summary>
public sealed class ListenerTests
{
    private static Task<RunningHub> StartAsync() => RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });

    [Fact]
    public async Task It_becomes_the_sessions_user_and_its_own_id_leaves()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await peer.GoAwayAsync();
        await other.SendAsync(Frames.Relay(2, [7]));
        await using RawConnection silent = await hub.SilentAsync(other);
        await RunningHub.ExpectListAsync(other, 2UL, 3UL);

        await silent.SendAsync(Frames.HelloResume(peer.Key, 0));

        Frame welcome = await silent.FrameAsync(FrameType.Welcome);
        Assert.Equal((3, 2UL), (welcome.Flags, welcome.Number(0)));
        await silent.ExpectAsync(Frames.Delivery(1, [7]));
        await hub.EventuallyAsync(async () => await RunningHub.ListAsync(other) is [2]);
        await other.SendAsync(Frames.Relay([2, 3], [8], 1));
        await other.ExpectAsync(Frames.Receipt(1, Outcome.Accepted, Outcome.Unknown));
        await silent.ExpectAsync(Frames.Delivery(1, [8]));
    }

    [Fact]
    public async Task It_becomes_a_resumable_user_with_the_id_it_has()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using RawConnection silent = await hub.SilentAsync(other);
        await silent.SendAsync(Frames.HelloResumable());
        Frame welcome = await silent.FrameAsync(FrameType.Welcome);
        Assert.Equal((1, 2UL), (welcome.Flags, welcome.Number(0)));
        await other.SendAsync(Frames.Relay(2, [7]));
        await silent.ExpectAsync(Frames.Delivery(1, [7]));
        silent.Abort();
        await using RawConnection again = await hub.ConnectAsync();
        await again.SendAsync(Frames.HelloResume(welcome.Payload[16..32], 0));

        welcome = await again.FrameAsync(FrameType.Welcome);
        Assert.Equal((3, 2UL), (welcome.Flags, welcome.Number(0)));
        await again.ExpectAsync(Frames.Delivery(1, [7]));
    }

    [Fact]
    public async Task It_keeps_its_id_where_the_key_is_unknown()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using RawConnection silent = await hub.SilentAsync(other);
        await silent.SendAsync(Frames.HelloResume(Frames.Pattern(16), 5));

        Frame welcome = await silent.FrameAsync(FrameType.Welcome);

        Assert.Equal((1, 2UL), (welcome.Flags, welcome.Number(0)));
        await RunningHub.ExpectListAsync(other, 2UL);
    }

    [Fact]
    public async Task A_wrong_total_closes_it_and_it_leaves()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await using RawConnection silent = await hub.SilentAsync(other);
        await silent.SendAsync(Frames.HelloResume(peer.Key, 1));

        await silent.ExpectGoodbyeAsync(ProtocolCode.ProtocolError);
        await silent.ExpectClosedAsync();

        await hub.EventuallyAsync(async () => await RunningHub.ListAsync(other) is [2]);
        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task What_was_relayed_to_a_listener_while_its_hello_came_is_the_new_sessions_and_is_kept()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using RawConnection silent = await hub.SilentAsync(other);
        byte[] hello = Frames.HelloResumable();
        await silent.SendAsync(hello[..9]);
        await hub.SettleAsync();
        await other.SendAsync(Frames.Relay(2, [7], 1));
        await other.ExpectAsync(Frames.Receipt(1, Outcome.Accepted));
        await silent.SendAsync(hello[9..]);
        Frame welcome = await silent.FrameAsync(FrameType.Welcome);
        await silent.ExpectAsync(Frames.Delivery(1, [7]));
        silent.Abort();
        await using RawConnection again = await hub.ConnectAsync();
        await again.SendAsync(Frames.HelloResume(welcome.Payload[16..32], 0));

        Assert.Equal(3, (await again.FrameAsync(FrameType.Welcome)).Flags);
        await again.ExpectAsync(Frames.Delivery(1, [7]));
        await again.SendAsync(Frames.Ack(1), Frames.Identity);
        await again.ExpectAsync(Frames.IdentityReply(2));
    }
}
