using System.Buffers.Binary;
using System.Text;
using MessageDelivery.Protocol;

namespace MessageDelivery.Client.Tests;

/// <summary>A session goes on over lost connections: nothing is lost, repeated or out of order, in either direction.</summary>
public sealed class ResumeTests
{
    private static byte[] Body(int number, int bytes)
    {
        byte[] body = new byte[4 + bytes];
        new Random(number).NextBytes(body);
        BinaryPrimitives.WriteInt32LittleEndian(body, number);
        return body;
    }

    [Fact]
    public async Task A_conversation_cut_at_each_byte_arrives_once_and_in_order()
    {
        byte[][] frames = [Frames.Delivery(5, 1), Frames.Identity(1), Frames.Delivery(6, 2, 2, 2), Frames.Delivery(5)];
        bool[] counted = [true, false, true, true];
        byte[] conversation = [.. frames.SelectMany(frame => frame)];
        for (int cut = 0; cut <= conversation.Length; cut++)
        {
            await using var hub = new ScriptedHub();
            (HubClient client, Peer peer) = await hub.ConnectResumableAsync();
            await using var _ = client;
            Task<ulong> identity = client.GetIdentityAsync().AsTask();
            await peer.ExpectAsync(FrameType.Identity);
            await peer.SendBytesAsync(conversation.AsMemory(0, cut));
            peer.EndSending();

            int whole = 0;
            for (int end = frames[0].Length; end <= cut; end += whole < frames.Length ? frames[whole].Length : int.MaxValue / 2)
            {
                whole++;
            }

            // The program has taken nothing, so that all comes again; what had come is dropped.
            Peer second = await hub.ExpectResumeAsync(0);
            await second.SendAsync(Frames.Welcome(1, key: 2, resumed: true));
            await second.SendAsync([.. frames.Where((_, i) => counted[i])]);
            if (whole < 2)
            {
                await second.ExpectAsync(FrameType.Identity);
                await second.SendAsync(Frames.Identity(1));
            }

            Assert.Equal(1UL, await identity.Soon());
            await second.SendAsync(Frames.Delivery(99));
            var senders = new List<(ulong, int)>();
            await foreach (Delivery delivery in client.ReceiveAsync())
            {
                senders.Add((delivery.Sender, delivery.Body.Length));
                delivery.Dispose();
                if (senders[^1].Item1 == 99)
                {
                    break;
                }
            }

            Assert.Equal([(5, 1), (6, 3), (5, 0), (99, 0)], senders);
        }
    }

    [Fact]
    public async Task What_the_hub_received_up_to_each_byte_is_not_sent_again_and_the_rest_is_in_order()
    {
        // RELAY, HEARTBEAT, IDENTITY, RELAY with receipt, ECHO, RELAY, HEARTBEAT, LIST: 8+8+1, 8, 8, 16+8+1, 8+3, 8+8+2, 8, 8.
        const int total = 17 + 8 + 8 + 25 + 11 + 18 + 8 + 8;
        for (int cut = 0; cut <= total; cut++)
        {
            await using var hub = new ScriptedHub();
            (HubClient client, Peer peer) = await hub.ConnectResumableAsync();
            await using var _ = client;
            await client.RelayAsync(7, new byte[] { 1 });
            Task<ulong> identity = client.GetIdentityAsync().AsTask();
            Task<Receipt> receipt = client.RelayWithReceiptAsync(7, new byte[] { 2 }).AsTask();
            Task<MessageBody> echo = client.EchoAsync(new byte[3]).AsTask();
            await client.RelayAsync(7, new byte[] { 3, 3 });
            Task<IReadOnlyList<ulong>> list = client.ListAsync().AsTask();
            byte[] read = await peer.ReadBytesAsync(cut);
            peer.Cut();

            var processed = new List<byte>();
            for (int offset = 0; offset + 8 <= read.Length;)
            {
                var header = FrameHeader.Read(read.AsSpan(offset));
                offset += 8 + (int)header.Length;
                if (offset <= read.Length && header.Type == FrameType.Relay)
                {
                    processed.Add(read[offset - 1]);
                }
            }

            Peer second = await hub.ExpectResumeAsync(0);
            await second.SendAsync(Frames.Welcome(1, key: 2, resumed: true, processed: (ulong)processed.Count));
            if (processed.Contains(2))
            {
                await second.SendAsync(Frames.Receipt(2, Outcome.Accepted));
            }

            ReceivedFrame frame;
            do
            {
                frame = await second.ReadAsync();
                switch (frame.Type)
                {
                    case FrameType.Relay:
                        processed.Add(frame.Payload[^1]);
                        if (frame.Payload[^1] == 2)
                        {
                            await second.SendAsync(Frames.Receipt(frame.U64(), Outcome.Accepted));
                        }

                        break;
                    case FrameType.Identity:
                        Assert.Contains((byte)1, processed);
                        await second.SendAsync(Frames.Identity(1));
                        break;
                    case FrameType.Echo:
                        Assert.Contains((byte)2, processed);
                        await second.SendAsync(Frames.Echo(frame.Payload));
                        break;
                    case FrameType.Heartbeat:
                        await second.SendAsync(Frames.Heartbeat());
                        break;
                    default:
                        await second.SendAsync(Frames.List(false, 7));
                        break;
                }
            }
            while (frame.Type != FrameType.List);
            Assert.Equal([1, 2, 3], processed);
            Assert.Equal(1UL, await identity.Soon());
            Assert.True((await receipt.Soon()).AllAccepted);
            (await echo.Soon()).Dispose();
            Assert.Equal([7], await list.Soon());
        }
    }

