using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Resuming;

/// <summary>What a session keeps of its connection: what is counted, and nothing else.</summary>
public sealed class KeptTests
{
    private static Task<RunningHub> StartAsync() => RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });

    [Fact]
    public async Task Deliveries_receipts_and_the_errors_in_their_place_come_again_in_order()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await peer.SendAsync(
            Frames.Relay([2, 1], [1], 1), Frames.Relay([], [], 2), Frames.Relay([99, 2], [3], 3), Frames.Relay(2, [4]));
        await other.ExpectAsync(Frames.Delivery(2, [1]));
        await hub.SettleAsync();
        await peer.LoseAsync();

        for (int i = 0; i < 3; i++)
        {
            await peer.ResumeAsync();
            Assert.Equal(4UL, peer.Processed);
            await peer.LoseAsync();
        }

        await peer.ResumeAsync();
        await peer.ExpectAsync(Frames.Delivery(2, [1]), Frames.Receipt(1, Outcome.Accepted, Outcome.Accepted));
        await peer.ExpectErrorAsync(ProtocolCode.InvalidReceivers, 2);
        await peer.LoseAsync();
        await peer.ResumeAsync();
        await peer.ExpectAsync(Frames.Delivery(2, [3]), Frames.Receipt(3, Outcome.Unknown, Outcome.Accepted), Frames.Delivery(2, [4]));
        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task Other_answers_do_not()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await peer.SendAsync(
            Frames.Echo([1]),
            Frames.Relay(2, [1]),
            Frames.Identity,
            Frames.List,
            Frames.Heartbeat,
            Frames.Relay([], []),
            Frames.Build((FrameType)0x55),
            Frames.Relay(2, [2]),
            Frames.Echo([2]));
        await hub.SettleAsync();
        await peer.LoseAsync();

        await peer.ResumeAsync();

        await peer.ExpectAsync(Frames.Delivery(2, [1]), Frames.Delivery(2, [2]));
        await peer.ExpectNothingBeforeAnEchoAsync();
        await peer.Connection.ExpectNothingAsync();
    }

    [Fact]
    public async Task The_error_without_a_correlation_does_not_count_and_the_one_with_it_does()
    {
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await peer.SendAsync(Frames.Relay([], []), Frames.Relay([], [], 7));
        await peer.ExpectErrorAsync(ProtocolCode.InvalidReceivers);
        await peer.ExpectErrorAsync(ProtocolCode.InvalidReceivers, 7);
        Assert.Equal(1UL, peer.Received);
        await peer.AckAsync(1);
        await peer.ExpectNothingBeforeAnEchoAsync();
        await peer.AckAsync(2);
        await peer.ExpectGoodbyeAsync(ProtocolCode.ProtocolError);
        await peer.ResumeAsync();
        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task Five_hundred_frames_of_every_size_come_again_as_they_were()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        byte[][] bodies = [.. Enumerable.Range(0, 500).Select(i => Frames.Pattern(i % 50 == 49 ? 100_000 : i * 7 % 3_000, i))];
        foreach (byte[] body in bodies)
        {
            await other.SendAsync(Frames.Relay([2, 1], body));
            await other.ExpectAsync(Frames.Delivery(1, body));
        }

        // Read to different depths without an ACK, so that every part is sent more than once.
        foreach (int depth in new[] { 100, 0, 250, 80 })
        {
            await peer.ExpectAsync([.. bodies[(int)peer.Received..((int)peer.Received + depth)].Select(b => Frames.Delivery(1, b))]);
            await peer.LoseAsync();
            await peer.ResumeAsync();
        }

        await peer.ExpectAsync([.. bodies[430..].Select(b => Frames.Delivery(1, b))]);
        await peer.AckAsync();
        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task An_ack_in_the_midst_of_what_is_kept_lets_go_of_that_part_alone()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        byte[][] bodies = [.. Enumerable.Range(0, 100).Select(i => Frames.Pattern(i * 37 % 2_000, i))];
        await other.SendAsync([.. bodies.Select(b => Frames.Relay(2, b))]);
        await peer.ExpectAsync([.. bodies.Select(b => Frames.Delivery(1, b))]);
        for (int acknowledged = 1; acknowledged <= 100; acknowledged += 9)
        {
            await peer.AckAsync((ulong)acknowledged);
            await peer.ExpectNothingBeforeAnEchoAsync();
            await peer.LoseAsync();
            await peer.ConnectAsync();
            await peer.Connection.SendAsync(Frames.HelloResume(peer.Key, (ulong)acknowledged));
            peer.TakeWelcome(await peer.Connection.FrameAsync(FrameType.Welcome), resumed: true);
            await peer.Connection.ExpectAsync([.. bodies[acknowledged..].Select(b => Frames.Delivery(1, b))]);
        }

        await peer.ExpectNothingBeforeAnEchoAsync();
    }
}
