using MessageDelivery.Hub.Limits;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Limits;

/// <summary>Who is too fast loses nothing by waiting: not its order, its answers, its connection, nor its debt.</summary>
public sealed class PacedSenderTests
{
    private static readonly TimeSpan Quarter = TimeSpan.FromMilliseconds(250);

    private static Task<RunningHub> StartAsync(HubLimits limits, TimeSpan? heartbeat = null) =>
        RunningHub.StartAsync(o => o with { Limits = limits, Heartbeat = heartbeat ?? TimeSpan.Zero });

    [Theory]
    [InlineData("binary")]
    [InlineData("text")]
    public async Task What_was_sent_before_a_half_close_is_all_delivered(string protocol)
    {
        var spoken = SpokenProtocol.All.Single(one => one.Name == protocol);
        await using var hub = await StartAsync(new() { RelaysPerSecond = 1 });
        await using var receiver = await spoken.JoinAsync(hub);
        await using var sender = await spoken.JoinAsync(hub);
        await sender.SendAsync([.. Enumerable.Range(1, 6).Select(i => spoken.Relay([receiver.UserId], i))]);
        sender.HalfClose();
        for (int i = 1; i <= 6; i++)
        {
            await hub.AdvanceUntilAsync(spoken.ExpectMessageAsync(receiver, sender.UserId, i), Quarter);
        }

        await hub.AdvanceUntilAsync(sender.ExpectClosedAsync(), Quarter);
    }

    [Fact]
    public async Task A_receipt_of_what_was_refused_is_an_error_in_its_place()
    {
        await using var hub = await StartAsync(new() { BytesPerSecond = 1_000 });
        await using var receiver = await hub.BinaryAsync();
        await using var sender = await hub.ResumingAsync();
        await sender.SendAsync(
            Frames.Relay(receiver.UserId, new byte[10], 1), Frames.Relay(receiver.UserId, new byte[50_000], 2), Frames.Relay(receiver.UserId, new byte[20], 3));

        await sender.ExpectAsync(Frames.Receipt(1, Outcome.Accepted));
        await sender.ExpectErrorAsync(ProtocolCode.RateLimited, correlation: 2);
        await sender.ExpectAsync(Frames.Receipt(3, Outcome.Accepted));
        await receiver.ExpectAsync(Frames.Delivery(sender.UserId, new byte[10]), Frames.Delivery(sender.UserId, new byte[20]));
        Assert.Equal(3UL, sender.Received);
    }

    [Fact]
    public async Task Its_heartbeat_clock_stands_while_it_waits()
    {
        await using var hub = await StartAsync(new() { BytesPerSecond = 1_000 }, heartbeat: TimeSpan.FromSeconds(1));
        await using var receiver = await hub.TextAsync();
        await using var sender = await hub.BinaryAsync();
        await sender.SendAsync(Frames.Relay(receiver.UserId, Frames.Utf8("a".PadRight(2_990))));
        await receiver.LineAsync();
        await hub.PassAsync(TimeSpan.FromSeconds(1.9));
        await sender.SendAsync(Frames.Relay(receiver.UserId, Frames.Utf8("b")));
        await hub.AdvanceUntilAsync(receiver.ExpectLinesAsync("b"), TimeSpan.FromMilliseconds(50));
        await hub.PassAsync(TimeSpan.FromSeconds(1.5));
        await sender.SendAsync(Frames.Identity);
        await sender.ExpectAsync(Frames.IdentityReply(sender.UserId));
    }

    [Fact]
    public async Task Who_resumes_still_owes()
    {
        await using var hub = await StartAsync(new() { RelaysPerSecond = 1 });
        await using var receiver = await hub.BinaryAsync();
        await using var sender = await hub.ResumingAsync();
        for (int i = 1; i <= 2; i++)
        {
            await sender.RelayAsync(receiver.UserId, [(byte)i]);
            await receiver.ExpectAsync(Frames.Delivery(sender.UserId, [(byte)i]));
        }

        await sender.GoAwayAsync();
        await sender.ResumeAsync();
        await sender.RelayAsync(receiver.UserId, [3]);
        await receiver.ExpectNothingAsync();
        await hub.AdvanceUntilAsync(receiver.ExpectAsync(Frames.Delivery(sender.UserId, [3])), Quarter);
    }