    [Fact]
    public async Task However_many_relays_the_hub_has_processed_the_others_follow_whole()
    {
        int[] sizes = [0, 10, 70_000, 65_500, 1, 200_000, 3, 65_536, 100];
        for (int processed = 0; processed <= sizes.Length; processed++)
        {
            await using var hub = new ScriptedHub();
            (HubClient client, Peer peer) = await hub.ConnectResumableAsync();
            await using var _ = client;
            for (int i = 0; i < sizes.Length; i++)
            {
                await client.RelayAsync(7, Body(i, sizes[i]));
            }

            for (int i = 0; i < sizes.Length; i++)
            {
                await peer.ExpectAsync(FrameType.Relay);
            }

            peer.Cut();
            Peer second = await hub.ExpectResumeAsync(0);
            await second.SendAsync(Frames.Welcome(1, key: 2, resumed: true, processed: (ulong)processed));
            await client.WaitUntilConnectedAsync();
            await client.RelayAsync(7, Body(sizes.Length, 0));
            for (int i = processed; i <= sizes.Length; i++)
            {
                ReceivedFrame frame = await second.ExpectAsync(FrameType.Relay);
                Assert.Equal(Body(i, i < sizes.Length ? sizes[i] : 0), frame.Payload[8..]);
            }

            // All is acknowledged: nothing is kept, and nothing sent once more.
            await second.SendAsync(Frames.Ack((ulong)sizes.Length + 1));
            await Soonness.UntilAsync(() => client.PendingSendBytes == 0);
        }
    }

    [Fact]
    public async Task A_receipt_lost_on_its_way_comes_again_and_completes_once()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync();
        await using var _ = client;
        Task<Receipt> first = client.RelayWithReceiptAsync(new ulong[] { 7, 8 }, "a"u8.ToArray()).AsTask();
        Task<Receipt> second = client.RelayWithReceiptAsync(7, "b"u8.ToArray()).AsTask();
        Task<Receipt> third = client.RelayWithReceiptAsync(7, "c"u8.ToArray()).AsTask();
        ulong[] correlations = [(await peer.ReadAsync()).U64(), (await peer.ReadAsync()).U64(), (await peer.ReadAsync()).U64()];
        await peer.SendAsync(Frames.Receipt(correlations[0], Outcome.Accepted, Outcome.Unknown));
        await peer.SendBytesAsync(Frames.Receipt(correlations[1], Outcome.Held).AsMemory(0, 10));
        peer.EndSending();

        Peer next = await hub.ExpectResumeAsync(1);
        await next.SendAsync(Frames.Welcome(1, key: 2, resumed: true, processed: 3));
        await next.SendAsync(Frames.Receipt(correlations[1], Outcome.Held), Frames.Error(ProtocolCode.Overloaded, "full", correlations[2]));
        Assert.Equal([Outcome.Accepted, Outcome.Unknown], (await first.Soon()).Entries.Select(entry => entry.Outcome));
        Assert.Equal(Outcome.Held, (await second.Soon()).Entries[0].Outcome);
        Assert.Equal(ProtocolCode.Overloaded, (await Assert.ThrowsAsync<HubRequestException>(() => third.Soon())).Code);

