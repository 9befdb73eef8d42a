using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests;

/// <summary>A full queue makes its senders wait, and nobody else.</summary>
public sealed class BackpressureTests
{
    private static Task<RunningHub> StartAsync() => RunningHub.StartAsync(
        o => o with { QueueLimitBytes = 1 << 20, Heartbeat = TimeSpan.Zero, StallTimeout = TimeSpan.FromSeconds(10) });

    [Fact]
    public async Task A_sender_waits_while_the_queue_is_full_and_goes_on_when_it_is_not()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection slow = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        await using RawConnection filler = await hub.BinaryAsync();
        List<byte[]> bodies = await Filling.FillAsync(filler, slow.UserId);
        await using RawConnection sender = await hub.BinaryAsync();
        await sender.SendAsync(Frames.Relay(1, [1], 100), Frames.Echo([5]), Frames.Relay(1, [2], 101));
        await sender.ExpectNothingAsync();

        await slow.ExpectAsync([.. bodies.Select(b => Frames.Delivery(2, b))]);
        await slow.ExpectAsync(Frames.Delivery(3, [1]), Frames.Delivery(3, [2]));

        await sender.ExpectAsync(
            Frames.Receipt(100, Outcome.Accepted), Frames.EchoReply([5]), Frames.Receipt(101, Outcome.Accepted));
    }

    [Fact]
    public async Task Nobody_else_waits()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection slow = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        await using RawConnection filler = await hub.BinaryAsync();
        await Filling.FillAsync(filler, slow.UserId);
        await using RawConnection waiting = await hub.BinaryAsync();
        await waiting.SendAsync(Frames.Relay(1, [1], 100));
        await using RawConnection third = await hub.BinaryAsync();
        await using RawConnection text = await hub.TextAsync();

        await third.SendAsync(Frames.Relay([5, 4], "hi"u8.ToArray(), 1), Frames.Identity);
        await text.ExpectLinesAsync("hi");
        await third.ExpectAsync(
            Frames.Delivery(4, "hi"u8.ToArray()), Frames.Receipt(1, Outcome.Accepted, Outcome.Accepted), Frames.IdentityReply(4));

        await waiting.ExpectNothingAsync();
    }

    [Fact]
    public async Task The_other_receivers_get_the_relay_at_once_and_the_receipt_comes_after_the_wait()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection slow = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        await using RawConnection filler = await hub.BinaryAsync();
        List<byte[]> bodies = await Filling.FillAsync(filler, slow.UserId);
        await using RawConnection quick = await hub.BinaryAsync();
        await using RawConnection late = await hub.TextAsync();
        await using RawConnection sender = await hub.BinaryAsync();

        await sender.SendAsync(Frames.Relay([3, 1, 4, 9], "x"u8.ToArray(), 7));
        await quick.ExpectAsync(Frames.Delivery(5, "x"u8.ToArray()));
        await late.ExpectLinesAsync("x");
        await sender.ExpectNothingAsync();

        await slow.ExpectAsync([.. bodies.Select(b => Frames.Delivery(2, b))]);
        await slow.ExpectAsync(Frames.Delivery(5, "x"u8.ToArray()));
        await sender.ExpectAsync(Frames.Receipt(7, Outcome.Accepted, Outcome.Accepted, Outcome.Accepted, Outcome.Unknown));
    }

    [Fact]
    public async Task Best_effort_leaves_a_full_receiver_out()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection slow = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        await using RawConnection sender = await hub.BinaryAsync();
        List<byte[]> bodies = await Filling.FillAsync(sender, slow.UserId);
        await using RawConnection other = await hub.BinaryAsync();

        await sender.SendAsync(
            Frames.Relay([1, 3, 1, 9], [1], 500, RelayFlags.BestEffort), Frames.Relay(1, [2], null, RelayFlags.BestEffort), Frames.Identity);

        await sender.ExpectAsync(
            Frames.Receipt(500, Outcome.Full, Outcome.Accepted, Outcome.Full, Outcome.Unknown), Frames.IdentityReply(2));
        await other.ExpectAsync(Frames.Delivery(2, [1]));
        await slow.ExpectAsync([.. bodies.Select(b => Frames.Delivery(2, b))]);
        // That the receiver has everything shows a moment before the hub has taken note of it; one that waits sees to that.
        await sender.SendAsync(Frames.Relay(1, [4]));
        await slow.ExpectAsync(Frames.Delivery(2, [4]));
        await sender.SendAsync(Frames.Relay(1, [3], 501, RelayFlags.BestEffort));
        await slow.ExpectAsync(Frames.Delivery(2, [3]));
    }

    [Fact]
    public async Task The_stall_limit_cuts_the_receiver_and_the_waiting_sender_learns_that_it_is_unknown()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection slow = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        await using RawConnection filler = await hub.BinaryAsync();
        await Filling.FillAsync(filler, slow.UserId);
        await using RawConnection sender = await hub.BinaryAsync();
        await sender.SendAsync(Frames.Relay([1, 2], [1], 100), Frames.Relay(1, [2], 101));
        await filler.ExpectAsync(Frames.Delivery(3, [1]));
        await hub.SettleAsync();

        await hub.AdvanceUntilAsync(
            sender.ExpectAsync(Frames.Receipt(100, Outcome.Unknown, Outcome.Accepted), Frames.Receipt(101, Outcome.Unknown)),
            TimeSpan.FromSeconds(1));

        Assert.DoesNotContain(slow.UserId, await RunningHub.ListAsync(sender));
    }

    [Fact]
    public async Task A_receiver_that_takes_something_now_and_then_is_not_cut()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection slow = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        await using RawConnection filler = await hub.BinaryAsync();
        List<byte[]> bodies = await Filling.FillAsync(filler, slow.UserId);
        await using RawConnection sender = await hub.BinaryAsync();
        byte[] last = Frames.Pattern(Frames.MaxBodyBytes, -1);
        await sender.SendAsync(Frames.Relay(1, last, 100));

        // Every half stall limit the receiver takes a quarter of a megabyte; its side and the hub's may both buffer more.
        for (int i = 0; i < bodies.Count; i++)
        {
            Assert.True(await slow.TryExpectAsync(Frames.Delivery(2, bodies[i])), $"It was cut after {i} of {bodies.Count} bodies taken.");
            await hub.SettleAsync();
            hub.Time.Advance(TimeSpan.FromSeconds(5));
        }

        await slow.ExpectAsync(Frames.Delivery(3, last));
        await sender.ExpectAsync(Frames.Receipt(100, Outcome.Accepted));
    }

    [Fact]
    public async Task A_receiver_whose_queue_is_not_full_may_take_nothing_for_as_long_as_it_likes()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });
        await using RawConnection slow = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        await using RawConnection sender = await hub.BinaryAsync();
        byte[][] bodies = [.. Enumerable.Range(0, 16).Select(i => Frames.Pattern(Frames.MaxBodyBytes, i))];
        foreach ((int i, byte[] body) in bodies.Index())
        {
            await sender.SendAsync(Frames.Relay(1, body, (ulong)i));
            await sender.ExpectAsync(Frames.Receipt((ulong)i, Outcome.Accepted));
        }

        await hub.PassAsync(TimeSpan.FromHours(1), 10);

        await slow.ExpectAsync([.. bodies.Select(b => Frames.Delivery(2, b))]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_receiver_that_leaves_while_a_sender_waits_is_unknown(bool abort)
    {
        await using RunningHub hub = await StartAsync();
        RawConnection slow = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        await using RawConnection filler = await hub.BinaryAsync();
        await Filling.FillAsync(filler, slow.UserId);
        await using RawConnection sender = await hub.BinaryAsync();
        await using RawConnection text = await hub.TextAsync();
        await sender.SendAsync(Frames.Relay([1, 3], [1], 100), Frames.Echo([5]));
        await sender.ExpectAsync(Frames.Delivery(3, [1]));
        await text.SendAsync("verbose\nrelay 1,2 foo\n");
        await filler.ExpectAsync(Frames.Delivery(4, "foo"u8.ToArray()));

        if (abort)
        {
            slow.Abort();
        }
        else
        {
            await slow.DisposeAsync();
        }

        await sender.ExpectAsync(Frames.Receipt(100, Outcome.Unknown, Outcome.Accepted), Frames.EchoReply([5]));
        await text.ExpectLinesAsync("[Server] Not delivered to 1: unknown", "[Server] Relayed to 2");
    }

    [Fact]
    public async Task A_sender_that_leaves_while_it_waits_holds_up_nobody()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection slow = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        await using RawConnection filler = await hub.BinaryAsync();
        List<byte[]> bodies = await Filling.FillAsync(filler, slow.UserId);
        RawConnection leaver = await hub.BinaryAsync();
        await leaver.SendAsync(Frames.Relay([1, 2], [1], 100));
        await filler.ExpectAsync(Frames.Delivery(3, [1]));
        await using RawConnection sender = await hub.BinaryAsync();
        await sender.SendAsync(Frames.Relay([1, 2], [2], 100));
        await filler.ExpectAsync(Frames.Delivery(4, [2]));

        leaver.Abort();
        await hub.SettleAsync();

        await slow.ExpectAsync([.. bodies.Select(b => Frames.Delivery(2, b))]);
        await sender.ExpectAsync(Frames.Receipt(100, Outcome.Accepted, Outcome.Accepted));
    }

    [Fact]
    public async Task A_waiting_sender_still_receives_what_is_relayed_to_it()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection slow = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        await using RawConnection filler = await hub.BinaryAsync();
        await Filling.FillAsync(filler, slow.UserId);
        await using RawConnection sender = await hub.BinaryAsync();
        await sender.SendAsync(Frames.Relay([1, 2], [1], 100));
        await filler.ExpectAsync(Frames.Delivery(3, [1]));

        await filler.SendAsync(Frames.Relay(3, [7]));

        await sender.ExpectAsync(Frames.Delivery(2, [7]));
    }

    [Fact]
    public async Task A_waiting_senders_heartbeat_clock_stands()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with
        {
            QueueLimitBytes = 1 << 20,
            Heartbeat = TimeSpan.FromSeconds(5),
            StallTimeout = TimeSpan.FromHours(1),
        });
        await using RawConnection slow = await hub.TextAsync(receiveBufferBytes: 16_384);
        await using RawConnection filler = await hub.BinaryAsync();
        List<byte[]> bodies = await Filling.FillAsync(filler, slow.UserId);
        await using RawConnection sender = await hub.BinaryAsync();
        await sender.SendAsync(Frames.Relay([1, 2], [(byte)'x'], 100));
        await filler.ExpectAsync(Frames.Delivery(3, [(byte)'x']));
        await hub.PassAsync(TimeSpan.FromMinutes(2), 8);
        await filler.ExpectGoodbyeAsync(ProtocolCode.HeartbeatTimeout);
        await sender.ExpectNothingAsync();

        slow.Abort();

        await sender.ExpectAsync(Frames.Receipt(100, Outcome.Unknown, Outcome.Accepted));
        Assert.NotEmpty(bodies);
    }

    [Fact]
    public async Task A_sender_that_fills_its_own_queue_is_a_slow_consumer()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection self = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        Task sending = self.SendAsync(
            Frames.Join([.. Enumerable.Range(0, 40).Select(i => Frames.Relay(1, Frames.Pattern(Frames.MaxBodyBytes, i)))]),
            TimeSpan.FromSeconds(30));
        await using RawConnection other = await hub.BinaryAsync();

        await hub.AdvanceUntilAsync(LeftAsync(), TimeSpan.FromSeconds(1));
        await sending.ContinueWith(static _ => { }, TaskScheduler.Default);

        async Task LeftAsync()
        {
            while ((await RunningHub.ListAsync(other)).Length > 0)
            {
                await Task.Delay(50);
            }
        }
    }

    [Fact]
    public async Task Two_receivers_that_wait_for_each_other_end_by_the_stall_limit()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection one = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        await using RawConnection two = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        byte[] Flood(ulong to) => Frames.Join([.. Enumerable.Range(0, 40).Select(i => Frames.Relay(to, new byte[Frames.MaxBodyBytes]))]);
        Task[] sending = [one.SendAsync(Flood(2), TimeSpan.FromSeconds(30)), two.SendAsync(Flood(1), TimeSpan.FromSeconds(30))];
        await using RawConnection other = await hub.BinaryAsync();

        await hub.AdvanceUntilAsync(Task.WhenAny(sending), TimeSpan.FromSeconds(1));
        await other.SendAsync(Frames.Identity);
        await other.ExpectAsync(Frames.IdentityReply(3));

        one.Abort();
        two.Abort();
        await Task.WhenAll(sending).ContinueWith(static _ => { }, TaskScheduler.Default);
    }

    [Fact]
    public async Task An_empty_queue_takes_one_relay_whatever_its_size()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { QueueLimitBytes = 1, Heartbeat = TimeSpan.Zero });
        await using RawConnection receiver = await hub.BinaryAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        byte[] body = Frames.Pattern(Frames.MaxBodyBytes);
        Task sending = sender.SendAsync([.. Enumerable.Range(0, 10).Select(i => Frames.Relay([1, 9], body, (ulong)i))]);

        for (ulong i = 0; i < 10; i++)
        {
            await receiver.ExpectAsync(Frames.Delivery(2, body));
            await sender.ExpectAsync(Frames.Receipt(i, Outcome.Accepted, Outcome.Unknown));
        }

        await sending;
    }

    [Fact]
    public async Task A_text_sender_waits_as_a_binary_one_does()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection slow = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        await using RawConnection filler = await hub.BinaryAsync();
        List<byte[]> bodies = await Filling.FillAsync(filler, slow.UserId);
        await using RawConnection text = await hub.TextAsync();
        await text.SendAsync("relay 1 one\nrelay\n1\ntwo\n.\nidentity\n");
        await text.ExpectNothingAsync();

        await slow.ExpectAsync([.. bodies.Select(b => Frames.Delivery(2, b))]);
        await slow.ExpectAsync(Frames.Delivery(3, "one"u8.ToArray()), Frames.Delivery(3, "two"u8.ToArray()));

        await text.ExpectLinesAsync("[Server] Your ID is 3");
    }
}
