using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Resuming;

/// <summary>A user who is away is still there for everybody else, within limits.</summary>
public sealed class AwayTests
{
    private static Task<RunningHub> StartAsync(long retention = 8 << 20) => RunningHub.StartAsync(
        o => o with { Heartbeat = TimeSpan.Zero, ResumeRetentionBytes = retention });

    [Fact]
    public async Task It_stays_listed_for_both_protocols()
    {
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await using RawConnection text = await hub.TextAsync();
        await using RawConnection binary = await hub.BinaryAsync();
        await peer.GoAwayAsync();

        await text.SendAsync("list\n");
        await text.ExpectLinesAsync("[Server] Client IDs are 1, 3");
        await RunningHub.ExpectListAsync(binary, 1UL, 2UL);

        await peer.ResumeAsync();
        await text.SendAsync("list\n");
        await text.ExpectLinesAsync("[Server] Client IDs are 1, 3");
        await peer.SendAsync(Frames.List);
        await peer.ExpectAsync(Frames.ListReply(2, 3));
    }

    [Fact]
    public async Task Messages_for_it_are_held_and_come_in_order_before_those_that_follow()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection here = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await other.SendAsync(Frames.Relay(2, [0], 0));
        await other.ExpectAsync(Frames.Receipt(0, Outcome.Accepted));
        await peer.GoAwayAsync();
        await other.SendAsync(
            Frames.Relay([2, 1, 2, 99], [1], 1), Frames.Relay(2, [2]), Frames.Relay(2, [3], 3, RelayFlags.BestEffort), Frames.Relay(2, [], 4));
        await other.ExpectAsync(
            Frames.Receipt(1, Outcome.Held, Outcome.Accepted, Outcome.Held, Outcome.Unknown),
            Frames.Receipt(3, Outcome.Held),
            Frames.Receipt(4, Outcome.Held));
        await here.ExpectAsync(Frames.Delivery(3, [1]));
        await here.SendAsync(Frames.Relay(2, [9], 9));
        await here.ExpectAsync(Frames.Receipt(9, Outcome.Held));

        await peer.ResumeAsync();
        await other.SendAsync(Frames.Relay(2, [5], 5));
        await other.ExpectAsync(Frames.Receipt(5, Outcome.Accepted));

        await peer.ExpectAsync(
            Frames.Delivery(3, [0]),
            Frames.Delivery(3, [1]),
            Frames.Delivery(3, [2]),
            Frames.Delivery(3, [3]),
            Frames.Delivery(3, []),
            Frames.Delivery(1, [9]),
            Frames.Delivery(3, [5]));
        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task A_text_sender_hears_nothing_of_it()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection text = await hub.TextAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await peer.GoAwayAsync();
        await text.SendAsync("relay 2 one\nrelay 2,99 two\nrelay\n2\nthree\n.\nidentity\n");

        await text.ExpectLinesAsync("[Server] Not delivered to 99: unknown", "[Server] Your ID is 1");