        // The ERROR was counted, and no relay is sent again.
        next.EndSending();
        Peer last = await hub.ExpectResumeAsync(3, key: 2);
        await last.SendAsync(Frames.Welcome(1, key: 3, resumed: true, processed: 3));
        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        await last.ExpectAsync(FrameType.Identity);
        await last.SendAsync(Frames.Identity(1));
        await identity.Soon();
    }

    [Fact]
    public async Task Each_resumption_has_a_new_key_and_the_old_one_is_used_until_a_welcome_has_come()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync();
        await using var _ = client;
        var events = new List<string>();
        client.ConnectionStateChanged += (_, change) => events.Add($"{change.OldState} {change.NewState}");
        client.SessionResumed += (_, _) => events.Add("resumed");
        client.IdentityChanged += (_, _) => events.Add("changed");
        peer.Cut();
        (await hub.ExpectResumeAsync(0, key: 1)).Cut();
        Peer cut = await hub.ExpectResumeAsync(0, key: 1);
        await cut.SendBytesAsync(Frames.Welcome(1, key: 2, resumed: true).AsMemory(0, 55));
        cut.EndSending();
        Peer second = await hub.ExpectResumeAsync(0, key: 1);
        await second.SendAsync(Frames.Welcome(1, key: 3, resumed: true));
        await client.WaitUntilConnectedAsync().Soon();
        Assert.Equal((1UL, ConnectionState.Connected), (client.UserId, client.ConnectionState));
        second.Cut();
        Peer third = await hub.ExpectResumeAsync(0, key: 3);
        await third.SendAsync(Frames.Welcome(1, key: 4, resumed: true));
        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        await third.ExpectAsync(FrameType.Identity);
        await third.SendAsync(Frames.Identity(1));
        await identity.Soon();
        await Soonness.UntilAsync(() => events.Count == 6);
        string[] once = ["Connected Reconnecting", "resumed", "Reconnecting Connected"];
        Assert.Equal([.. once, .. once], events);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(ProtocolCode.ShuttingDown)]
    [InlineData(ProtocolCode.HeartbeatTimeout)]
    [InlineData(ProtocolCode.SlowConsumer)]
    public async Task Calls_made_meanwhile_wait_for_the_welcome_and_go_behind_what_was_sent_before(ProtocolCode? code)
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync();
        await using var _ = client;
        await client.RelayAsync(7, "1"u8.ToArray());
        await peer.ExpectAsync(FrameType.Relay);
        if (code is { } known)
        {
            await peer.SendAsync(Frames.Goodbye(known));
        }

        peer.EndSending();
        Peer second = await hub.ExpectResumeAsync(0);
        Assert.Equal(ConnectionState.Reconnecting, client.ConnectionState);
        await client.RelayAsync(7, "2"u8.ToArray()).Soon();
        Task<Receipt> receipt = client.RelayWithReceiptAsync(7, "3"u8.ToArray()).AsTask();
        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        Assert.Equal(0, second.Socket.Available);
        await second.SendAsync(Frames.Welcome(1, key: 2, resumed: true));
        foreach (string text in (string[])["1", "2", "3"])
        {
            Assert.Equal(text, Encoding.UTF8.GetString((await second.ExpectAsync(FrameType.Relay)).Payload[^1..]));
        }

        await second.ExpectAsync(FrameType.Heartbeat);
        await second.ExpectAsync(FrameType.Identity);
        await second.SendAsync(Frames.Receipt(3, Outcome.Accepted), Frames.Heartbeat(), Frames.Identity(1));
        await Task.WhenAll(receipt, identity).Soon();
    }

    [Fact]
    public async Task A_list_of_which_a_part_had_come_begins_anew()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync();
        await using var _ = client;
        Task<IReadOnlyList<ulong>> list = client.ListAsync().AsTask();
        await peer.ExpectAsync(FrameType.List);
        await peer.SendAsync(Frames.List(true, 2, 3));
        peer.EndSending();
        Peer second = await hub.ExpectResumeAsync(0);
        await second.SendAsync(Frames.Welcome(1, key: 2, resumed: true));
        await second.ExpectAsync(FrameType.List);
        await second.SendAsync(Frames.List(true, 3, 4), Frames.List(false, 5));
        Assert.Equal([3, 4, 5], await list.Soon());
    }

    [Fact]
    public async Task Receipts_of_confirm_come_in_any_order()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync();
        await using var _ = client;
        Task<Receipt>[] receipts = [.. Enumerable.Range(0, 4).Select(i =>
            client.RelayWithReceiptAsync((ulong)i + 2, default, i == 1 ? RelayOptions.None : RelayOptions.Confirm).AsTask())];
        ReceivedFrame[] relays = [await peer.ReadAsync(), await peer.ReadAsync(), await peer.ReadAsync(), await peer.ReadAsync()];
        Assert.Equal([5, 1, 5, 5], relays.Select(relay => relay.Header.Flags));
        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        await peer.SendAsync(
            Frames.Receipt(relays[1].U64(), Outcome.Accepted), Frames.Receipt(relays[3].U64(), Outcome.Delivered), Frames.Identity(1),
            Frames.Receipt(relays[0].U64(), Outcome.Held));
        await identity.Soon();
        await Task.WhenAll(receipts[0], receipts[1], receipts[3]).Soon();
        Assert.False(receipts[2].IsCompleted);

        // Carried out, but not known whether delivered: it is not sent again, and its receipt still comes.
        peer.EndSending();
        Peer second = await hub.ExpectResumeAsync(3);
        await second.SendAsync(Frames.Welcome(1, key: 2, resumed: true, processed: 4), Frames.Receipt(relays[2].U64(), Outcome.Delivered));
        ReceiptEntry[] entries = [.. (await Task.WhenAll(receipts).Soon()).Select(receipt => receipt.Entries[0])];
        Assert.Equal([new(2, Outcome.Held), new(3, Outcome.Accepted), new(4, Outcome.Delivered), new(5, Outcome.Delivered)], entries);
        Assert.Equal([false, false, true, true], entries.Select(entry => entry.IsDelivered));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(0)]
    public async Task A_welcome_whose_total_cannot_be_closes_with_a_protocol_error(ulong processed)
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync();
        await using var _ = client;
        await client.RelayAsync(7, default);
        await client.RelayAsync(7, default);
        await peer.SendAsync(Frames.Ack(1));
        peer.EndSending();
        Peer second = await hub.ExpectResumeAsync(0);
        await second.SendAsync(Frames.Welcome(1, key: 2, resumed: true, processed: processed));
        await client.Closed.Soon();
        Assert.Equal(ProtocolCode.ProtocolError, client.CloseReason!.Code);
        Assert.Contains($"{processed} relays", client.CloseReason.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Relays_that_are_not_acknowledged_count_toward_the_send_buffer_also_without_a_connection()
    {
        const int limit = 10_000;
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync(hub.Resumable with { SendBufferBytes = limit });
        await using var _ = client;
        Task[] relays = [.. Enumerable.Range(0, 30).Select(i => client.RelayAsync(7, Body(i, 980)).AsTask())];
        await peer.ReadBytesAsync(10 * 1000);
        Assert.Equal([.. Enumerable.Repeat(true, 10), .. Enumerable.Repeat(false, 20)], relays.Select(relay => relay.IsCompleted));
        Assert.InRange(client.PendingSendBytes, limit, limit + 1100);

        // Who waits asks, and the answer makes room.
        await peer.ExpectAsync(FrameType.Heartbeat);
        peer.Cut();
        Peer second = await hub.ExpectResumeAsync(0);
        Assert.Equal(10, relays.Count(relay => relay.IsCompleted));
        await second.SendAsync(Frames.Welcome(1, key: 2, resumed: true, processed: 4));
        for (int next = 4; next < relays.Length;)
        {
            ReceivedFrame frame = await second.ReadAsync();
            if (frame.Type == FrameType.Heartbeat)
            {
                await second.SendAsync(Frames.Heartbeat());
            }
            else
            {
                Assert.Equal(next++, BinaryPrimitives.ReadInt32LittleEndian(frame.Payload.AsSpan(8)));
            }

            Assert.InRange(client.PendingSendBytes, 0, limit + 1100);
        }

        await Task.WhenAll(relays).Soon();
    }
}
