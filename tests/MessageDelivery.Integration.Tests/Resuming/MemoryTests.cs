using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Resuming;

/// <summary>What is kept for sessions is message memory: bounded, given back, and never more than the messages are worth.</summary>
public sealed class MemoryTests
{
    private static Task<RunningHub> StartAsync(long limit) => RunningHub.StartAsync(o => o with
    {
        Heartbeat = TimeSpan.Zero,
        MemoryLimitBytes = limit,
        ResumeWindow = TimeSpan.FromHours(1),
        ResumeRetentionBytes = 64 << 20,
    });

    [Fact]
    public async Task Small_messages_kept_for_who_is_away_are_worth_what_they_are_and_not_the_buffers_they_came_in()
    {
        await using RunningHub hub = await StartAsync(limit: 8 << 20);
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await peer.GoAwayAsync();

        await RelayOneByOneAsync(other, [peer], 2_000, Outcome.Held);

        await peer.ResumeAsync();
        for (int i = 0; i < 2_000; i++)
        {
            await peer.ExpectAsync(Frames.Delivery(1, Frames.Number((ulong)i)));
        }

        await peer.AckAsync();
        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task Small_messages_not_acknowledged_yet_are_worth_what_they_are_and_not_the_buffers_they_came_in()
    {
        await using RunningHub hub = await StartAsync(limit: 8 << 20);
        await using RawConnection other = await hub.BinaryAsync();
        ResumingPeer[] peers = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => hub.ResumingAsync()));

        // Each peer is within its rights: fewer than 64 frames, in less than a second.
        await RelayOneByOneAsync(other, peers, 30 * 60, Outcome.Accepted);

