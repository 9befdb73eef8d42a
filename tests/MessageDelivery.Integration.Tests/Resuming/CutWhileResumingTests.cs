using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Resuming;

/// <summary>A connection lost while it resumes costs nothing either.</summary>
public sealed class CutWhileResumingTests
{
    private static Task<RunningHub> StartAsync() => RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });

    [Fact]
    public async Task After_each_byte_of_hello()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await peer.LoseAsync();
        await other.SendAsync(Frames.Relay(2, [7]));
        int length = Frames.HelloResume(peer.Key, 0).Length;
        for (int cut = 0; cut < length; cut++)
        {
            await peer.ConnectAsync();
            await peer.Connection.SendAsync(Frames.HelloResume(peer.Key, 0)[..cut]);
            await peer.LoseAsync(reset: cut % 2 == 0);
        }

        await peer.ResumeAsync();
        await peer.ExpectAsync(Frames.Delivery(1, [7]));
        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task A_hello_that_comes_byte_by_byte_resumes()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await other.SendAsync(Frames.Relay(2, [7]));
        await peer.LoseAsync();
        await peer.ConnectAsync();
        await peer.Connection.SendByteByByteAsync(Frames.HelloResume(peer.Key, 0));

        peer.TakeWelcome(await peer.Connection.FrameAsync(FrameType.Welcome), resumed: true);
        await peer.ExpectAsync(Frames.Delivery(1, [7]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task After_each_byte_of_welcome_and_of_what_is_sent_again(bool reset)
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        byte[] first = Frames.Delivery(1, [7]);
        byte[] second = Frames.Delivery(1, [8, 9]);
        await other.SendAsync(Frames.Relay(2, [7]), Frames.Relay(2, [8, 9], 1));
        await other.ExpectAsync(Frames.Receipt(1, Outcome.Accepted));
        await peer.LoseAsync();

        // The client that has not read its WELCOME knows only the old key, which is good until the hub hears from it again.
        for (int cut = 0; cut <= ResumingPeer.WelcomeBytes + first.Length + second.Length; cut++)
        {
            RawConnection connection = await peer.ConnectAsync();
            await connection.SendAsync(Frames.HelloResume(peer.Key, 0));
            byte[] bytes = await connection.ReadAsync(cut);
            Assert.True(cut < 2 || bytes[1] == 3, $"Cut at {cut}: not resumed");
            if (cut >= ResumingPeer.WelcomeBytes)
            {
                byte[] expected = Frames.Join(first, second)[..(cut - ResumingPeer.WelcomeBytes)];
                Assert.Equal(expected, bytes[ResumingPeer.WelcomeBytes..]);
            }

            await peer.LoseAsync(reset);
        }

        await peer.ResumeAsync();
        await peer.ExpectAsync(first, second);
        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task Twice_in_a_row_with_the_key_of_the_last_welcome()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        for (int round = 0; round < 20; round++)
        {
            await other.SendAsync(Frames.Relay(2, [(byte)round]));
            await peer.LoseAsync(round % 2 == 0);
            await peer.ResumeAsync();
            await peer.LoseAsync(round % 3 == 0);
            await peer.ResumeAsync();
            await peer.ExpectAsync(Frames.Delivery(1, [(byte)round]));
        }

        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task With_nothing_sent_at_all(bool away)
    {
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await peer.LoseAsync();
        if (away)
        {
            await hub.SettleAsync();
        }

        await peer.ResumeAsync();
        Assert.Equal(0UL, peer.Processed);
        await peer.ExpectNothingBeforeAnEchoAsync();
        await peer.Connection.ExpectNothingAsync();
    }

    [Fact]
    public async Task Frames_behind_a_resuming_hello_are_carried_out_after_what_was_kept()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await peer.GoAwayAsync();
        await other.SendAsync(Frames.Relay(2, [7], 1));
        await other.ExpectAsync(Frames.Receipt(1, Outcome.Held));
        await peer.ConnectAsync();
        await peer.Connection.SendAsync(
            Frames.HelloResume(peer.Key, 0), peer.Note(Frames.Relay([1, 2], [8], 5)), Frames.Identity);

        peer.TakeWelcome(await peer.Connection.FrameAsync(FrameType.Welcome), resumed: true);

        await peer.ExpectAsync(
            Frames.Delivery(1, [7]), Frames.Delivery(2, [8]), Frames.Receipt(5, Outcome.Accepted, Outcome.Accepted), Frames.IdentityReply(2));
        await other.ExpectAsync(Frames.Delivery(2, [8]));
    }

    [Fact]
    public async Task A_hello_whose_connection_is_lost_at_once_takes_the_session_over_all_the_same()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        for (int i = 0; i < 50; i++)
        {
            await peer.ConnectAsync();
            await peer.Connection.SendAsync(Frames.HelloResume(peer.Key, peer.Received));
            await peer.LoseAsync(i % 2 == 0);
            await other.SendAsync(Frames.Relay(2, [(byte)i]));
        }

        await peer.ResumeAsync();
        await peer.ExpectAsync([.. Enumerable.Range(0, 50).Select(i => Frames.Delivery(1, [(byte)i]))]);
        await peer.ExpectNothingBeforeAnEchoAsync();
    }
}