    /// <summary>A receiver that does not read, and a rate: the sender goes on when both allow it, and nothing is lost or twice.</summary>
    [Theory]
    [InlineData("binary")]
    [InlineData("text")]
    public async Task Waiting_for_a_receiver_and_for_a_rate_at_once(string protocol)
    {
        var spoken = SpokenProtocol.All.Single(one => one.Name == protocol);
        await using var hub = await RunningHub.StartAsync(o => o with
        {
            Limits = new() { RelaysPerSecond = 4 },
            QueueLimitBytes = 1,
            SendBufferBytes = 4 << 10,
            StallTimeout = TimeSpan.FromHours(1),
            Heartbeat = TimeSpan.Zero,
        });
        await using var full = await hub.ConnectAsync(receiveBufferBytes: 4 << 10);
        await full.HelloAsync();
        await using var sender = await spoken.JoinAsync(hub);
        const int Count = 12;
        await sender.SendAsync([.. Enumerable.Range(1, Count).Select(i => spoken.Relay([full.UserId], 100_000 + i))]);
        await hub.PassAsync(TimeSpan.FromSeconds(10), 20);
        for (int i = 1; i <= Count; i++)
        {
            var message = full.FrameAsync(FrameType.Delivery);
            await hub.AdvanceUntilAsync(message, Quarter);
            Assert.Equal(8 + 100_000 + i, (await message).Payload.Length);
        }

        await full.ExpectNothingAsync();
    }

    [Theory]
    [InlineData("binary")]
    [InlineData("text")]
    public async Task Echoes_count_for_the_rate_of_bytes(string protocol)
    {
        var spoken = SpokenProtocol.All.Single(one => one.Name == protocol);
        await using var hub = await StartAsync(new() { BytesPerSecond = 1_000 });
        await using var user = await spoken.JoinAsync(hub);
        await user.SendAsync(spoken.Echo(new string('x', 3_001)), spoken.Echo(new string('y', 3_000)), spoken.Echo("z"));
        await spoken.ExpectErrorAsync(user, ProtocolCode.RateLimited);
        await spoken.ExpectEchoAsync(user, new string('y', 3_000));
        await user.ExpectNothingAsync();
        await hub.AdvanceUntilAsync(spoken.ExpectEchoAsync(user, "z"), Quarter);
    }

    [Fact]
    public async Task Welcome_tells_how_much_may_be_sent()
    {
        await using var hub = await StartAsync(new() { MaxBodyBytes = 70_000, MaxReceivers = 9 });
        await using var user = await hub.ConnectAsync();
        await user.SendAsync(Frames.Hello());
        Frame welcome = await user.FrameAsync(FrameType.Welcome);
        Assert.Equal((70_000U, (ushort)9), (BitConverter.ToUInt32(welcome.Payload, 8), BitConverter.ToUInt16(welcome.Payload, 12)));
    }

    [Fact]
    public async Task The_client_library_sends_nothing_that_is_too_much()
    {
        await using var hub = await StartAsync(new() { MaxBodyBytes = 1_000, MaxReceivers = 2 });
        await using var client = await Client.HubClient.ConnectAsync($"{hub.Endpoint}");
        Assert.Equal((1_000, 2), (client.MaxBodyBytes, client.MaxReceivers));
        var body = await Assert.ThrowsAsync<ArgumentException>(async () => await client.RelayAsync(client.UserId, new byte[1_001]));
        Assert.Contains("1001 bytes; the limit is 1000", body.Message, StringComparison.Ordinal);
        var receivers = await Assert.ThrowsAsync<ArgumentException>(async () => await client.RelayAsync((ulong[])[1, 2, 3], new byte[1]));
        Assert.Contains("3 receivers; a relay has 1 to 2", receivers.Message, StringComparison.Ordinal);
        await client.RelayAsync(client.UserId, new byte[1_000]);
    }
}
