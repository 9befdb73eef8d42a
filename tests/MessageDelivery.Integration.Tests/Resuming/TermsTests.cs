using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Resuming;

/// <summary>What a HELLO asks for is what its WELCOME gives.</summary>
public sealed class TermsTests
{
    [Fact]
    public async Task A_plain_hello_gets_a_plain_welcome()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection client = await hub.ConnectAsync();
        await client.SendAsync(Frames.Hello());

        await client.ExpectAsync(Frames.Welcome(1));
    }

    [Fact]
    public async Task Resumable_gets_a_key_no_relays_and_the_defaults()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();

        Assert.Equal((1UL, 0UL, 120U, 8U << 20), (peer.UserId, peer.Processed, peer.WindowSeconds, peer.RetentionBytes));
        await peer.Connection.SendAsync(Frames.Identity);
        await peer.ExpectAsync(Frames.IdentityReply(1));
    }

    [Fact]
    public async Task The_hubs_settings_are_in_the_welcome()
    {
        await using RunningHub hub = await RunningHub.StartAsync(
            o => o with { ResumeWindow = TimeSpan.FromSeconds(77), ResumeRetentionBytes = 12_345, Heartbeat = TimeSpan.FromSeconds(9) });
        await using RawConnection client = await hub.ConnectAsync();
        await client.SendAsync(Frames.HelloResumable("a token"));

        await client.ExpectAsync(
            Frames.Header(FrameType.Welcome, 1, 1, 48), Frames.Number(1), [0, 0, 0x10, 0, 0xFF, 0, 9, 0]);
        byte[] key = await client.ReadAsync(16);
        await client.ExpectAsync(Frames.Number(0), [77, 0, 0, 0, 0x39, 0x30, 0, 0]);
        Assert.True(key.Distinct().Count() > 4, $"No random key: {Convert.ToHexString(key)}");
    }

    [Fact]
    public async Task Every_session_has_a_key_of_its_own()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        var keys = new HashSet<string>();
        for (int i = 0; i < 50; i++)
        {
            await using ResumingPeer peer = await hub.ResumingAsync();
            Assert.True(keys.Add(Convert.ToHexString(peer.Key)));
            await peer.Connection.SendAsync(Frames.Goodbye);
            await peer.ExpectGoodbyeAsync(ProtocolCode.Normal);
        }
    }

    [Fact]
    public async Task Frames_behind_a_resumable_hello_are_carried_out()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection client = await hub.ConnectAsync();
        await client.SendAsync(Frames.HelloResumable(), Frames.Relay(1, [7], 5), Frames.Identity);

        Assert.Equal(1, (await client.FrameAsync(FrameType.Welcome)).Flags);
        await client.ExpectAsync(Frames.Delivery(1, [7]), Frames.Receipt(5, Outcome.Accepted), Frames.IdentityReply(1));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Resume_implies_resumable(byte flags)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        ResumingPeer peer = await hub.ResumingAsync();
        await peer.GoAwayAsync();
        await peer.ConnectAsync();
        await peer.Connection.SendAsync(Frames.HelloResume(peer.Key, 0, flags, "token"));

        peer.TakeWelcome(await peer.Connection.FrameAsync(FrameType.Welcome), resumed: true);
        await peer.ExpectNothingBeforeAnEchoAsync();
        await peer.DisposeAsync();
    }

    [Fact]
    public async Task Where_sessions_cannot_be_resumed_the_welcome_is_plain()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { ResumeWindow = TimeSpan.Zero });
        await using RawConnection asks = await hub.ConnectAsync();
        await asks.SendAsync(Frames.HelloResumable(), Frames.Ack(0));
        await asks.ExpectAsync(Frames.Welcome(1));
        await asks.ExpectErrorAsync(ProtocolCode.Unsupported);
        await using RawConnection resumes = await hub.ConnectAsync();
        await resumes.SendAsync(Frames.HelloResume(Frames.Pattern(16), 3), Frames.Identity);

        await resumes.ExpectAsync(Frames.Welcome(2), Frames.IdentityReply(2));
    }

    [Fact]
    public async Task A_second_hello_is_an_error_and_the_session_stays()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await peer.Connection.SendAsync(Frames.HelloResumable(), Frames.HelloResume(peer.Key, 0), Frames.HelloResume(Frames.Pattern(16), 9));
        for (int i = 0; i < 3; i++)
        {
            await peer.ExpectErrorAsync(ProtocolCode.ProtocolError);
        }

        await peer.GoAwayAsync();
        await peer.ResumeAsync();
        await peer.ExpectNothingBeforeAnEchoAsync();
    }
}
