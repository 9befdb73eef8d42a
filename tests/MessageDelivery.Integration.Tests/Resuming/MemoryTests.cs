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

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Small_messages_that_came_one_by_one_do_not_keep_a_large_buffer_each(bool away)
    {
        const int Messages = 2_000;
        await using RunningHub hub = await StartAsync(limit: 8 << 20);
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        if (away)
        {
            await peer.GoAwayAsync();
        }

        for (int i = 0; i < Messages; i++)
        {
            await other.SendAsync(Frames.Relay(2, Frames.Number((ulong)i), (ulong)i), Frames.Echo(new byte[5_000]));
            await other.ExpectAsync(Frames.Receipt((ulong)i, away ? Outcome.Held : Outcome.Accepted), Frames.EchoReply(new byte[5_000]));
        }

        // What one largest message needs is still there.
        byte[] large = Frames.Pattern(Frames.MaxBodyBytes);
        await other.SendAsync(Frames.Relay(1, large, 1));
        await other.ExpectAsync(Frames.Delivery(1, large), Frames.Receipt(1, Outcome.Accepted));
        await peer.Connection.DisposeAsync();
        await peer.ResumeAsync();
        for (int i = 0; i < Messages; i++)
        {
            await peer.ExpectAsync(Frames.Delivery(1, Frames.Number((ulong)i)));
        }

        await peer.AckAsync();
        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task Where_users_who_are_away_have_all_of_it_one_that_resumes_frees_its_part()
    {
        await using RunningHub hub = await StartAsync(limit: 12 << 20);
        await using ResumingPeer first = await hub.ResumingAsync();
        await using ResumingPeer second = await hub.ResumingAsync();
        await first.GoAwayAsync();
        await second.GoAwayAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        byte[][] bodies = [.. Enumerable.Range(0, 40).Select(i => Frames.Pattern(Frames.MaxBodyBytes, i))];
        Task sending = sender.SendAsync(
            Frames.Join([.. bodies.Select((b, i) => Frames.Relay((ulong)(i % 2) + 1, b, (ulong)i))]), TimeSpan.FromSeconds(60));
        await Task.Delay(500);
        Assert.False(sending.IsCompleted, "The hub has read more than its memory holds.");

        Task[] reading = [ReadAsync(first, 0), ReadAsync(second, 1)];

        for (ulong i = 0; i < 40; i++)
        {
            Frame receipt = await sender.FrameAsync(FrameType.Receipt);
            Assert.Equal(i, receipt.Correlation);
            Assert.True(receipt.Outcomes is [Outcome.Held or Outcome.Accepted], receipt.ToString());
        }

        await sending;
        await Task.WhenAll(reading);

        async Task ReadAsync(ResumingPeer peer, int parity)
        {
            await peer.ResumeAsync();
            foreach (byte[] body in bodies.Where((_, i) => i % 2 == parity))
            {
                await peer.ExpectAsync(Frames.Delivery(sender.UserId, body));
                await peer.AckAsync();
            }
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
}
