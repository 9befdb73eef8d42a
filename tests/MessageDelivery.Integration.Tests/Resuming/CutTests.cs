using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Resuming;

/// <summary>A conversation cut at every byte goes on where it was: nothing lost, doubled or moved.</summary>
public sealed class CutTests
{
    private static Task<RunningHub> StartAsync() => RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_client_sends_cut_at_every_byte(bool reset)
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection receiver = await hub.BinaryAsync();
        byte[][] conversation =
        [
            Frames.Relay(1, "one"u8.ToArray(), 11),
            Frames.Echo([1, 2, 3]),
            Frames.Relay(1, "two"u8.ToArray()),
            Frames.Relay([], [9], 12),
            Frames.Relay([], [9]),
            Frames.Relay([1, 999_999], "three"u8.ToArray(), 13),
            Frames.Heartbeat,
            Frames.Relay(1, [], 14),
        ];
        byte[] bytes = Frames.Join(conversation);
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            await using ResumingPeer sender = await hub.ResumingAsync();
            foreach (byte[] relay in conversation.Where(f => f[0] == (byte)FrameType.Relay))
            {
                sender.Note(relay);
            }

            await sender.Connection.SendAsync(bytes.AsMemory(0, cut), RawConnection.Patience);
            await sender.LoseAsync(reset);

            await sender.ResumeAsync();

            await ExpectCountedAsync(
                sender,
                [Frames.Receipt(11, Outcome.Accepted), [12], Frames.Receipt(13, Outcome.Accepted, Outcome.Unknown),
                    Frames.Receipt(14, Outcome.Accepted)]);
            foreach (string body in new[] { "one", "two", "three", "" })
            {
                await receiver.ExpectAsync(Frames.Delivery(sender.UserId, Frames.Utf8(body)));
            }

            await sender.Connection.SendAsync(Frames.Goodbye);
            await sender.ExpectGoodbyeAsync(ProtocolCode.Normal);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_client_receives_cut_at_every_byte(bool reset)
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        bool all = false;
        for (int cut = 0; !all; cut++)
        {
            await using ResumingPeer peer = await hub.ResumingAsync();
            ulong self = peer.UserId;
            await other.SendAsync(Frames.Relay(self, "before"u8.ToArray(), 1));
            await other.ExpectAsync(Frames.Receipt(1, Outcome.Accepted));
            await peer.SendAsync(
                Frames.Relay(self, "one"u8.ToArray(), 21),
                Frames.Echo([1, 2, 3]),
                Frames.Relay([], [], 22),
                Frames.Relay([], []),
                Frames.Relay([999_999, self], [], 23),
                Frames.Identity);
            byte[][] counted =
            [
                Frames.Delivery(1, "before"u8.ToArray()),
                Frames.Delivery(self, "one"u8.ToArray()),
                Frames.Receipt(21, Outcome.Accepted),
                [22],
                Frames.Delivery(self, []),
                Frames.Receipt(23, Outcome.Unknown, Outcome.Accepted),
            ];
            peer.TakeFrames(await peer.Connection.ReadAsync(cut));
            all = peer.Received == (ulong)counted.Length;
            await peer.LoseAsync(reset);

            await peer.ResumeAsync();

            await ExpectCountedAsync(peer, counted[(int)peer.Received..]);
            await peer.Connection.SendAsync(Frames.Goodbye);
            await peer.ExpectGoodbyeAsync(ProtocolCode.Normal);
        }
    }

    [Fact]
    public async Task A_conversation_cut_again_and_again_at_any_byte()
    {
        const int Rounds = 100;
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        var chance = new Random(4);
        var received = new List<Frame>();
        for (int round = 0; round < Rounds; round++)
        {
            byte[] relay = peer.Note(Frames.Relay(1, Frames.Number((ulong)round), (ulong)round));
            await other.SendAsync(Frames.Relay(2, Frames.Number((ulong)round)));
            await peer.Connection.SendAsync(relay.AsMemory(0, chance.Next(relay.Length + 1)), RawConnection.Patience);
            received.AddRange(peer.TakeFrames(await peer.Connection.TakeReceivedAsync()));
            await peer.LoseAsync(chance.Next(2) == 0);
            await peer.ResumeAsync();
            if (chance.Next(3) == 0)
            {
                await peer.AckAsync();
            }
        }

        while (peer.Received < 2 * Rounds)
        {
            received.Add(await peer.FrameAsync());
        }

        await peer.ExpectNothingBeforeAnEchoAsync();
        Assert.Equal(
            Enumerable.Range(0, Rounds).Select(i => (ulong)i),
            received.Where(f => f.Type == FrameType.Delivery).Select(f => f.Number(8)));
        Assert.Equal(
            Enumerable.Range(0, Rounds).Select(i => (ulong?)i),
            received.Where(f => f.Type == FrameType.Receipt).Select(f => f.Correlation));
        Assert.Equal(2 * Rounds, received.Count);
        for (ulong i = 0; i < Rounds; i++)
        {
            await other.ExpectAsync(Frames.Delivery(2, Frames.Number(i)));
        }
    }

    [Fact]
    public async Task The_largest_bodies_in_flight_both_ways()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        byte[][] bodies = [.. Enumerable.Range(0, 4).Select(i => Frames.Pattern(Frames.MaxBodyBytes, i))];
        foreach (int cut in new[] { 0, 15, 16, 17, 65_536, 262_143, 524_288, 1_048_591 })
        {
            // Towards the peer: one read whole, one cut, one not begun.
            foreach ((int i, byte[] body) in bodies[..3].Index())
            {
                await other.SendAsync(Frames.Relay(2, body, (ulong)i));
                await other.ExpectAsync(Frames.Receipt((ulong)i, Outcome.Accepted));
            }

            await peer.ExpectAsync(Frames.Delivery(1, bodies[0]));
            Assert.Empty(peer.TakeFrames(await peer.Connection.ReadAsync(cut)));

            // From the peer: cut at the same byte.
            byte[] relay = peer.Note(Frames.Relay(1, bodies[3], 7));
            await peer.Connection.SendAsync(relay.AsMemory(0, cut), RawConnection.Patience);
            await peer.LoseAsync();
            await peer.ResumeAsync();

            await peer.ExpectAsync(Frames.Delivery(1, bodies[1]), Frames.Delivery(1, bodies[2]), Frames.Receipt(7, Outcome.Accepted));
            await other.ExpectAsync(Frames.Delivery(2, bodies[3]));
            await peer.AckAsync();
            await peer.ExpectNothingBeforeAnEchoAsync();
        }
    }

    // A marker is a single byte: the ERROR that stands for the receipt with this correlation. A plain ERROR may come again,
    // because the relay that it answers may have been sent again.
    private static async Task ExpectCountedAsync(ResumingPeer peer, byte[][] counted)
    {
        foreach (byte[] expected in counted)
        {
            Frame frame = await peer.FrameAsync();
            if (frame is { Type: FrameType.Error, Flags: 0 })
            {
                frame = await peer.FrameAsync();
            }

            if (expected.Length == 1)
            {
                Assert.Equal(
                    (FrameType.Error, ProtocolCode.InvalidReceivers, (ulong?)expected[0]), (frame.Type, frame.Code, frame.Correlation));
            }
            else
            {
                Assert.Equal(Convert.ToHexString(expected), Convert.ToHexString(frame.Bytes));
            }
        }

        await peer.ExpectNothingBeforeAnEchoAsync();
    }
}