        await peer.ResumeAsync();
        await peer.ExpectAsync(
            Frames.Delivery(1, "one"u8.ToArray()), Frames.Delivery(1, "two"u8.ToArray()), Frames.Delivery(1, "three"u8.ToArray()));
    }

    [Fact]
    public async Task Past_the_retention_limit_its_session_ends_there_and_then()
    {
        const int BodyBytes = 10_000;
        await using RunningHub hub = await StartAsync(retention: 100_000);
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await peer.GoAwayAsync();
        ulong held = 0;
        while (true)
        {
            await other.SendAsync(Frames.Relay([1, 2], new byte[BodyBytes], held));
            await other.ExpectAsync(Frames.Delivery(1, new byte[BodyBytes]));
            Frame receipt = await other.FrameAsync(FrameType.Receipt);
            if (receipt.Outcomes is not [Outcome.Accepted, Outcome.Held])
            {
                Assert.Equal([Outcome.Accepted, Outcome.Full], receipt.Outcomes);
                break;
            }

            held++;
        }

        // Ten bodies are the limit itself; what the hub adds to each of them may cost one.
        Assert.InRange(held, 9UL, 10UL);
        await RunningHub.ExpectListAsync(other);
        await other.SendAsync(Frames.Relay(2, [], 99));
        await other.ExpectAsync(Frames.Receipt(99, Outcome.Unknown));
        await peer.ResumeInVainAsync();
        Assert.Equal(3UL, peer.UserId);
        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task One_relay_larger_than_the_limit_ends_it_and_a_text_sender_hears_full(bool bestEffort)
    {
        await using RunningHub hub = await StartAsync(retention: 1_000);
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer first = await hub.ResumingAsync();
        await using ResumingPeer second = await hub.ResumingAsync();
        await using RawConnection text = await hub.TextAsync();
        await first.GoAwayAsync();
        await second.GoAwayAsync();
        await other.SendAsync(Frames.Relay([2, 2], new byte[2_000], 1, bestEffort ? RelayFlags.BestEffort : 0));
        await other.ExpectAsync(Frames.Receipt(1, Outcome.Full, Outcome.Full));
        await text.SendAsync($"relay 3,2 {new string('x', 2_000)}\nlist\n");

        await text.ExpectLinesAsync("[Server] Not delivered to 3: full; 2: unknown", "[Server] Client IDs are 1");
    }

    [Fact]
    public async Task What_was_unacknowledged_at_the_loss_is_kept_whatever_its_size()
    {
        await using RunningHub hub = await StartAsync(retention: 1_000);
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        byte[][] bodies = [.. Enumerable.Range(0, 5).Select(i => Frames.Pattern(Frames.MaxBodyBytes, i))];
        foreach ((int i, byte[] body) in bodies.Index())
        {
            await other.SendAsync(Frames.Relay(2, body, (ulong)i));
            await other.ExpectAsync(Frames.Receipt((ulong)i, Outcome.Accepted));
        }

        // Some of it read, none of it acknowledged; the limit is only for what comes now.
        await peer.ExpectAsync(Frames.Delivery(1, bodies[0]), Frames.Delivery(1, bodies[1]));
        await peer.GoAwayAsync();
        await other.SendAsync(Frames.Relay(2, Frames.Pattern(400), 10), Frames.Relay(2, Frames.Pattern(300), 11));
        await other.ExpectAsync(Frames.Receipt(10, Outcome.Held), Frames.Receipt(11, Outcome.Held));
        await peer.ConnectAsync();
        await peer.Connection.SendAsync(Frames.HelloResume(peer.Key, 0));
        peer.TakeWelcome(await peer.Connection.FrameAsync(FrameType.Welcome), resumed: true);

        await peer.ExpectAsync([.. bodies.Select(b => Frames.Delivery(1, b))]);
        await peer.ExpectAsync(Frames.Delivery(1, Frames.Pattern(400)), Frames.Delivery(1, Frames.Pattern(300)));
    }

    [Fact]
    public async Task The_limit_is_for_what_is_added_after_each_loss()
    {
        await using RunningHub hub = await StartAsync(retention: 10_000);
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        for (int round = 0; round < 5; round++)
        {
            await peer.GoAwayAsync();
            await other.SendAsync(Frames.Relay(2, Frames.Pattern(8_000, round), (ulong)round));
            await other.ExpectAsync(Frames.Receipt((ulong)round, Outcome.Held));
            await peer.ConnectAsync();
            await peer.Connection.SendAsync(Frames.HelloResume(peer.Key, 0));
            peer.TakeWelcome(await peer.Connection.FrameAsync(FrameType.Welcome), resumed: true);
            for (int i = 0; i <= round; i++)
            {
                await peer.Connection.ExpectAsync(Frames.Delivery(1, Frames.Pattern(8_000, i)));
            }
        }
    }

    [Fact]
    public async Task Nobody_waits_for_it()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with
        {
            Heartbeat = TimeSpan.Zero,
            QueueLimitBytes = 1_000,
            ResumeRetentionBytes = 4 << 20,
        });
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await peer.GoAwayAsync();
        byte[][] bodies = [.. Enumerable.Range(0, 40).Select(i => Frames.Pattern(100_000, i))];
        foreach ((int i, byte[] body) in bodies.Index())
        {
            await other.SendAsync(Frames.Relay(2, body, (ulong)i));
            await other.ExpectAsync(Frames.Receipt((ulong)i, Outcome.Held));
        }

        await peer.ResumeAsync();
        foreach (byte[] body in bodies)
        {
            await peer.ExpectAsync(Frames.Delivery(1, body));
            await peer.AckAsync();
        }

        await other.SendAsync(Frames.Relay(2, [1], 99));
        await other.ExpectAsync(Frames.Receipt(99, Outcome.Accepted));
    }

    [Fact]
    public async Task A_user_who_is_away_sends_to_one_who_is_away()
    {
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer sender = await hub.ResumingAsync();
        await using ResumingPeer receiver = await hub.ResumingAsync();
        await receiver.GoAwayAsync();
        await sender.RelayAsync(2, [1], 1);
        await hub.SettleAsync();
        await sender.GoAwayAsync();

        await receiver.ResumeAsync();
        await receiver.ExpectAsync(Frames.Delivery(1, [1]));
        await sender.ResumeAsync();
        await sender.ExpectAsync(Frames.Receipt(1, Outcome.Held));
    }
}
