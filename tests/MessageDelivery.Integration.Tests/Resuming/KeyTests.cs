using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Resuming;

/// <summary>Each WELCOME brings a new key; the old one is good until the hub has heard on the new connection.</summary>
public sealed class KeyTests
{
    private static Task<RunningHub> StartAsync() => RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });

    [Fact]
    public async Task The_old_key_is_good_as_long_as_nothing_came_on_the_new_connection()
    {
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        byte[] oldKey = peer.Key;
        await peer.LoseAsync();
        await peer.ResumeAsync();
        byte[] newKey = peer.Key;
        await peer.LoseAsync();

        await using RawConnection withOld = await hub.ConnectAsync();
        await withOld.SendAsync(Frames.HelloResume(oldKey, 0));
        Frame welcome = await withOld.FrameAsync(FrameType.Welcome);

        Assert.Equal((3, peer.UserId), (welcome.Flags, welcome.Number(0)));
        Assert.NotEqual(oldKey, welcome.Payload[16..32]);
        Assert.NotEqual(newKey, welcome.Payload[16..32]);
    }

    [Theory]
    [InlineData(FrameType.Heartbeat)]
    [InlineData(FrameType.Ack)]
    [InlineData(FrameType.Relay)]
    [InlineData((FrameType)0x55)]
    public async Task After_a_frame_on_the_new_connection_the_old_key_is_unknown(FrameType type)
    {
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        byte[] oldKey = peer.Key;
        await peer.LoseAsync();
        await peer.ResumeAsync();
        await peer.Connection.SendAsync(type switch
        {
            FrameType.Ack => Frames.Ack(0),
            FrameType.Relay => peer.Note(Frames.Relay(99, [])),
            _ => Frames.Build(type),
        });
        await peer.Connection.SendAsync(Frames.Identity);
        while ((await peer.FrameAsync()).Type != FrameType.IdentityReply)
        {
        }

        await using RawConnection thief = await hub.ConnectAsync();
        await thief.SendAsync(Frames.HelloResume(oldKey, 0));
        Frame welcome = await thief.FrameAsync(FrameType.Welcome);

        Assert.Equal((1, 2UL), (welcome.Flags, welcome.Number(0)));
        await peer.ExpectNothingBeforeAnEchoAsync();
        await peer.LoseAsync();
        await peer.ResumeAsync();
        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task A_frame_in_the_same_write_as_hello_is_a_frame_on_the_new_connection()
    {
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        byte[] oldKey = peer.Key;
        await peer.LoseAsync();
        await peer.ConnectAsync();
        await peer.Connection.SendAsync(Frames.HelloResume(oldKey, 0), Frames.Identity);
        peer.TakeWelcome(await peer.Connection.FrameAsync(FrameType.Welcome), resumed: true);
        await peer.ExpectAsync(Frames.IdentityReply(1));

        await using RawConnection late = await hub.ConnectAsync();
        await late.SendAsync(Frames.HelloResume(oldKey, 0));

        Assert.Equal(1, (await late.FrameAsync(FrameType.Welcome)).Flags);
        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task With_the_old_key_as_many_times_as_it_takes()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await other.SendAsync(Frames.Relay(2, [7]));
        byte[] first = peer.Key;
        var keys = new HashSet<string> { Convert.ToHexString(first) };
        for (int i = 0; i < 20; i++)
        {
            await using RawConnection connection = await hub.ConnectAsync();
            await connection.SendAsync(Frames.HelloResume(first, 0));
            Frame welcome = await connection.FrameAsync(FrameType.Welcome);
            Assert.Equal((3, 2UL), (welcome.Flags, welcome.Number(0)));
            Assert.True(keys.Add(Convert.ToHexString(welcome.Payload[16..32])));
            await connection.ExpectAsync(Frames.Delivery(1, [7]));
        }
    }

    [Fact]
    public async Task A_key_with_one_bit_changed_is_unknown()
    {
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await peer.GoAwayAsync();
        for (int bit = 0; bit < 128; bit++)
        {
            byte[] key = [.. peer.Key];
            key[bit / 8] ^= (byte)(1 << (bit % 8));
            await using RawConnection connection = await hub.ConnectAsync();
            await connection.SendAsync(Frames.HelloResume(key, 0), Frames.Goodbye);
            Assert.Equal(1, (await connection.FrameAsync(FrameType.Welcome)).Flags);
        }

        await peer.ResumeAsync();
        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task The_key_of_a_session_that_ended_is_unknown()
    {
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await peer.Connection.SendAsync(Frames.Goodbye);
        await peer.ExpectGoodbyeAsync(ProtocolCode.Normal);

        await peer.ResumeInVainAsync();

        await peer.RelayAsync(1, [], 1);
        await peer.ExpectAsync(Frames.Receipt(1, Outcome.Unknown));
    }
}
