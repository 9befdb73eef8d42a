using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Resuming;

/// <summary>Senders wait for a receiver that is connected and full, and for nobody who is away.</summary>
public sealed class WaitingTests
{
    private static Task<RunningHub> StartAsync(long retention = 8 << 20) => RunningHub.StartAsync(o => o with
    {
        Heartbeat = TimeSpan.Zero,
        QueueLimitBytes = 1 << 20,
        StallTimeout = TimeSpan.FromSeconds(10),
        ResumeWindow = TimeSpan.FromHours(1),
        ResumeRetentionBytes = retention,
    });

    [Fact]
    public async Task Who_waits_for_a_receiver_whose_connection_is_lost_is_held()
    {
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer slow = await hub.ResumingAsync(receiveBufferBytes: 16_384);
        await using RawConnection filler = await hub.BinaryAsync();
        List<byte[]> bodies = await Filling.FillAsync(filler, 1);
        await using RawConnection sender = await hub.BinaryAsync();
        await using RawConnection text = await hub.TextAsync();
        await sender.SendAsync(Frames.Relay([1, 2, 99], [1], 100), Frames.Relay(1, [2], 101));
        await filler.ExpectAsync(Frames.Delivery(3, [1]));
        await text.SendAsync("relay 1,2 foo\nidentity\n");
        await filler.ExpectAsync(Frames.Delivery(4, "foo"u8.ToArray()));
        await sender.ExpectNothingAsync();

        await slow.LoseAsync();

        await sender.ExpectAsync(Frames.Receipt(100, Outcome.Held, Outcome.Accepted, Outcome.Unknown), Frames.Receipt(101, Outcome.Held));
        await text.ExpectLinesAsync("[Server] Your ID is 4");
        await slow.ResumeAsync();
        foreach (byte[] body in bodies)
        {
            await slow.ExpectAsync(Frames.Delivery(2, body));
        }

        var rest = new List<(ulong, string)>();
        for (int i = 0; i < 3; i++)
        {
            Frame frame = await slow.FrameAsync(FrameType.Delivery);
            rest.Add((frame.Sender, Convert.ToHexString(frame.Body)));
        }

        Assert.Equal([(3UL, "01"), (3UL, "02")], rest.Where(r => r.Item1 == 3));
        Assert.Contains((4UL, "666F6F"), rest);
        await slow.AckAsync();
        await slow.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task Who_waits_with_more_than_the_retention_limit_is_full_and_the_session_ends()
    {
        await using RunningHub hub = await StartAsync(retention: 1_000);
        await using ResumingPeer slow = await hub.ResumingAsync(receiveBufferBytes: 16_384);
        await using RawConnection filler = await hub.BinaryAsync();
        await Filling.FillAsync(filler, 1);
        await using RawConnection sender = await hub.BinaryAsync();
        await sender.SendAsync(Frames.Relay([2, 1], new byte[5_000], 100), Frames.Relay(1, [2], 101));
        await filler.ExpectAsync(Frames.Delivery(3, new byte[5_000]));

        await slow.LoseAsync();

        await sender.ExpectAsync(Frames.Receipt(100, Outcome.Accepted, Outcome.Full), Frames.Receipt(101, Outcome.Unknown));
        await RunningHub.ExpectListAsync(sender, 2UL);
        await slow.ResumeInVainAsync();
    }

    [Fact]
    public async Task Who_waits_for_a_receiver_that_says_goodbye_is_unknown()
    {
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer slow = await hub.ResumingAsync(receiveBufferBytes: 16_384);
        await using RawConnection filler = await hub.BinaryAsync();
        List<byte[]> bodies = await Filling.FillAsync(filler, 1);
        await using RawConnection sender = await hub.BinaryAsync();
        await sender.SendAsync(Frames.Relay([1, 2], [1], 100));
        await filler.ExpectAsync(Frames.Delivery(3, [1]));

        await slow.Connection.SendAsync(Frames.Goodbye);

        await sender.ExpectAsync(Frames.Receipt(100, Outcome.Unknown, Outcome.Accepted));
        Assert.NotEmpty(bodies);
    }

    [Fact]
    public async Task Who_reads_and_does_not_acknowledge_makes_its_senders_wait_and_is_a_slow_consumer()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        await using ResumingPeer silent = await hub.ResumingAsync();
        List<byte[]> bodies = await FillReaderAsync(sender, silent);
        await sender.SendAsync(Frames.Relay(2, [1], 100), Frames.Relay(2, [2], 101));
        await sender.ExpectNothingAsync();

        await hub.AdvanceUntilAsync(
            sender.ExpectAsync(Frames.Receipt(100, Outcome.Held), Frames.Receipt(101, Outcome.Held)), TimeSpan.FromSeconds(1));

        await RunningHub.ExpectListAsync(sender, 2UL);
        byte[] rest = await silent.Connection.ReadToEndAsync();
        Assert.True(
            rest.Length == 0 || (rest[0] == (byte)FrameType.GoodbyeReply && rest[2] == (byte)ProtocolCode.SlowConsumer),
            RawConnection.Show(rest));
        Assert.Equal((ulong)bodies.Count, silent.Received);
        await silent.ResumeAsync();
        await silent.ExpectAsync(Frames.Delivery(1, [1]), Frames.Delivery(1, [2]));
        await silent.AckAsync();
        await silent.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task An_ack_lets_the_senders_go_on()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        for (int round = 0; round < 3; round++)
        {
            await FillReaderAsync(sender, peer);
            await sender.SendAsync(Frames.Relay(2, [1], 100), Frames.Echo([5]));
            await sender.ExpectNothingAsync();

            await peer.AckAsync();

            await sender.ExpectAsync(Frames.Receipt(100, Outcome.Accepted), Frames.EchoReply([5]));
            await peer.ExpectAsync(Frames.Delivery(1, [1]));
            await peer.AckAsync();
            await peer.ExpectNothingBeforeAnEchoAsync();
        }
    }

