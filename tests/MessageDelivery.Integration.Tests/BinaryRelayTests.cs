using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests;

/// <summary>Bodies arrive byte for byte, in order, once for each receiver, however they are cut.</summary>
public sealed class BinaryRelayTests
{
    [Fact]
    public async Task A_conversation_cut_at_every_byte_is_the_same_conversation()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.BinaryAsync();
        byte[] frames = Frames.Join(
            Frames.Echo([1, 2, 3]), Frames.Relay(1, [4, 5, 6, 7], 8), Frames.Identity, Frames.Relay([1, 99], []), Frames.List,
            Frames.Heartbeat, Frames.Relay([1, 1, 0], [9], 10, RelayFlags.BestEffort));
        await using RawConnection sender = await hub.BinaryAsync();
        for (int cut = 1; cut < frames.Length; cut++)
        {
            await sender.SendAsync(frames[..cut]);
            await Task.Delay(1);
            await sender.SendAsync(frames[cut..]);

            await sender.ExpectAsync(
                Frames.EchoReply([1, 2, 3]), Frames.Receipt(8, Outcome.Accepted), Frames.IdentityReply(2), Frames.ListReply(1),
                Frames.HeartbeatReply, Frames.Receipt(10, Outcome.Accepted, Outcome.Accepted, Outcome.Unknown));
            await receiver.ExpectAsync(Frames.Delivery(2, [4, 5, 6, 7]), Frames.Delivery(2, []), Frames.Delivery(2, [9]));
        }
    }

    [Fact]
    public async Task A_hello_cut_at_every_byte_is_accepted()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        byte[] hello = Frames.Join(Frames.Hello("token"), Frames.Identity);
        for (int cut = 1; cut < hello.Length; cut++)
        {
            await using RawConnection client = await hub.ConnectAsync();
            await client.SendAsync(hello[..cut]);
            await Task.Delay(1);
            await client.SendAsync(hello[cut..]);
            await client.ExpectAsync(Frames.Welcome((ulong)cut), Frames.IdentityReply((ulong)cut));
        }
    }

    [Fact]
    public async Task Everything_byte_by_byte()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection client = await hub.ConnectAsync();
        await client.SendByteByByteAsync(
            Frames.Join(Frames.Hello(), Frames.Relay(1, Frames.Pattern(100), 5), Frames.Echo([1, 2]), Frames.Goodbye));

        await client.ExpectAsync(
            Frames.Welcome(1), Frames.Delivery(1, Frames.Pattern(100)), Frames.Receipt(5, Outcome.Accepted), Frames.EchoReply([1, 2]));
        await client.ExpectGoodbyeAsync(ProtocolCode.Normal);
        await client.ExpectClosedAsync(orderly: true);
    }

    [Theory]
    [InlineData(100, 3)]
    [InlineData(1_000, 0)]
    [InlineData(1_000, 1_000)]
    [InlineData(1_000, 1_025)]
    [InlineData(50, 70_000)]
    public async Task Many_relays_in_one_write_arrive_each_for_itself(int count, int bytes)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.BinaryAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        byte[][] bodies = [.. Enumerable.Range(0, count).Select(i => Frames.Pattern(bytes, i))];

        Task sending = sender.SendAsync([.. bodies.Select(b => Frames.Relay(1, b))]);
        await receiver.ExpectAsync([.. bodies.Select(b => Frames.Delivery(2, b))]);

        await sending;
        await sender.SendAsync(Frames.Identity);
        await sender.ExpectAsync(Frames.IdentityReply(2));
    }

    [Theory]
    [InlineData(Frames.MaxBodyBytes)]
    [InlineData(Frames.MaxBodyBytes - 1)]
    [InlineData(262_144)]
    [InlineData(262_128)]
    [InlineData(65_536)]
    [InlineData(65_535)]
    [InlineData(1_024)]
    [InlineData(1)]
    public async Task A_body_of_any_size_is_the_same_for_every_receiver(int bytes)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection first = await hub.BinaryAsync();
        await using RawConnection second = await hub.BinaryAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        byte[] body = Frames.Pattern(bytes);

        Task sending = sender.SendAsync(Frames.Relay([1, 2, 3], body, 1), Frames.Relay([2, 1], body[..1], 2));

        byte[][] expected = [Frames.Delivery(3, body), Frames.Delivery(3, body[..1])];
        await Task.WhenAll(sending, first.ExpectAsync(expected), second.ExpectAsync(expected));
        await sender.ExpectAsync(
            Frames.Delivery(3, body),
            Frames.Receipt(1, Outcome.Accepted, Outcome.Accepted, Outcome.Accepted),
            Frames.Receipt(2, Outcome.Accepted, Outcome.Accepted));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(23)]
    [InlineData(65_536)]
    [InlineData(262_144)]
    [InlineData(1_048_599)]
    public async Task A_large_relay_is_delivered_wherever_it_is_cut(int cut)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection client = await hub.BinaryAsync();
        byte[] body = Frames.Pattern(Frames.MaxBodyBytes, cut);
        byte[] relay = Frames.Relay(1, body, 7);
        await client.SendAsync(relay[..cut]);
        await Task.Delay(30);
        Task sending = client.SendAsync(relay[cut..]);

        await client.ExpectAsync(Frames.Delivery(1, body), Frames.Receipt(7, Outcome.Accepted));
        await sending;
    }

    [Fact]
    public async Task One_relay_reaches_255_users()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        var receivers = new List<RawConnection>();
        try
        {
            for (int i = 0; i < 255; i++)
            {
                receivers.Add(await hub.BinaryAsync());
            }

            await using RawConnection sender = await hub.BinaryAsync();
            byte[] body = Frames.Pattern(20_000);
            await sender.SendAsync(Frames.Relay([.. receivers.Select(r => r.UserId)], body, 1));

            await sender.ExpectAsync(Frames.Receipt(1, [.. receivers.Select(_ => Outcome.Accepted)]));
            foreach (RawConnection receiver in receivers)
            {
                await receiver.ExpectAsync(Frames.Delivery(256, body));
            }

            ulong[] everyone = [.. receivers.Select(r => r.UserId)];
            Assert.Equal(everyone, await RunningHub.ListAsync(sender));
        }
        finally
        {
            receivers.ForEach(r => r.Abort());
        }
    }

    [Fact]
    public async Task The_list_is_ascending_and_follows_who_comes_and_goes()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection one = await hub.BinaryAsync();
        await using RawConnection two = await hub.TextAsync();
        RawConnection three = await hub.BinaryAsync();
        await using RawConnection four = await hub.BinaryAsync();
        Assert.True(await RunningHub.ListAsync(four) is [1, 2, 3]);

        three.Abort();

        await hub.EventuallyAsync(async () => (await RunningHub.ListAsync(four)) is [1, 2]);
        await using RawConnection five = await hub.BinaryAsync();
        Assert.True(await RunningHub.ListAsync(one) is [2, 4, 5]);
    }

    [Fact]
    public async Task A_wrong_frame_does_not_hold_up_the_right_ones_around_it()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection client = await hub.BinaryAsync();
        await client.SendAsync(
            Frames.Relay(1, [1]),
            Frames.Build(FrameType.Relay, 0, 1, new byte[8], new byte[Frames.MaxBodyBytes + 1]),
            Frames.Relay(1, [2]),
            Frames.Build((FrameType)0x42, 3, 4, Frames.Pattern(500_000)),
            Frames.Relay(1, [3]));

        await client.ExpectAsync(Frames.Delivery(1, [1]));
        await client.ExpectErrorAsync(ProtocolCode.FrameTooLarge);
        await client.ExpectAsync(Frames.Delivery(1, [2]));
        await client.ExpectErrorAsync(ProtocolCode.Unsupported);
        await client.ExpectAsync(Frames.Delivery(1, [3]));
    }

    [Fact]
    public async Task A_goodbye_for_a_frame_too_long_arrives_though_the_client_goes_on_sending()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection client = await hub.BinaryAsync();
        Task sending = client.SendAsync(
            Frames.Echo([1]), Frames.Header(FrameType.Echo, 0, 0, 1_048_577), new byte[1_048_577]);

        await client.ExpectAsync(Frames.EchoReply([1]));
        await client.ExpectGoodbyeAsync(ProtocolCode.FrameTooLarge);
        await client.ExpectClosedAsync();
        await sending.ContinueWith(static _ => { }, TaskScheduler.Default);
    }

    [Fact]
    public async Task Errors_carry_text_for_a_person()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection client = await hub.BinaryAsync();
        await client.SendAsync(Frames.Relay([], [1], 77), Frames.Build((FrameType)0x42));

        Frame correlated = await client.FrameAsync(FrameType.Error);
        Frame plain = await client.FrameAsync(FrameType.Error);

        Assert.Equal(77UL, correlated.Correlation);
        Assert.InRange(correlated.Text.Length, 1, 1_016);
        Assert.InRange(plain.Text.Length, 1, 1_024);
    }
}