        foreach ((int i, ResumingPeer peer) in peers.Index())
        {
            await peer.ExpectAsync([.. Enumerable.Range(0, 60).Select(n => Frames.Delivery(1, Frames.Number((ulong)((n * 30) + i))))]);
            await peer.DisposeAsync();
        }
    }

    [Fact]
    public async Task Where_users_who_are_away_have_all_of_it_others_go_on_and_nothing_is_skipped_in_silence()
    {
        await using RunningHub hub = await StartAsync(limit: 12 << 20);
        ResumingPeer[] peers = [await hub.ResumingAsync(), await hub.ResumingAsync()];
        await peers[0].GoAwayAsync();
        await peers[1].GoAwayAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        byte[][] bodies = [.. Enumerable.Range(0, 40).Select(i => Frames.Pattern(Frames.MaxBodyBytes, i))];
        Task sending = sender.SendAsync(
            Frames.Join([.. bodies.Select((b, i) => Frames.Relay(peers[i % 2].UserId, b, (ulong)i))]), TimeSpan.FromSeconds(60));
        List<byte[]>[] held = [[], []];
        for (int i = 0; i < 40; i++)
        {
            Task<Frame> receiving = sender.FrameAsync(FrameType.Receipt);
            await hub.AdvanceUntilAsync(receiving, TimeSpan.FromMilliseconds(300));
            Frame receipt = await receiving;
            Assert.Equal((ulong)i, receipt.Correlation);
            if (receipt.Outcomes is [Outcome.Held])
            {
                held[i % 2].Add(bodies[i]);
            }
            else
            {
                Assert.True(receipt.Outcomes is [Outcome.Unknown or Outcome.Full], receipt.ToString());
            }
        }

        await sending;

        // Whoever comes back gets all that it was promised, or is told that its session is no more.
        foreach ((int i, ResumingPeer peer) in peers.Index())
        {
            await peer.ConnectAsync();
            await peer.Connection.SendAsync(Frames.HelloResume(peer.Key, 0));
            Task<Frame> receiving = peer.Connection.FrameAsync(FrameType.Welcome);
            await hub.AdvanceUntilAsync(receiving, TimeSpan.FromMilliseconds(100));
            Frame welcome = await receiving;
            bool isResumed = welcome.Flags == 3;
            peer.TakeWelcome(welcome, isResumed);
            foreach (byte[] body in isResumed ? held[i] : [])
            {
                await peer.ExpectAsync(Frames.Delivery(sender.UserId, body));
                await peer.AckAsync();
            }

            await peer.ExpectNothingBeforeAnEchoAsync();
            await peer.DisposeAsync();
        }
    }

    [Fact]
    public async Task What_was_acknowledged_is_given_back()
    {
        await using RunningHub hub = await StartAsync(limit: 12 << 20);
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        for (int i = 0; i < 60; i++)
        {
            byte[] body = Frames.Pattern(Frames.MaxBodyBytes, i);
            await other.SendAsync(Frames.Relay(2, body, (ulong)i));
            await other.ExpectAsync(Frames.Receipt((ulong)i, Outcome.Accepted));
            await peer.ExpectAsync(Frames.Delivery(1, body));
            await peer.AckAsync();
        }

        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task A_session_that_ends_gives_all_of_it_back()
    {
        await using RunningHub hub = await StartAsync(limit: 12 << 20);
        await using RawConnection other = await hub.BinaryAsync();
        for (int round = 0; round < 8; round++)
        {
            await using ResumingPeer peer = await hub.ResumingAsync();
            for (int i = 0; i < 5; i++)
            {
                await other.SendAsync(Frames.Relay(peer.UserId, Frames.Pattern(Frames.MaxBodyBytes, i), (ulong)i));
                await other.ExpectAsync(Frames.Receipt((ulong)i, Outcome.Accepted));
                await peer.ExpectAsync(Frames.Delivery(1, Frames.Pattern(Frames.MaxBodyBytes, i)));
            }

            await peer.Connection.SendAsync(Frames.Goodbye);
            await peer.ExpectGoodbyeAsync(ProtocolCode.Normal);
        }
    }

    [Fact]
    public async Task Thousands_of_acks_and_resumes_cost_nothing_that_stays()
    {
        await using RunningHub hub = await StartAsync(limit: 8 << 20);
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await other.SendAsync(Frames.Relay(2, Frames.Pattern(50_000), 1));
        await other.ExpectAsync(Frames.Receipt(1, Outcome.Accepted));
        await peer.ExpectAsync(Frames.Delivery(1, Frames.Pattern(50_000)));
        for (int i = 0; i < 300; i++)
        {
            await peer.LoseAsync(i % 2 == 0);
            await peer.ConnectAsync();
            await peer.Connection.SendAsync(Frames.HelloResume(peer.Key, 0), Frames.Join([.. Enumerable.Repeat(Frames.Ack(0), 100)]));
            peer.TakeWelcome(await peer.Connection.FrameAsync(FrameType.Welcome), resumed: true);
        }

        await peer.Connection.ExpectAsync(Frames.Delivery(1, Frames.Pattern(50_000)));
        await peer.AckAsync(1);
        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    // With something large behind each, so that the hub reads each on its own.
    private static async Task RelayOneByOneAsync(RawConnection sender, ResumingPeer[] receivers, int count, Outcome outcome)
    {
        byte[] large = Frames.Pattern(5_000);
        for (int i = 0; i < count; i++)
        {
            await sender.SendAsync(
                Frames.Relay(receivers[i % receivers.Length].UserId, Frames.Number((ulong)i), (ulong)i), Frames.Echo(large));
            await sender.ExpectAsync(Frames.Receipt((ulong)i, outcome), Frames.EchoReply(large));
        }

        // What one largest message needs is still there.
        byte[] largest = Frames.Pattern(Frames.MaxBodyBytes);
        await sender.SendAsync(Frames.Relay(sender.UserId, largest, 1));
        await sender.ExpectAsync(Frames.Delivery(sender.UserId, largest), Frames.Receipt(1, Outcome.Accepted));
    }
}
