using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Resuming;

/// <summary>A receipt of CONFIRM says what the receivers have acknowledged.</summary>
public sealed class ConfirmTests
{
    private const RelayFlags Confirm = RelayFlags.Confirm;

    private static Task<RunningHub> StartAsync() => RunningHub.StartAsync(o => o with
    {
        Heartbeat = TimeSpan.Zero,
        ResumeWindow = TimeSpan.FromHours(1),
        ConfirmTimeout = TimeSpan.FromSeconds(30),
    });

    [Fact]
    public async Task Delivered_once_the_receiver_has_acknowledged()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        await using ResumingPeer receiver = await hub.ResumingAsync();
        await sender.SendAsync(Frames.Relay(2, [7], 1, Confirm));
        await receiver.ExpectAsync(Frames.ConfirmedDelivery(1, [7]));
        await sender.ExpectNothingAsync();

        await receiver.AckAsync();

        await sender.ExpectAsync(Frames.Receipt(1, Outcome.Delivered));
        await hub.PassAsync(TimeSpan.FromMinutes(2), 8);
        await sender.ExpectNothingAsync();
    }

    [Fact]
    public async Task An_ack_confirms_what_it_covers_and_no_more()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        await using ResumingPeer receiver = await hub.ResumingAsync();
        await sender.SendAsync([.. Enumerable.Range(0, 10).Select(i => Frames.Relay(2, [(byte)i], (ulong)i, i % 2 == 0 ? Confirm : 0))]);
        await sender.ExpectAsync([.. Enumerable.Range(0, 5).Select(i => Frames.Receipt((2 * (ulong)i) + 1, Outcome.Accepted))]);
        await receiver.ExpectAsync([.. Enumerable.Range(0, 10).Select(i => i % 2 == 0 ? Frames.ConfirmedDelivery(1, [(byte)i]) : Frames.Delivery(1, [(byte)i]))]);

        await receiver.AckAsync(1);
        await sender.ExpectAsync(Frames.Receipt(0, Outcome.Delivered));
        await receiver.AckAsync(2);
        await receiver.AckAsync(1);
        await sender.ExpectNothingAsync();
        await receiver.AckAsync(7);
        ulong[] correlations = [await CorrelationAsync(), await CorrelationAsync(), await CorrelationAsync()];
        Assert.Equal((ulong[])[2, 4, 6], correlations.Order());
        await sender.ExpectNothingAsync();
        await receiver.AckAsync(10);
        await sender.ExpectAsync(Frames.Receipt(8, Outcome.Delivered));

        async Task<ulong> CorrelationAsync()
        {
            Frame receipt = await sender.FrameAsync(FrameType.Receipt);
            Assert.Equal([Outcome.Delivered], receipt.Outcomes);
            return receipt.Correlation!.Value;
        }
    }

    [Fact]
    public async Task What_is_known_at_once_comes_before_the_goodbye_that_was_sent_with_it()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        await sender.SendAsync(Frames.Relay(9, [7], 1, Confirm), Frames.Goodbye);
        await sender.ExpectAsync(Frames.Receipt(1, Outcome.Unknown));
        await sender.FrameAsync(FrameType.GoodbyeReply);
    }

    [Fact]
    public async Task Plain_receivers_and_nobody_are_known_at_once()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        await using RawConnection binary = await hub.BinaryAsync();
        await using RawConnection text = await hub.TextAsync();
        await sender.SendAsync(Frames.Relay([2, 3, 99, 0, 2], "x"u8.ToArray(), 1, Confirm));
        await sender.ExpectAsync(
            Frames.Receipt(1, Outcome.Accepted, Outcome.Accepted, Outcome.Unknown, Outcome.Unknown, Outcome.Accepted));
        await sender.SendAsync(Frames.Relay(1, [], 2, Confirm));
        await sender.ExpectAsync(Frames.ConfirmedDelivery(1, []), Frames.Receipt(2, Outcome.Accepted));
        await binary.ExpectAsync(Frames.ConfirmedDelivery(1, "x"u8.ToArray()));
        await text.ExpectLinesAsync("x");
    }

    [Fact]
    public async Task Every_receiver_gets_the_flag_and_only_with_relays_that_are_confirmed()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        await using RawConnection plain = await hub.BinaryAsync();
        await using ResumingPeer resumable = await hub.ResumingAsync();
        byte[] large = Frames.Pattern(300_000);
        await sender.SendAsync(
            Frames.Relay([2, 3], [1]),
            Frames.Relay([2, 3], [2], 2, Confirm),
            Frames.Relay([2, 3], [3], 3),
            Frames.Relay([2, 3], [4], 4, Confirm | RelayFlags.BestEffort),
            Frames.Relay([2, 3], large, 5, Confirm),
            Frames.Relay([2, 3], [6]));
        byte[][] expected =
        [
            Frames.Delivery(1, [1]), Frames.ConfirmedDelivery(1, [2]), Frames.Delivery(1, [3]),
            Frames.ConfirmedDelivery(1, [4]), Frames.ConfirmedDelivery(1, large), Frames.Delivery(1, [6]),
        ];
        await plain.ExpectAsync(expected);
        await resumable.ExpectAsync(expected);
    }

    [Fact]
    public async Task Each_entry_has_its_outcome_when_the_last_is_known()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        await using ResumingPeer first = await hub.ResumingAsync();
        await using ResumingPeer second = await hub.ResumingAsync();
        await sender.SendAsync(Frames.Relay([2, 99, 1, 3, 2, 3, 1], [7], 1, Confirm));
        await sender.ExpectAsync(Frames.ConfirmedDelivery(1, [7]));
        await first.ExpectAsync(Frames.ConfirmedDelivery(1, [7]));
        await second.ExpectAsync(Frames.ConfirmedDelivery(1, [7]));
        await second.AckAsync();
        await sender.ExpectNothingAsync();

        await first.AckAsync();

        await sender.ExpectAsync(Frames.Receipt(
            1,
            Outcome.Delivered,
            Outcome.Unknown,
            Outcome.Accepted,
            Outcome.Delivered,
            Outcome.Delivered,
            Outcome.Delivered,
            Outcome.Accepted));
    }

    [Fact]
    public async Task Nothing_behind_it_waits()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        await using ResumingPeer slow = await hub.ResumingAsync();
        await using ResumingPeer quick = await hub.ResumingAsync();
        await sender.SendAsync(
            Frames.Relay(2, [1], 1, Confirm),
            Frames.Relay(2, [2], 2),
            Frames.Echo([5]),
            Frames.Relay(3, [3], 3, Confirm),
            Frames.Relay([], [], 4),
            Frames.Relay([], [], 5, Confirm));
        await sender.ExpectAsync(Frames.Receipt(2, Outcome.Accepted), Frames.EchoReply([5]));
        await sender.ExpectErrorAsync(ProtocolCode.InvalidReceivers, 4);
        await sender.ExpectErrorAsync(ProtocolCode.InvalidReceivers, 5);
        await quick.ExpectAsync(Frames.ConfirmedDelivery(1, [3]));
        await quick.AckAsync();
        await sender.ExpectAsync(Frames.Receipt(3, Outcome.Delivered));

        await slow.ExpectAsync(Frames.ConfirmedDelivery(1, [1]), Frames.Delivery(1, [2]));
        await slow.AckAsync();

        await sender.ExpectAsync(Frames.Receipt(1, Outcome.Delivered));
    }

    [Fact]
    public async Task Held_for_who_is_away_and_delivered_after_it_has_resumed_and_acknowledged()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        await using ResumingPeer receiver = await hub.ResumingAsync();
        await receiver.GoAwayAsync();
        await sender.SendAsync(Frames.Relay(2, [7], 1, Confirm), Frames.Relay(2, [8], 2));
        await sender.ExpectAsync(Frames.Receipt(2, Outcome.Held));
        await receiver.ResumeAsync();
        await receiver.ExpectAsync(Frames.ConfirmedDelivery(1, [7]), Frames.Delivery(1, [8]));
        await sender.ExpectNothingAsync();

        await receiver.AckAsync();

        await sender.ExpectAsync(Frames.Receipt(1, Outcome.Delivered));
    }

    [Fact]
    public async Task The_total_of_a_resuming_hello_confirms_too()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        await using ResumingPeer receiver = await hub.ResumingAsync();
        await sender.SendAsync(Frames.Relay(2, [7], 1, Confirm), Frames.Relay(2, [8], 2, Confirm));
        await receiver.ExpectAsync(Frames.ConfirmedDelivery(1, [7]));
        await receiver.GoAwayAsync();
        await sender.ExpectNothingAsync();

        await receiver.ResumeAsync();

        await sender.ExpectAsync(Frames.Receipt(1, Outcome.Delivered));
        await receiver.ExpectAsync(Frames.ConfirmedDelivery(1, [8]));
        await sender.ExpectNothingAsync();
        await receiver.AckAsync();
        await sender.ExpectAsync(Frames.Receipt(2, Outcome.Delivered));
    }

    [Fact]
    public async Task A_sender_that_lists_itself_confirms_itself()
    {
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer self = await hub.ResumingAsync();
        await self.RelayAsync(1, [7], 1, Confirm);
        await self.ExpectAsync(Frames.ConfirmedDelivery(1, [7]));
        await self.ExpectNothingBeforeAnEchoAsync();

        await self.AckAsync();

        await self.ExpectAsync(Frames.Receipt(1, Outcome.Delivered));
        Assert.Equal(2UL, self.Received);
        await self.AckAsync();
        await self.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task With_best_effort_the_full_receiver_is_left_out()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero, QueueLimitBytes = 1 << 20 });
        await using ResumingPeer slow = await hub.ResumingAsync(receiveBufferBytes: 16_384);
        await using RawConnection sender = await hub.BinaryAsync();
        await Filling.FillAsync(sender, 1);
        await using ResumingPeer quick = await hub.ResumingAsync();
        await sender.SendAsync(Frames.Relay([1, 3], [7], 500, Confirm | RelayFlags.BestEffort), Frames.Relay(1, [8], 501, Confirm | RelayFlags.BestEffort));
        await sender.ExpectAsync(Frames.Receipt(501, Outcome.Full));
        await quick.ExpectAsync(Frames.ConfirmedDelivery(2, [7]));

        await quick.AckAsync();

        await sender.ExpectAsync(Frames.Receipt(500, Outcome.Full, Outcome.Delivered));
    }

    [Fact]
    public async Task Without_receipt_it_is_unsupported_and_nothing_is_delivered()
    {
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer sender = await hub.ResumingAsync();
        await sender.SendAsync(Frames.Build(FrameType.Relay, 4, 1, Frames.Number(1)), Frames.Build(FrameType.Relay, 6, 1, Frames.Number(1), [7]));
        await sender.ExpectErrorAsync(ProtocolCode.Unsupported);
        await sender.ExpectErrorAsync(ProtocolCode.Unsupported);
        await sender.ExpectNothingBeforeAnEchoAsync();
        await sender.LoseAsync();
        await sender.ResumeAsync();
        Assert.Equal(2UL, sender.Processed);
        await sender.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task The_receipt_is_counted_and_survives_its_senders_connection()
    {
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer sender = await hub.ResumingAsync();
        await using ResumingPeer receiver = await hub.ResumingAsync();
        await sender.RelayAsync(2, [7], 1, Confirm);
        await receiver.ExpectAsync(Frames.ConfirmedDelivery(1, [7]));
        await sender.GoAwayAsync();
        await receiver.AckAsync();
        await receiver.ExpectNothingBeforeAnEchoAsync();
        await hub.SettleAsync();

        for (int i = 0; i < 2; i++)
        {
            await sender.ConnectAsync();
            await sender.Connection.SendAsync(Frames.HelloResume(sender.Key, 0));
            sender.TakeWelcome(await sender.Connection.FrameAsync(FrameType.Welcome), resumed: true);
            Assert.Equal(1UL, sender.Processed);
            await sender.Connection.ExpectAsync(Frames.Receipt(1, Outcome.Delivered));
            await sender.LoseAsync();
        }
    }

    [Fact]
    public async Task The_receipt_comes_to_a_sender_that_was_away_when_it_resumes()
    {
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer sender = await hub.ResumingAsync();
        await using ResumingPeer receiver = await hub.ResumingAsync();
        await sender.RelayAsync(2, [7], 1, Confirm);
        await receiver.ExpectAsync(Frames.ConfirmedDelivery(1, [7]));
        await sender.LoseAsync();
        await sender.ResumeAsync();
        await sender.ExpectNothingBeforeAnEchoAsync();

        await receiver.AckAsync();

        await sender.ExpectAsync(Frames.Receipt(1, Outcome.Delivered));
        await sender.ExpectNothingBeforeAnEchoAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_sender_that_has_left_gets_nothing_and_holds_up_nobody(bool resumable)
    {
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer receiver = await hub.ResumingAsync();
        await using RawConnection sender = resumable ? (await hub.ResumingAsync()).Connection : await hub.BinaryAsync();
        await sender.SendAsync([.. Enumerable.Range(0, 100).Select(i => Frames.Relay(1, [(byte)i], (ulong)i, Confirm)), Frames.Goodbye]);
        await receiver.ExpectAsync([.. Enumerable.Range(0, 100).Select(i => Frames.ConfirmedDelivery(2, [(byte)i]))]);
        await sender.ReadToEndAsync();
        await receiver.AckAsync();

        await receiver.ExpectNothingBeforeAnEchoAsync();
        await hub.PassAsync(TimeSpan.FromMinutes(1), 6);
        await receiver.ExpectNothingBeforeAnEchoAsync();
    }
}
