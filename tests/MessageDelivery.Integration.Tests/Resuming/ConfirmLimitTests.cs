using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Resuming;

/// <summary>A receipt of CONFIRM comes after a time whatever happens, and so many can be outstanding.</summary>
public sealed class ConfirmLimitTests
{
    private const int MaxOutstanding = 4_096;
    private const RelayFlags Confirm = RelayFlags.Confirm;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(7);
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private static Task<RunningHub> StartAsync(TimeSpan? timeout = null, long retention = 8 << 20) => RunningHub.StartAsync(o => o with
    {
        Heartbeat = TimeSpan.Zero,
        ResumeWindow = Window,
        ConfirmTimeout = timeout ?? Timeout,
        ResumeRetentionBytes = retention,
    });

    [Fact]
    public async Task After_the_timeout_an_outcome_is_what_it_was_when_queued()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        await using ResumingPeer here = await hub.ResumingAsync();
        await using ResumingPeer away = await hub.ResumingAsync();
        await using ResumingPeer quick = await hub.ResumingAsync();
        await away.GoAwayAsync();
        await sender.SendAsync(Frames.Relay([2, 3, 4, 99], [7], 1, Confirm));
        await here.ExpectAsync(Frames.ConfirmedDelivery(1, [7]));
        await quick.ExpectAsync(Frames.ConfirmedDelivery(1, [7]));
        await quick.AckAsync();
        await hub.PassAsync(Timeout * 0.9, 9);
        await sender.ExpectNothingAsync();

        await hub.AdvanceUntilAsync(
            sender.ExpectAsync(Frames.Receipt(1, Outcome.Accepted, Outcome.Held, Outcome.Delivered, Outcome.Unknown)),
            TimeSpan.FromMilliseconds(200));

