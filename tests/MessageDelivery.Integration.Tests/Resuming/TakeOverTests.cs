using System.Net.Sockets;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Resuming;

/// <summary>A session has one connection: who resumes takes it from whoever has it.</summary>
public sealed class TakeOverTests
{
    private static Task<RunningHub> StartAsync() => RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });

    [Fact]
    public async Task The_connection_that_stands_gets_taken_over()
    {
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await using RawConnection old = peer.Connection;

        await peer.ResumeAsync();

        await old.ExpectGoodbyeAsync(ProtocolCode.TakenOver);
        await old.ExpectClosedAsync();
        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task What_the_old_connection_sends_afterwards_has_no_effect()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await using RawConnection old = peer.Connection;
        await peer.RelayAsync(1, [1], 1);
        await peer.ExpectAsync(Frames.Receipt(1, Outcome.Accepted));
        await peer.ResumeAsync();

        await TrySendAsync(old, Frames.Relay(1, [66], 66), Frames.Ack(1), Frames.Ack(77), Frames.Goodbye);
        await old.ExpectGoodbyeAsync(ProtocolCode.TakenOver);
        await old.ReadToEndAsync();
        await hub.SettleAsync();

        await peer.RelayAsync(1, [2], 2);
        await peer.ExpectAsync(Frames.Receipt(2, Outcome.Accepted));
        await other.ExpectAsync(Frames.Delivery(2, [1]), Frames.Delivery(2, [2]));
        await peer.LoseAsync();
        await peer.ResumeAsync();
        Assert.Equal(2UL, peer.Processed);
    }

    [Fact]
    public async Task A_frame_cut_by_the_takeover_is_not_carried_out()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await using RawConnection old = peer.Connection;
        byte[] relay = peer.Note(Frames.Relay(1, [1, 2, 3, 4], 1));
        await old.SendAsync(relay[..^2]);
        await hub.SettleAsync();

        await peer.ResumeAsync();
        Assert.Equal(0UL, peer.Processed);
        await TrySendAsync(old, relay[^2..]);

        await peer.ExpectAsync(Frames.Receipt(1, Outcome.Accepted));
        await other.ExpectAsync(Frames.Delivery(2, [1, 2, 3, 4]));
        await other.ExpectNothingAsync();
    }

    [Fact]
    public async Task What_the_old_connection_had_not_read_comes_on_the_new_one()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync(receiveBufferBytes: 16_384);
        await using RawConnection halfOpen = peer.Connection;
        byte[][] bodies = [.. Enumerable.Range(0, 8).Select(i => Frames.Pattern(Frames.MaxBodyBytes, i))];
        foreach ((int i, byte[] body) in bodies.Index())
        {
            await other.SendAsync(Frames.Relay(2, body, (ulong)i));
            await other.ExpectAsync(Frames.Receipt((ulong)i, Outcome.Accepted));
        }

        // The old connection is stuck: its client is gone and nothing has told the hub.
        await peer.ResumeAsync();
        foreach (byte[] body in bodies)
        {
            await peer.ExpectAsync(Frames.Delivery(1, body));
        }

        await peer.AckAsync();
        await peer.ExpectNothingBeforeAnEchoAsync();

        // Whatever the old connection still gets is true as far as it goes: a GOODBYE only at a frame's boundary.
        Task<byte[]> reading = halfOpen.ReadToEndAsync();
        await hub.AdvanceUntilAsync(reading, TimeSpan.FromSeconds(1));
        byte[] rest = await reading;
        byte[] all = Frames.Join([.. bodies.Select(b => Frames.Delivery(1, b))]);
        int same = rest.AsSpan().CommonPrefixLength(all);
        Assert.True(
            same == rest.Length || (LastFrame(rest) == same && rest[same] == (byte)FrameType.GoodbyeReply && rest[same + 2] == (byte)ProtocolCode.TakenOver),
            $"After {same} bytes: {RawConnection.Show(rest.AsSpan(same))}");
    }

    [Fact]
    public async Task Where_every_connection_is_taken_one_that_was_lost_has_left_its_place()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero, MaxConnections = 1 });
        await using ResumingPeer peer = await hub.ResumingAsync();
        for (int i = 0; i < 5; i++)
        {
            await peer.LoseAsync();
            await hub.EventuallyAsync(async () =>
            {
                RawConnection connection = await peer.ConnectAsync();
                await connection.SendAsync(Frames.HelloResume(peer.Key, 0));
                Frame answer = await connection.FrameAsync();
                if (answer.Type == FrameType.GoodbyeReply)
                {
                    Assert.Equal(ProtocolCode.TooManyConnections, answer.Code);
                    return false;
                }

                peer.TakeWelcome(answer, resumed: true);
                return true;
            });
            await peer.ExpectNothingBeforeAnEchoAsync();
        }
    }

    [Fact]
    public async Task A_sender_that_waits_for_room_finds_it_on_the_new_connection()
    {
        await using RunningHub hub = await RunningHub.StartAsync(
            o => o with { Heartbeat = TimeSpan.Zero, QueueLimitBytes = 1 << 20 });
        await using ResumingPeer peer = await hub.ResumingAsync(receiveBufferBytes: 16_384);
        await using RawConnection halfOpen = peer.Connection;
        await using RawConnection filler = await hub.BinaryAsync();
        List<byte[]> bodies = await Filling.FillAsync(filler, 1);
        await using RawConnection sender = await hub.BinaryAsync();
        await sender.SendAsync(Frames.Relay([1, 2], [1], 100), Frames.Relay(1, [2], 101));
        await filler.ExpectAsync(Frames.Delivery(3, [1]));

        await peer.ResumeAsync();
        foreach (byte[] body in bodies)
        {
            await peer.ExpectAsync(Frames.Delivery(2, body));
            await peer.AckAsync();
        }

        await peer.ExpectAsync(Frames.Delivery(3, [1]), Frames.Delivery(3, [2]));

        // Between its connections the user may count as away for a moment.
        Frame[] receipts = [await sender.FrameAsync(FrameType.Receipt), await sender.FrameAsync(FrameType.Receipt)];
        Assert.True(receipts[0] is { Correlation: 100, Outcomes: [Outcome.Accepted or Outcome.Held, Outcome.Accepted] }, receipts[0].ToString());
        Assert.True(receipts[1] is { Correlation: 101, Outcomes: [Outcome.Accepted or Outcome.Held] }, receipts[1].ToString());
    }

    [Fact]
    public async Task A_sender_that_waits_with_more_than_the_retention_limit_does_not_end_a_session_that_was_never_away()
    {
        await using RunningHub hub = await RunningHub.StartAsync(
            o => o with { Heartbeat = TimeSpan.Zero, QueueLimitBytes = 1 << 20, ResumeRetentionBytes = 1_000 });
        await using ResumingPeer peer = await hub.ResumingAsync(receiveBufferBytes: 16_384);
        await using RawConnection halfOpen = peer.Connection;
        await using RawConnection filler = await hub.BinaryAsync();
        List<byte[]> bodies = await Filling.FillAsync(filler, 1);
        await using RawConnection sender = await hub.BinaryAsync();
        await sender.SendAsync(Frames.Relay([1, 2], Frames.Pattern(5_000), 100));
        await filler.ExpectAsync(Frames.Delivery(3, Frames.Pattern(5_000)));
        await sender.ExpectNothingAsync();

        await peer.ResumeAsync();

        foreach (byte[] body in bodies)
        {
            await peer.ExpectAsync(Frames.Delivery(2, body));
            await peer.AckAsync();
        }

        await peer.ExpectAsync(Frames.Delivery(3, Frames.Pattern(5_000)));
        await peer.ExpectNothingBeforeAnEchoAsync();
        Frame receipt = await sender.FrameAsync(FrameType.Receipt);
        Assert.True(receipt is { Outcomes: [Outcome.Accepted or Outcome.Held, Outcome.Accepted] }, receipt.ToString());
    }

    [Fact]
    public async Task Connections_that_take_the_session_from_each_other_in_a_row()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        var old = new List<RawConnection>();
        for (int i = 0; i < 30; i++)
        {
            old.Add(peer.Connection);
            await peer.ResumeAsync();
            await peer.RelayAsync(1, [(byte)i], (ulong)i);
        }

        foreach (RawConnection connection in old)
        {
            byte[] rest = await connection.ReadToEndAsync();
            byte[] goodbye = rest[^(rest.Length - LastFrame(rest))..];
            Assert.Equal(((byte)FrameType.GoodbyeReply, (byte)ProtocolCode.TakenOver), (goodbye[0], goodbye[2]));
            await connection.DisposeAsync();
        }

        await other.ExpectAsync([.. Enumerable.Range(0, 30).Select(i => Frames.Delivery(2, [(byte)i]))]);
        while (peer.Received < 30)
        {
            Frame receipt = await peer.FrameAsync(FrameType.Receipt);
            Assert.Equal(peer.Received - 1, receipt.Correlation);
        }

        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task Two_that_resume_at_the_same_time_leave_one()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero, EventLoops = 2 });
        await using RawConnection other = await hub.BinaryAsync();
        for (int round = 0; round < 20; round++)
        {
            await using ResumingPeer peer = await hub.ResumingAsync();
            await using RawConnection first = peer.Connection;
            await using RawConnection a = await hub.ConnectAsync();
            await using RawConnection b = await hub.ConnectAsync();
            await Task.WhenAll(a.SendAsync(Frames.HelloResume(peer.Key, 0)), b.SendAsync(Frames.HelloResume(peer.Key, 0)));
            await first.ExpectGoodbyeAsync(ProtocolCode.TakenOver);
            await hub.SettleAsync();
            await other.SendAsync(Frames.Relay(peer.UserId, [7]));

            // One of the two has lost the session to the other, before or after its WELCOME.
            FrameType[] ends = await Task.WhenAll(EndAsync(a), EndAsync(b));
            Assert.Equal([FrameType.Delivery, FrameType.GoodbyeReply], ends.Order());

            async Task<FrameType> EndAsync(RawConnection connection)
            {
                Frame frame = await connection.FrameAsync();
                if (frame.Type == FrameType.Welcome)
                {
                    Assert.Equal((3, peer.UserId), (frame.Flags, frame.Number(0)));
                    frame = await connection.FrameAsync();
                }

                Assert.True(frame.Type != FrameType.GoodbyeReply || frame.Code == ProtocolCode.TakenOver, frame.ToString());
                return frame.Type;
            }
        }
    }

    private static int LastFrame(byte[] bytes)
    {
        int at = 0;
        while (at + 8 + BitConverter.ToInt32(bytes, at + 4) < bytes.Length)
        {
            at += 8 + BitConverter.ToInt32(bytes, at + 4);
        }

        return at;
    }

    // The hub may have closed already, which is as good.
    private static async Task TrySendAsync(RawConnection on, params byte[][] frames)
    {
        try
        {
            await on.SendAsync(frames);
        }
        catch (SocketException)
        {
        }
    }
}