    [Fact]
    public async Task The_total_of_a_resuming_hello_lets_the_senders_go_on()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await using RawConnection old = peer.Connection;
        await FillReaderAsync(sender, peer);
        await sender.SendAsync(Frames.Relay(2, [1], 100));
        await sender.ExpectNothingAsync();

        await peer.ResumeAsync();

        await peer.ExpectAsync(Frames.Delivery(1, [1]));
        Frame receipt = await sender.FrameAsync(FrameType.Receipt);
        Assert.True(receipt is { Correlation: 100, Outcomes: [Outcome.Accepted or Outcome.Held] }, receipt.ToString());
    }

    [Fact]
    public async Task Who_acknowledges_now_and_then_is_not_cut()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        List<byte[]> bodies = await FillReaderAsync(sender, peer);
        await sender.SendAsync(Frames.Relay(2, Frames.Pattern(Frames.MaxBodyBytes), 100));
        for (int acknowledged = 1; acknowledged <= bodies.Count; acknowledged++)
        {
            await hub.SettleAsync();
            await hub.PassAsync(TimeSpan.FromSeconds(6), 2);
            await peer.AckAsync((ulong)acknowledged);
        }

        await sender.ExpectAsync(Frames.Receipt(100, Outcome.Accepted));
        await peer.ExpectAsync(Frames.Delivery(1, Frames.Pattern(Frames.MaxBodyBytes)));
        await peer.AckAsync();
        await peer.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task A_slow_consumer_can_resume()
    {
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer slow = await hub.ResumingAsync(receiveBufferBytes: 16_384);
        await using RawConnection filler = await hub.BinaryAsync();
        List<byte[]> bodies = await Filling.FillAsync(filler, 1);
        await using RawConnection sender = await hub.BinaryAsync();
        await sender.SendAsync(Frames.Relay([1, 2], [1], 100));
        await filler.ExpectAsync(Frames.Delivery(3, [1]));
        await hub.SettleAsync();

        await hub.AdvanceUntilAsync(
            sender.ExpectAsync(Frames.Receipt(100, Outcome.Held, Outcome.Accepted)), TimeSpan.FromSeconds(1));

        await RunningHub.ExpectListAsync(sender, 1UL, 2UL);
        await slow.ResumeAsync();
        foreach (byte[] body in bodies)
        {
            await slow.ExpectAsync(Frames.Delivery(2, body));
            await slow.AckAsync();
        }

        await slow.ExpectAsync(Frames.Delivery(3, [1]));
        await slow.ExpectNothingBeforeAnEchoAsync();
    }

    [Fact]
    public async Task A_relay_that_waits_is_carried_out_once_though_its_senders_connection_is_lost()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection slow = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        await using RawConnection filler = await hub.BinaryAsync();
        List<byte[]> bodies = await Filling.FillAsync(filler, 1);
        await using ResumingPeer sender = await hub.ResumingAsync();
        await sender.SendAsync(Frames.Relay([2, 1], [1], 100), Frames.Relay([2, 1], [2], 101), Frames.Relay(2, [3], 102));
        await filler.ExpectAsync(Frames.Delivery(3, [1]));
        await sender.GoAwayAsync();

        await sender.ResumeAsync();

        // The first is under way and the hub's own; the others were not looked at.
        Assert.Equal(1UL, sender.Processed);
        await slow.ExpectAsync([.. bodies.Select(b => Frames.Delivery(2, b))]);
        await slow.ExpectAsync(Frames.Delivery(3, [1]), Frames.Delivery(3, [2]));
        await filler.ExpectAsync(Frames.Delivery(3, [2]), Frames.Delivery(3, [3]));
        await sender.ExpectAsync(
            Frames.Receipt(100, Outcome.Accepted, Outcome.Accepted),
            Frames.Receipt(101, Outcome.Accepted, Outcome.Accepted),
            Frames.Receipt(102, Outcome.Accepted));
        await sender.ExpectNothingBeforeAnEchoAsync();
        await slow.ExpectNothingAsync();
    }

    [Fact]
    public async Task A_relay_that_waits_goes_through_while_its_sender_is_away()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection slow = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        await using RawConnection filler = await hub.BinaryAsync();
        List<byte[]> bodies = await Filling.FillAsync(filler, 1);
        await using ResumingPeer sender = await hub.ResumingAsync();
        await sender.SendAsync(Frames.Relay([2, 1], [1], 100));
        await filler.ExpectAsync(Frames.Delivery(3, [1]));
        await sender.GoAwayAsync();
        await slow.ExpectAsync([.. bodies.Select(b => Frames.Delivery(2, b))]);
        await slow.ExpectAsync(Frames.Delivery(3, [1]));
        await hub.SettleAsync();

        await sender.ResumeAsync();

        Assert.Equal(1UL, sender.Processed);
        await sender.ExpectAsync(Frames.Receipt(100, Outcome.Accepted, Outcome.Accepted));
        await slow.ExpectNothingAsync();
    }

    [Fact]
    public async Task A_relay_that_waits_survives_the_loss_of_both_connections()
    {
        await using RunningHub hub = await StartAsync();
        await using ResumingPeer slow = await hub.ResumingAsync(receiveBufferBytes: 16_384);
        await using RawConnection filler = await hub.BinaryAsync();
        List<byte[]> bodies = await Filling.FillAsync(filler, 1);
        await using ResumingPeer sender = await hub.ResumingAsync();
        await sender.SendAsync(Frames.Relay([2, 1], [1], 100));
        await filler.ExpectAsync(Frames.Delivery(3, [1]));
        await sender.LoseAsync();
        await slow.LoseAsync();
        await slow.ResumeAsync();
        foreach (byte[] body in bodies)
        {
            await slow.ExpectAsync(Frames.Delivery(2, body));
            await slow.AckAsync();
        }

        // The relay that waited was the hub's own from the moment it was under way.
        await slow.ExpectAsync(Frames.Delivery(3, [1]));
        await slow.ExpectNothingBeforeAnEchoAsync();
        await sender.ResumeAsync();
        Assert.Equal((1UL, (ulong?)100), (sender.Processed, (await sender.FrameAsync(FrameType.Receipt)).Correlation));
        await sender.ExpectNothingBeforeAnEchoAsync();
    }

    // Relays BEST_EFFORT until the receiver, which reads all and acknowledges nothing, is full.
    private static async Task<List<byte[]>> FillReaderAsync(RawConnection sender, ResumingPeer reader)
    {
        var accepted = new List<byte[]>();
        for (int i = 0; ; i++)
        {
            Assert.True(i < 100, "A receiver that acknowledges nothing is never full.");
            byte[] body = Frames.Pattern(Filling.BodyBytes, i);
            await sender.SendAsync(Frames.Relay(reader.UserId, body, (ulong)i, RelayFlags.BestEffort));
            Frame receipt = await sender.FrameAsync(FrameType.Receipt);
            if (receipt.Outcomes is [Outcome.Full])
            {
                Assert.InRange(accepted.Count, 4, 5);
                return accepted;
            }

            Assert.Equal([Outcome.Accepted], receipt.Outcomes);
            accepted.Add(body);
            await reader.ExpectAsync(Frames.Delivery(sender.UserId, body));
        }
    }
}