        // Whoever acknowledges now is too late for a receipt, and there is no second one.
        await here.AckAsync();
        await away.ResumeAsync();
        await away.ExpectAsync(Frames.ConfirmedDelivery(1, [7]));
        await away.AckAsync();
        await away.ExpectNothingBeforeAnEchoAsync();
        await sender.ExpectNothingAsync();
    }

    [Fact]
    public async Task Who_was_there_and_is_away_at_the_timeout_has_accepted()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        await using ResumingPeer receiver = await hub.ResumingAsync();
        await sender.SendAsync(Frames.Relay(2, [7], 1, Confirm));
        await receiver.ExpectAsync(Frames.ConfirmedDelivery(1, [7]));
        await receiver.GoAwayAsync();

        await hub.AdvanceUntilAsync(sender.ExpectAsync(Frames.Receipt(1, Outcome.Accepted)), TimeSpan.FromSeconds(0.5));
    }

    [Fact]
    public async Task Each_relay_has_a_timeout_of_its_own()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        await using ResumingPeer receiver = await hub.ResumingAsync();
        await sender.SendAsync(Frames.Relay(2, [1], 1, Confirm));
        await receiver.ExpectAsync(Frames.ConfirmedDelivery(1, [1]));
        await hub.PassAsync(Timeout * 0.6, 6);
        await sender.SendAsync(Frames.Relay(2, [2], 2, Confirm));
        await receiver.ExpectAsync(Frames.ConfirmedDelivery(1, [2]));

        await hub.AdvanceUntilAsync(sender.ExpectAsync(Frames.Receipt(1, Outcome.Accepted)), TimeSpan.FromMilliseconds(200));
        await sender.ExpectNothingAsync();
        await receiver.AckAsync();
        await sender.ExpectAsync(Frames.Receipt(2, Outcome.Delivered));
    }

    [Fact]
    public async Task A_receiver_that_says_goodbye_ends_the_wait_at_once()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        await using ResumingPeer receiver = await hub.ResumingAsync();
        await receiver.GoAwayAsync();
        await sender.SendAsync(Frames.Relay(2, [1], 1, Confirm));
        await hub.SettleAsync();
        await receiver.ResumeAsync();
        await sender.SendAsync(Frames.Relay(2, [2], 2, Confirm));
        await receiver.ExpectAsync(Frames.ConfirmedDelivery(1, [1]), Frames.ConfirmedDelivery(1, [2]));
        await sender.ExpectNothingAsync();

        await receiver.Connection.SendAsync(Frames.Goodbye);

        Frame[] receipts = [await sender.FrameAsync(FrameType.Receipt), await sender.FrameAsync(FrameType.Receipt)];
        Assert.Equal(
            [(1UL, Outcome.Held), (2UL, Outcome.Accepted)], receipts.Select(r => (r.Correlation!.Value, r.Outcomes.Single())).Order());
    }

    [Fact]
    public async Task A_receiver_whose_window_ends_ends_the_wait_at_once()
    {
        await using RunningHub hub = await StartAsync(TimeSpan.FromHours(1));
        await using RawConnection sender = await hub.BinaryAsync();
        await using ResumingPeer receiver = await hub.ResumingAsync();
        await receiver.GoAwayAsync();
        await sender.SendAsync(Frames.Relay(2, [1], 1, Confirm));
        await hub.PassAsync(Window * 0.9, 9);
        await sender.ExpectNothingAsync();

        await hub.AdvanceUntilAsync(sender.ExpectAsync(Frames.Receipt(1, Outcome.Held)), TimeSpan.FromSeconds(1));
        await hub.EventuallyAsync(async () => await RunningHub.ListAsync(sender) is []);
    }

    [Fact]
    public async Task A_receiver_whose_retention_overflows_ends_the_wait_at_once()
    {
        await using RunningHub hub = await StartAsync(retention: 1_000);
        await using RawConnection sender = await hub.BinaryAsync();
        await using ResumingPeer receiver = await hub.ResumingAsync();
        await receiver.GoAwayAsync();
        await sender.SendAsync(Frames.Relay(2, [1], 1, Confirm));
        await sender.ExpectNothingAsync();

        await sender.SendAsync(Frames.Relay(2, new byte[2_000], 2, Confirm));

        Frame[] receipts = [await sender.FrameAsync(FrameType.Receipt), await sender.FrameAsync(FrameType.Receipt)];
        Assert.Equal(
            [(1UL, Outcome.Held), (2UL, Outcome.Full)], receipts.Select(r => (r.Correlation!.Value, r.Outcomes.Single())).Order());
    }

    [Fact]
    public async Task A_total_that_was_let_go_ends_the_wait_at_once()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        await using ResumingPeer receiver = await hub.ResumingAsync();
        await sender.SendAsync(Frames.Relay(2, [1]), Frames.Relay(2, [2], 2, Confirm));
        await receiver.ExpectAsync(Frames.Delivery(1, [1]));
        await receiver.AckAsync();
        await receiver.ExpectAsync(Frames.ConfirmedDelivery(1, [2]));
        await receiver.ExpectNothingBeforeAnEchoAsync();
        await using RawConnection wrong = await hub.ConnectAsync();
        await wrong.SendAsync(Frames.HelloResume(receiver.Key, 0));
        Assert.Equal(1, (await wrong.FrameAsync(FrameType.Welcome)).Flags);

        await sender.ExpectAsync(Frames.Receipt(2, Outcome.Accepted));
    }

    [Fact]
    public async Task A_sender_with_as_many_outstanding_as_may_be_waits()
    {
        await using RunningHub hub = await StartAsync(TimeSpan.FromHours(1));
        await using RawConnection sender = await hub.BinaryAsync();
        await using ResumingPeer receiver = await hub.ResumingAsync();
        Task sending = sender.SendAsync(
            [.. Enumerable.Range(0, MaxOutstanding + 100).Select(i => Frames.Relay(2, Frames.Number((ulong)i), (ulong)i, Confirm)), Frames.Echo([5])]);
        await receiver.ExpectAsync([.. Enumerable.Range(0, MaxOutstanding).Select(i => Frames.ConfirmedDelivery(1, Frames.Number((ulong)i)))]);
        await sending;
        await hub.SettleAsync();
        await sender.ExpectNothingAsync();

        await receiver.AckAsync();
        await receiver.ExpectAsync([.. Enumerable.Range(MaxOutstanding, 100).Select(i => Frames.ConfirmedDelivery(1, Frames.Number((ulong)i)))]);
        await receiver.AckAsync();

        var correlations = new HashSet<ulong>();
        bool echoed = false;
        while (correlations.Count < MaxOutstanding + 100 || !echoed)
        {
            Frame frame = await sender.FrameAsync();
            if (frame.Type == FrameType.EchoReply)
            {
                echoed = true;
            }
            else
            {
                Assert.Equal((FrameType.Receipt, Outcome.Delivered), (frame.Type, frame.Outcomes.Single()));
                Assert.True(correlations.Add(frame.Correlation!.Value));
            }
        }
    }

    [Fact]
    public async Task The_timeout_lets_a_waiting_sender_go_on()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        await using ResumingPeer receiver = await hub.ResumingAsync();
        await sender.SendAsync(
            [.. Enumerable.Range(0, MaxOutstanding + 1).Select(i => Frames.Relay(2, [], (ulong)i, Confirm)), Frames.Echo([5])]);
        await receiver.ExpectAsync([.. Enumerable.Range(0, MaxOutstanding).Select(_ => Frames.ConfirmedDelivery(1, []))]);
        await hub.SettleAsync();
        await sender.ExpectNothingAsync();

        await hub.AdvanceUntilAsync(EchoedAsync(), TimeSpan.FromSeconds(0.5));

        async Task EchoedAsync()
        {
            Frame frame = await sender.FrameAsync();
            while (frame.Type != FrameType.EchoReply)
            {
                Assert.Equal((FrameType.Receipt, Outcome.Accepted), (frame.Type, frame.Outcomes.Single()));
                frame = await sender.FrameAsync();
            }
        }
    }

    [Fact]
    public async Task What_is_known_at_once_is_not_outstanding()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        ulong[] nobody = [.. Enumerable.Range(100, 255).Select(i => (ulong)i)];
        for (ulong i = 0; i < 40; i++)
        {
            await sender.SendAsync(Frames.Relay(nobody, [], i, Confirm));
            await sender.ExpectAsync(Frames.Receipt(i, [.. nobody.Select(_ => Outcome.Unknown)]));
        }
    }
}
