using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Resuming;

/// <summary>What a client says it has received: the hub lets go of that, keeps the rest, and believes nothing impossible.</summary>
public sealed class TotalTests
{
    private static Task<RunningHub> StartAsync() => RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });

    [Fact]
    public async Task What_was_acknowledged_is_not_sent_again_and_the_rest_is()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await other.SendAsync([.. Enumerable.Range(0, 10).Select(i => Frames.Relay(2, [(byte)i]))]);
        await peer.ExpectAsync([.. Enumerable.Range(0, 7).Select(i => Frames.Delivery(1, [(byte)i]))]);
        await peer.AckAsync(4);
        await peer.LoseAsync();

        await peer.ResumeAsync();

        await peer.ExpectAsync([.. Enumerable.Range(7, 3).Select(i => Frames.Delivery(1, [(byte)i]))]);
        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task A_total_in_hello_below_what_was_received_but_not_below_the_ack_is_believed()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await other.SendAsync([.. Enumerable.Range(0, 5).Select(i => Frames.Relay(2, [(byte)i]))]);
        await peer.ExpectAsync([.. Enumerable.Range(0, 5).Select(i => Frames.Delivery(1, [(byte)i]))]);
        await peer.AckAsync(2);
        await peer.ExpectNothingBeforeAnEchoAsync();

        await using RawConnection again = await hub.ConnectAsync();
        await again.SendAsync(Frames.HelloResume(peer.Key, 2));

        Assert.Equal(3, (await again.FrameAsync(FrameType.Welcome)).Flags);
        await again.ExpectAsync([.. Enumerable.Range(2, 3).Select(i => Frames.Delivery(1, [(byte)i]))]);
    }

    [Fact]
    public async Task A_smaller_total_than_before_is_ignored()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await other.SendAsync([.. Enumerable.Range(0, 5).Select(i => Frames.Relay(2, [(byte)i]))]);
        await peer.ExpectAsync([.. Enumerable.Range(0, 5).Select(i => Frames.Delivery(1, [(byte)i]))]);
        await peer.AckAsync(4);
        await peer.AckAsync(0);
        await peer.AckAsync(3);
        await peer.AckAsync(4);
        await peer.AckAsync(4);
        await peer.ExpectNothingBeforeAnEchoAsync();
        await peer.LoseAsync();
        await peer.ConnectAsync();
        await peer.Connection.SendAsync(Frames.HelloResume(peer.Key, 4));

        peer.TakeWelcome(await peer.Connection.FrameAsync(FrameType.Welcome), resumed: true);
        await peer.ExpectAsync(Frames.Delivery(1, [4]));
    }

    [Theory]
    [InlineData(3, 4UL)]
    [InlineData(0, 1UL)]
    [InlineData(3, ulong.MaxValue)]
    [InlineData(3, 1UL << 63)]
    public async Task A_larger_ack_than_was_sent_closes_the_connection_and_the_session_stays(int sent, ulong total)
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        byte[][] deliveries = [.. Enumerable.Range(0, sent).Select(i => Frames.Delivery(1, [(byte)i]))];
        await other.SendAsync([.. Enumerable.Range(0, sent).Select(i => Frames.Relay(2, [(byte)i]))]);
        await peer.ExpectAsync(deliveries);
        await peer.AckAsync(total);
        await peer.ExpectGoodbyeAsync(ProtocolCode.ProtocolError);
        await RunningHub.ExpectListAsync(other, 2UL);
        await other.SendAsync(Frames.Relay(2, [9], 9));
        await other.ExpectAsync(Frames.Receipt(9, Outcome.Held));

        await peer.ConnectAsync();
        await peer.Connection.SendAsync(Frames.HelloResume(peer.Key, 0));

        peer.TakeWelcome(await peer.Connection.FrameAsync(FrameType.Welcome), resumed: true);
        await peer.ExpectAsync([.. deliveries, Frames.Delivery(1, [9])]);
    }

    [Theory]
    [InlineData(2UL)]
    [InlineData(ulong.MaxValue)]
    public async Task A_larger_total_in_hello_closes_that_connection_and_the_session_stays(ulong total)
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await other.SendAsync(Frames.Relay(2, [1]));
        await peer.ExpectAsync(Frames.Delivery(1, [1]));
        await peer.GoAwayAsync();
        await using RawConnection wrong = await hub.ConnectAsync();
        await wrong.SendAsync(Frames.HelloResume(peer.Key, total), Frames.Identity);

        await wrong.ExpectGoodbyeAsync(ProtocolCode.ProtocolError);
        await wrong.ExpectClosedAsync();

        await RunningHub.ExpectListAsync(other, 2UL);
        await peer.ResumeAsync();
        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task A_larger_total_in_hello_takes_nothing_from_the_connection_that_stands()
    {
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await using RawConnection wrong = await hub.ConnectAsync();
        await wrong.SendAsync(Frames.HelloResume(peer.Key, 1));
        await wrong.ExpectGoodbyeAsync(ProtocolCode.ProtocolError);
        await wrong.ExpectClosedAsync();

        await peer.ExpectNothingBeforeAnEchoAsync();
        await peer.LoseAsync();
        await peer.ResumeAsync();
        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task What_is_kept_for_a_user_who_is_away_was_not_sent()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await peer.GoAwayAsync();
        await other.SendAsync(Frames.Relay(2, [1], 1));
        await other.ExpectAsync(Frames.Receipt(1, Outcome.Held));
        await using RawConnection wrong = await hub.ConnectAsync();
        await wrong.SendAsync(Frames.HelloResume(peer.Key, 1));

        await wrong.ExpectGoodbyeAsync(ProtocolCode.ProtocolError);

        await peer.ResumeAsync();
        await peer.ExpectAsync(Frames.Delivery(1, [1]));
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(1UL)]
    [InlineData(77UL)]
    public async Task An_ack_on_a_session_that_is_not_resumable_is_unsupported(ulong total)
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection client = await hub.BinaryAsync();
        await client.SendAsync(Frames.Ack(total), Frames.Identity);

        await client.ExpectErrorAsync(ProtocolCode.Unsupported);
        await client.ExpectAsync(Frames.IdentityReply(1));
    }

    [Fact]
    public async Task An_ack_with_undefined_flags_or_arg_is_unsupported_and_lets_go_of_nothing()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await other.SendAsync(Frames.Relay(2, [1]));
        await peer.ExpectAsync(Frames.Delivery(1, [1]));
        await peer.Connection.SendAsync(
            Frames.Build(FrameType.Ack, 1, 0, Frames.Number(1)), Frames.Build(FrameType.Ack, 0, 1, Frames.Number(1)));
        await peer.ExpectErrorAsync(ProtocolCode.Unsupported);
        await peer.ExpectErrorAsync(ProtocolCode.Unsupported);
        await peer.LoseAsync();
        await peer.ConnectAsync();
        await peer.Connection.SendAsync(Frames.HelloResume(peer.Key, 0));

        peer.TakeWelcome(await peer.Connection.FrameAsync(FrameType.Welcome), resumed: true);
        await peer.ExpectAsync(Frames.Delivery(1, [1]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    [InlineData(7)]
    public async Task An_ack_too_short_is_an_error_and_lets_go_of_nothing(int length)
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await other.SendAsync(Frames.Relay(2, [1]));
        await peer.ExpectAsync(Frames.Delivery(1, [1]));
        await peer.Connection.SendAsync(Frames.Build(FrameType.Ack, 0, 0, Frames.Number(1)[..length]));
        Frame error = await peer.FrameAsync(FrameType.Error);
        Assert.Null(error.Correlation);
        await peer.ExpectNothingBeforeAnEchoAsync();
        await peer.LoseAsync();
        await peer.ConnectAsync();
        await peer.Connection.SendAsync(Frames.HelloResume(peer.Key, 0));

        peer.TakeWelcome(await peer.Connection.FrameAsync(FrameType.Welcome), resumed: true);
        await peer.ExpectAsync(Frames.Delivery(1, [1]));
    }
}
