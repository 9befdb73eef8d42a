using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests;

/// <summary>A binary client from which nothing came for twice the heartbeat is disconnected; nobody else is.</summary>
public sealed class HeartbeatTests
{
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(10);

    private static Task<RunningHub> StartAsync() => RunningHub.StartAsync(o => o with { Heartbeat = Heartbeat });

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(30)]
    [InlineData(65_535)]
    public async Task Welcome_tells_the_seconds(int seconds)
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.FromSeconds(seconds) });
        await using RawConnection client = await hub.ConnectAsync();
        await client.SendAsync(Frames.Hello());

        await client.ExpectAsync(Frames.Welcome(1, (ushort)seconds));
    }

    [Fact]
    public async Task Who_is_silent_for_twice_the_heartbeat_is_cut()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.TextAsync();
        await using RawConnection client = await hub.BinaryAsync();
        await hub.PassAsync(Heartbeat * 1.9);
        await client.ExpectNothingAsync();

        await hub.AdvanceUntilAsync(client.ExpectGoodbyeAsync(ProtocolCode.HeartbeatTimeout), Heartbeat / 5);

        await client.ExpectClosedAsync();
        await hub.EventuallyAsync(async () =>
        {
            await other.SendAsync("list\n");
            return await other.LineAsync() == "[Server] Client IDs are ";
        });
    }

    [Theory]
    [InlineData(FrameType.Heartbeat)]
    [InlineData(FrameType.Echo)]
    [InlineData(FrameType.Identity)]
    [InlineData((FrameType)0x55)]
    public async Task Any_frame_counts(FrameType type)
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection client = await hub.BinaryAsync();
        for (int i = 0; i < 5; i++)
        {
            await hub.PassAsync(Heartbeat * 1.5, 1);
            await client.SendAsync(Frames.Build(type));
            Assert.NotEqual(FrameType.GoodbyeReply, (await client.FrameAsync()).Type);
        }
    }

    [Fact]
    public async Task Each_heartbeat_is_answered()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection client = await hub.BinaryAsync();
        await client.SendAsync(Frames.Heartbeat, Frames.Heartbeat, Frames.Identity, Frames.Heartbeat);

        await client.ExpectAsync(Frames.HeartbeatReply, Frames.HeartbeatReply, Frames.IdentityReply(1), Frames.HeartbeatReply);
    }

    [Fact]
    public async Task What_a_client_receives_does_not_count()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection client = await hub.BinaryAsync();
        await using RawConnection text = await hub.TextAsync();
        await hub.PassAsync(Heartbeat * 1.5, 1);
        await text.SendAsync("relay 1 x\n");
        await client.ExpectAsync(Frames.Delivery(2, "x"u8.ToArray()));

        await hub.AdvanceUntilAsync(client.ExpectGoodbyeAsync(ProtocolCode.HeartbeatTimeout), Heartbeat / 5);
    }

    [Fact]
    public async Task Bytes_of_a_frame_that_is_not_whole_yet_count()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Heartbeat = Heartbeat, Limits = new() { MinProgressBytes = 1 } });
        await using RawConnection client = await hub.BinaryAsync();
        byte[] echo = Frames.Echo([1, 2, 3, 4]);
        foreach (byte piece in echo)
        {
            await client.SendAsync([piece]);
            await Task.Delay(20);
            await hub.PassAsync(Heartbeat * 1.2, 1);
        }

        await client.ExpectAsync(Frames.EchoReply([1, 2, 3, 4]));
    }

    [Fact]
    public async Task Zero_turns_it_off()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });
        await using RawConnection client = await hub.BinaryAsync();
        await hub.PassAsync(TimeSpan.FromDays(2), 10);
        await client.SendAsync(Frames.Identity);

        await client.ExpectAsync(Frames.IdentityReply(1));
    }

    [Fact]
    public async Task A_text_user_may_be_silent()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection person = await hub.TextAsync();
        await hub.PassAsync(TimeSpan.FromDays(2), 10);

        await person.SendAsync("identity\n");
        await person.ExpectLinesAsync("[Server] Your ID is 1");
    }
}
