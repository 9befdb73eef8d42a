using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Resuming;

/// <summary>
/// What is kept for those who wait for acknowledgements is message memory, counts in the queue of who does not acknowledge, and goes when
/// the wait ends.
/// </summary>
public sealed class ConfirmMemoryTests
{
    private const int MaxOutstanding = 4_096;
    private const RelayFlags Confirm = RelayFlags.Confirm;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(7);

    private static Task<RunningHub> StartAsync(long queueLimit = 64 << 20, long retention = 8 << 20) => RunningHub.StartAsync(o => o with
    {
        Heartbeat = TimeSpan.Zero,
        QueueLimitBytes = queueLimit,
        ResumeRetentionBytes = retention,
        ConfirmTimeout = Timeout,
        StallTimeout = TimeSpan.FromHours(1),
    });

    [Fact]
    public async Task It_fills_the_queue_of_a_receiver_that_does_not_acknowledge()
    {
        const int relays = 1_000;
        await using RunningHub hub = await StartAsync(queueLimit: 64 << 10);
        await using ResumingPeer receiver = await hub.ResumingAsync();
        await using RawConnection sender = await hub.BinaryAsync();

        // Their bytes are far from the limit.
        await sender.SendAsync(
            [.. Enumerable.Range(0, relays).Select(i => Frames.Relay(receiver.UserId, [], (ulong)i, Confirm | RelayFlags.BestEffort)), Frames.Echo([5])]);
        int full = 0;
        for (Frame frame = await sender.FrameAsync(); frame.Type != FrameType.EchoReply; frame = await sender.FrameAsync())
        {
            Assert.Equal([Outcome.Full], frame.Outcomes);
            full++;
        }

        Assert.InRange(full, relays / 3, relays - 100);

        // An acknowledgement makes room again.
        await receiver.ExpectAsync([.. Enumerable.Range(0, relays - full).Select(_ => Frames.ConfirmedDelivery(sender.UserId, []))]);
        await receiver.AckAsync();
        for (int i = full; i < relays; i++)
        {
            Assert.Equal([Outcome.Delivered], (await sender.FrameAsync(FrameType.Receipt)).Outcomes);
        }

        await sender.SendAsync(Frames.Relay(receiver.UserId, [], 1, Confirm | RelayFlags.BestEffort));
        await receiver.ExpectAsync(Frames.ConfirmedDelivery(sender.UserId, []));
    }

    [Fact]
    public async Task A_sender_that_waits_goes_on_when_confirmations_have_ended()
    {
        await using RunningHub hub = await StartAsync(queueLimit: 64 << 10);
        await using ResumingPeer receiver = await hub.ResumingAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        await sender.SendAsync(
            [.. Enumerable.Range(0, 600).Select(i => Frames.Relay(receiver.UserId, [], (ulong)i, Confirm)), Frames.Echo([5])]);
        await sender.ExpectNothingAsync();

        await hub.AdvanceUntilAsync(EchoedAsync(), TimeSpan.FromSeconds(0.5));

        async Task EchoedAsync()
        {
            for (Frame frame = await sender.FrameAsync(); frame.Type != FrameType.EchoReply; frame = await sender.FrameAsync())
            {
                Assert.Equal((FrameType.Receipt, Outcome.Accepted), (frame.Type, frame.Outcomes.Single()));
            }
        }
    }

    [Fact]
    public async Task It_counts_in_what_is_kept_for_who_is_away()
    {
        await using RunningHub hub = await StartAsync(retention: 10_000);
        await using ResumingPeer away = await hub.ResumingAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        await away.GoAwayAsync();

        await sender.SendAsync(
            [.. Enumerable.Range(0, 200).Select(i => Frames.Relay(away.UserId, [], (ulong)i, Confirm)), Frames.Echo([5])]);

        var outcomes = new List<Outcome>();
        while (outcomes.Count < 200)
        {
            Frame frame = await sender.FrameAsync();
            if (frame.Type == FrameType.Receipt)
            {
                outcomes.Add(frame.Outcomes.Single());
            }
        }

        // 3,200 bytes of messages would be kept; with those who wait for them they are too much, and the session has ended.
        Assert.Contains(Outcome.Full, outcomes);
        Assert.InRange(outcomes.Count(o => o == Outcome.Held), 50, 80);
        await away.ResumeInVainAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task It_is_message_memory_and_goes_with_the_wait(bool sendersLeave)
    {
        const int senders = 4;
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer receiver = await hub.ResumingAsync();
        int before = hub.Hub.OutstandingBlocks;
        var connections = new List<RawConnection>();
        for (int i = 0; i < senders; i++)
        {
            RawConnection sender = await hub.BinaryAsync();
            connections.Add(sender);
            await sender.SendAsync(
                [.. Enumerable.Range(0, MaxOutstanding).Select(n => Frames.Relay(receiver.UserId, [], (ulong)n, Confirm)), Frames.Echo([5])]);
            await sender.ExpectAsync(Frames.EchoReply([5]));
        }

        int during = hub.Hub.OutstandingBlocks;
        Assert.True(during - before > 200, $"{before} blocks in use, and {during} with {senders * MaxOutstanding} receivers to be confirmed");

        // The messages themselves stay, in few blocks: the receiver has not acknowledged them.
        if (sendersLeave)
        {
            connections.ForEach(connection => connection.Abort());
        }

        await hub.EventuallyAsync(
            () => Task.FromResult(hub.Hub.OutstandingBlocks < before + 50),
            sendersLeave ? default : TimeSpan.FromSeconds(1));
        foreach (RawConnection connection in connections)
        {
            await connection.DisposeAsync();
        }
    }
}
