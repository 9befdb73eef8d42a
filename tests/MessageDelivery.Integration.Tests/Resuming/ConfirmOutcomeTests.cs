using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Resuming;

/// <summary>A receipt of CONFIRM never says more than is known, also where the relay has to wait for a full receiver.</summary>
public sealed class ConfirmOutcomeTests
{
    private const RelayFlags Confirm = RelayFlags.Confirm;
    private const ulong Nobody = 999_999;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(7);

    private static Task<RunningHub> StartAsync() => RunningHub.StartAsync(o => o with
    {
        Heartbeat = TimeSpan.Zero,
        QueueLimitBytes = 1 << 20,
        ConfirmTimeout = Timeout,
        StallTimeout = TimeSpan.FromHours(1),
    });

    [Theory]
    [InlineData(true, Outcome.Delivered)]
    [InlineData(false, Outcome.Accepted)]
    public async Task The_timeout_runs_once_it_is_known_whom_the_relay_has_reached(bool acknowledges, Outcome outcome)
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection full = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        await using RawConnection filler = await hub.BinaryAsync();
        List<byte[]> bodies = await Filling.FillAsync(filler, full.UserId);
        await using ResumingPeer receiver = await hub.ResumingAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        await sender.SendAsync(Frames.Relay([receiver.UserId, full.UserId, Nobody], [7], 1, Confirm));
        await receiver.ExpectAsync(Frames.ConfirmedDelivery(sender.UserId, [7]));
        if (acknowledges)
        {
            await receiver.AckAsync();
        }

        await hub.PassAsync(Timeout * 3, 12);
        await sender.ExpectNothingAsync();

        await full.ExpectAsync([.. bodies.Select(b => Frames.Delivery(filler.UserId, b)), Frames.ConfirmedDelivery(sender.UserId, [7])]);
        Task receipt = sender.ExpectAsync(Frames.Receipt(1, outcome, Outcome.Accepted, Outcome.Unknown));
        if (acknowledges)
        {
            await receipt;
        }
        else
        {
            await hub.PassAsync(Timeout * 0.9, 9);
            Assert.False(receipt.IsCompleted, "the timeout ran while the relay waited");
            await hub.AdvanceUntilAsync(receipt, TimeSpan.FromMilliseconds(200));
        }
    }

    [Fact]
    public async Task A_full_receiver_that_goes_is_unknown_and_the_others_are_what_they_are()
    {
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer full = await hub.ResumingAsync(receiveBufferBytes: 16_384);
        await using RawConnection filler = await hub.BinaryAsync();
        await Filling.FillAsync(filler, full.UserId);
        await using ResumingPeer quick = await hub.ResumingAsync();
        await using ResumingPeer slow = await hub.ResumingAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        await sender.SendAsync(Frames.Relay([slow.UserId, quick.UserId, Nobody, full.UserId, quick.UserId, 0], [7], 1, Confirm));
        await quick.ExpectAsync(Frames.ConfirmedDelivery(sender.UserId, [7]));
        await quick.AckAsync();
        await slow.ExpectAsync(Frames.ConfirmedDelivery(sender.UserId, [7]));
        await hub.PassAsync(Timeout * 2, 8);
        await sender.ExpectNothingAsync();

        await full.Connection.SendAsync(Frames.Goodbye);
        Task receipt = sender.ExpectAsync(Frames.Receipt(
            1, Outcome.Accepted, Outcome.Delivered, Outcome.Unknown, Outcome.Unknown, Outcome.Delivered, Outcome.Unknown));
        await hub.AdvanceUntilAsync(receipt, TimeSpan.FromMilliseconds(200));
    }

    /// <summary>The hub's end shows whether message memory is left.</summary>
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task A_sender_that_goes_while_it_waits_leaves_nothing_behind(bool waitsForAcknowledgement, bool isFullForGood)
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection full = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        await using RawConnection filler = await hub.BinaryAsync();
        List<byte[]> bodies = await Filling.FillAsync(filler, full.UserId);
        await using ResumingPeer receiver = await hub.ResumingAsync();
        RawConnection sender = await hub.BinaryAsync();
        ulong id = sender.UserId;
        await sender.SendAsync(Frames.Relay([receiver.UserId, full.UserId], [7], 1, Confirm));
        await receiver.ExpectAsync(Frames.ConfirmedDelivery(id, [7]));
        sender.Abort();
        if (!waitsForAcknowledgement)
        {
            await receiver.AckAsync();
        }

        if (isFullForGood)
        {
            return;
        }

        await full.ExpectAsync([.. bodies.Select(b => Frames.Delivery(filler.UserId, b)), Frames.ConfirmedDelivery(id, [7])]);
        await hub.PassAsync(Timeout * 2, 8);
        await receiver.ExpectNothingBeforeAnEchoAsync();
    }
}
