using MessageDelivery.Protocol;
using Microsoft.Extensions.Time.Testing;

namespace MessageDelivery.Client.Tests;

/// <summary>
/// What is acknowledged is what the program has taken: a delivery once it has asked for the next one or disposed of it, a receipt once it
/// is handed on, and no frame before those in front of it.
/// </summary>
public sealed class TakenTests
{
    private readonly FakeTimeProvider _time = new();

    private HubClientOptions Options(ScriptedHub hub) => hub.Resumable with { TimeProvider = _time, ConnectTimeout = Timeout.InfiniteTimeSpan };

    [Fact]
    public async Task Nothing_is_acknowledged_for_a_program_that_never_receives()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync(Options(hub));
        await using var _ = client;
        await peer.SendAsync([.. Enumerable.Repeat(Frames.Confirmed(2, 1), 200)]);
        Assert.Null(await AckAsync(client, peer));
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Null(await AckAsync(client, peer));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Who_waits_for_a_delivery_is_told_as_soon_as_the_program_has_taken_it(bool disposes)
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync(Options(hub));
        await using var _ = client;
        await using IAsyncEnumerator<Delivery> reader = client.ReceiveAsync().GetAsyncEnumerator();
        await peer.SendAsync(Frames.Delivery(2), Frames.Confirmed(2), Frames.Delivery(2), Frames.Confirmed(2));
        Assert.True(await reader.MoveNextAsync().Soon());
        Assert.True(await reader.MoveNextAsync().Soon());
        Assert.Null(await AckAsync(client, peer));
        if (disposes)
        {
            reader.Current.Dispose();
        }
        else
        {
            Assert.True(await reader.MoveNextAsync().Soon());
        }

        // At once: the clock stands.
        Assert.Equal(2UL, (await peer.ExpectAsync(FrameType.Ack)).U64());
    }

    [Fact]
    public async Task A_delivery_that_was_disposed_of_out_of_turn_counts_once()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync(Options(hub));
        await using var _ = client;
        await using IAsyncEnumerator<Delivery> reader = client.ReceiveAsync().GetAsyncEnumerator();
        await peer.SendAsync(Frames.Confirmed(2), Frames.Confirmed(3));
        Assert.True(await reader.MoveNextAsync().Soon());
        Delivery first = reader.Current;
        Assert.True(await reader.MoveNextAsync().Soon());
        Assert.Equal(1UL, (await peer.ExpectAsync(FrameType.Ack)).U64());
        first.Dispose();
        first.Dispose();
        Assert.Null(await AckAsync(client, peer));
        reader.Current.Dispose();
        Assert.Equal(2UL, (await peer.ExpectAsync(FrameType.Ack)).U64());
        reader.Current.Dispose();
        Assert.Null(await AckAsync(client, peer));
    }

    [Fact]
    public async Task The_next_loop_takes_what_the_one_before_left_undisposed()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync(Options(hub));
        await using var _ = client;
        await peer.SendAsync(Frames.Confirmed(2));
        await using (IAsyncEnumerator<Delivery> reader = client.ReceiveAsync().GetAsyncEnumerator())
        {
            Assert.True(await reader.MoveNextAsync().Soon());
        }

        Assert.Null(await AckAsync(client, peer));
        await using IAsyncEnumerator<Delivery> next = client.ReceiveAsync().GetAsyncEnumerator();
        Task<bool> waiting = next.MoveNextAsync().AsTask();
        Assert.Equal(1UL, (await peer.ExpectAsync(FrameType.Ack)).U64());
        await peer.SendAsync(Frames.Delivery(3));
        Assert.True(await waiting.Soon());
    }

    [Fact]
    public async Task Receipts_behind_a_delivery_that_was_not_taken_wait_for_it()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync(Options(hub));
        await using var _ = client;
        Task<Receipt> receipt = client.RelayWithReceiptAsync(2, default).AsTask();
        Task<Receipt> refused = client.RelayWithReceiptAsync(2, default).AsTask();
        await peer.ExpectAsync(FrameType.Relay);
        await peer.ExpectAsync(FrameType.Relay);
        await peer.SendAsync(Frames.Confirmed(2), Frames.Receipt(1, Outcome.Accepted), Frames.Error(ProtocolCode.Overloaded, "", 2));
        await receipt.Soon();
        await Assert.ThrowsAsync<HubRequestException>(() => refused.Soon());
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Null(await AckAsync(client, peer));
        await foreach (Delivery delivery in client.ReceiveAsync())
        {
            delivery.Dispose();
            break;
        }

        Assert.Equal(3UL, (await peer.ExpectAsync(FrameType.Ack)).U64());
    }

    [Fact]
    public async Task A_program_that_only_sends_has_taken_what_it_discards()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync(Options(hub) with { DiscardDeliveries = true });
        await using var _ = client;
        await peer.SendAsync(Frames.Delivery(2), Frames.Confirmed(2));
        Assert.Equal(2UL, (await peer.ExpectAsync(FrameType.Ack)).U64());
        await peer.SendAsync([.. Enumerable.Repeat(Frames.Delivery(2), 64)]);
        Assert.Equal(66UL, (await peer.ExpectAsync(FrameType.Ack)).U64());
    }

    [Fact]
    public async Task What_was_taken_between_hello_and_welcome_is_acknowledged_behind_the_welcome()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync(Options(hub));
        await using var _ = client;
        await using IAsyncEnumerator<Delivery> reader = client.ReceiveAsync().GetAsyncEnumerator();
        await peer.SendAsync(Frames.Confirmed(2), Frames.Delivery(3));
        Assert.True(await reader.MoveNextAsync().Soon());
        peer.EndSending();
        Peer second = await hub.ExpectResumeAsync(0);
        reader.Current.Dispose();
        await second.SendAsync(Frames.Welcome(1, key: 2, resumed: true));
        Assert.Equal(1UL, (await second.ExpectAsync(FrameType.Ack)).U64());
        await second.SendAsync(Frames.Confirmed(2), Frames.Delivery(3), Frames.Confirmed(4));
        Assert.True(await reader.MoveNextAsync().Soon());
        Assert.Equal(3UL, reader.Current.Sender);
        Assert.True(await reader.MoveNextAsync().Soon());
        Assert.Equal(4UL, reader.Current.Sender);
        Assert.Null(await AckAsync(client, second));
    }

    [Fact]
    public async Task Messages_of_a_lost_session_do_not_count_in_the_next()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync(Options(hub));
        await using var _ = client;
        await using IAsyncEnumerator<Delivery> reader = client.ReceiveAsync().GetAsyncEnumerator();
        await peer.SendAsync(Frames.Confirmed(2), Frames.Confirmed(3));
        Assert.True(await reader.MoveNextAsync().Soon());
        peer.EndSending();
        Peer second = await hub.ExpectResumeAsync(0);
        await second.SendAsync(Frames.Welcome(9, key: 2), Frames.Delivery(4));
        await client.WaitUntilConnectedAsync().Soon();
        Assert.True(await reader.MoveNextAsync().Soon());
        Assert.Equal(3UL, reader.Current.Sender);
        reader.Current.Dispose();
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Null(await AckAsync(client, second, id: 9));
        Assert.True(await reader.MoveNextAsync().Soon());
        reader.Current.Dispose();
        second.EndSending();
        await hub.ExpectResumeAsync(1, key: 2);
    }

    [Fact]
    public async Task What_a_closing_client_throws_away_is_not_acknowledged()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync(Options(hub) with { ReceiveBufferBytes = 1, SendBufferBytes = 1 });
        await using var _ = client;
        await client.RelayAsync(7, default);
        await peer.ExpectAsync(FrameType.Relay);

        // The goodbye waits behind a call that waits for room.
        Task waiting = client.RelayAsync(7, default).AsTask();
        await peer.ExpectAsync(FrameType.Heartbeat);
        Task closing = client.CloseAsync().AsTask();
        await peer.SendAsync([.. Enumerable.Repeat(Frames.Confirmed(2), 100), Frames.Heartbeat()]);
        await waiting.Soon();
        await peer.ExpectAsync(FrameType.Relay);
        await peer.ExpectAsync(FrameType.Heartbeat);
        await peer.SendAsync(Frames.Heartbeat());
        await peer.ExpectAsync(FrameType.Goodbye);
        await peer.SendAsync(Frames.Goodbye(ProtocolCode.Normal));
        await closing.Soon();
    }

    [Fact]
    public async Task A_reader_that_never_reads_holds_no_more_after_each_reconnection()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync(hub.Resumable with { ReceiveBufferBytes = 1 }, heartbeat: 30);
        await using var _ = client;
        await peer.SendAsync(Frames.Delivery(2, new byte[1000]));
        await Soonness.UntilAsync(() => client.IsReceivePaused);
        long held = client.PendingDeliveryBytes;
        var unanswered = new List<Task>();
        for (byte key = 2; key < 10; key++)
        {
            // Who does not read learns of a loss only when it sends.
            peer.Cut();
            unanswered.Add(client.GetIdentityAsync().AsTask());
            peer = await hub.ExpectResumeAsync(0, (byte)(key - 1));
            await peer.SendAsync(Frames.Welcome(1, key, resumed: true, heartbeat: 30), Frames.Delivery(2, new byte[1000]), Frames.Delivery(3, new byte[1000]));
            await client.WaitUntilConnectedAsync().Soon();
            await Soonness.UntilAsync(() => client.IsReceivePaused);
            Assert.Equal(held, client.PendingDeliveryBytes);
        }

        await using IAsyncEnumerator<Delivery> reader = client.ReceiveAsync().GetAsyncEnumerator();
        foreach (ulong sender in (ulong[])[2, 3])
        {
            Assert.True(await reader.MoveNextAsync().Soon());
            Assert.Equal(sender, reader.Current.Sender);
            reader.Current.Dispose();
        }
    }

    [Fact]
    public async Task A_receipt_that_was_not_due_again_is_a_protocol_error()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync(Options(hub));
        await using var _ = client;
        Task<Receipt> receipt = client.RelayWithReceiptAsync(2, default).AsTask();
        await peer.ExpectAsync(FrameType.Relay);
        await peer.SendAsync(Frames.Delivery(2));
        peer.EndSending();

        // What is due again is the delivery.
        Peer second = await hub.ExpectResumeAsync(0);
        await second.SendAsync(Frames.Welcome(1, key: 2, resumed: true, processed: 1), Frames.Receipt(1, Outcome.Accepted));
        await client.Closed.Soon();
        Assert.Equal(ProtocolCode.ProtocolError, client.CloseReason!.Code);
        await Assert.ThrowsAsync<HubConnectionException>(() => receipt.Soon());
    }

    /// <summary>
    /// A conversation that is cut behind each of its frames, after the program has taken each possible number of deliveries, and again
    /// behind each frame that the hub repeats.
    /// </summary>
    [Fact]
    public async Task A_conversation_cut_at_every_frame_reaches_the_program_once_and_in_order()
    {
        byte[][] frames =
        [
            Frames.Delivery(11), Frames.Receipt(1, Outcome.Accepted), Frames.Confirmed(12), Frames.Error(ProtocolCode.Overloaded, "", 2),
            Frames.Delivery(13), Frames.Receipt(3, Outcome.Held), Frames.Confirmed(14),
        ];
        bool[] isDelivery = [true, false, true, false, true, false, true];
        for (int cut = 0; cut <= frames.Length; cut++)
        {
            for (int taken = 0; taken <= isDelivery.Take(cut).Count(delivery => delivery); taken++)
            {
                int counted = 0;
                for (int deliveries = 0; counted < cut && deliveries + (isDelivery[counted] ? 1 : 0) <= taken; counted++)
                {
                    deliveries += isDelivery[counted] ? 1 : 0;
                }

                for (int repeats = 0; repeats <= frames.Length - counted; repeats++)
                {
                    await CutAsync(frames, cut, taken, counted, repeats);
                }
            }
        }
    }

    private static async Task CutAsync(byte[][] frames, int cut, int taken, int counted, int repeats)
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync();
        await using var _ = client;
        Task<Receipt>[] receipts = [.. Enumerable.Range(0, 3).Select(_ => client.RelayWithReceiptAsync(7, default).AsTask())];
        for (int i = 0; i < receipts.Length; i++)
        {
            await peer.ExpectAsync(FrameType.Relay);
        }

        var senders = new List<ulong>();
        await using IAsyncEnumerator<Delivery> reader = client.ReceiveAsync().GetAsyncEnumerator();
        await peer.SendAsync(frames[..cut]);
        await ReadAsync(taken);
        peer.EndSending();

        Peer second = await hub.ExpectResumeAsync((ulong)counted);
        await second.SendAsync(Frames.Welcome(1, key: 2, resumed: true, processed: 3));
        await second.SendAsync(frames[counted..(counted + repeats)]);
        second.EndSending();

        Peer third = await hub.ExpectResumeAsync((ulong)counted + ReceiptsBehind(), key: 2);
        await third.SendAsync(Frames.Welcome(1, key: 3, resumed: true, processed: 3));
        await third.SendAsync(frames[(counted + (int)ReceiptsBehind())..]);
        await ReadAsync(4 - taken);
        Assert.Equal([11, 12, 13, 14], senders);
        Assert.Equal(Outcome.Accepted, (await receipts[0].Soon()).Entries[0].Outcome);
        await Assert.ThrowsAsync<HubRequestException>(() => receipts[1].Soon());
        Assert.Equal(Outcome.Held, (await receipts[2].Soon()).Entries[0].Outcome);

        async Task ReadAsync(int count)
        {
            for (int i = 0; i < count; i++)
            {
                Assert.True(await reader.MoveNextAsync().Soon());
                senders.Add(reader.Current.Sender);
                reader.Current.Dispose();
            }
        }

        // A receipt that came for the first time among the repeated frames counts where no delivery stands before it.
        ulong ReceiptsBehind() => counted == cut && repeats > 0 && FrameHeader.Read(frames[counted]).Type != FrameType.Delivery ? 1UL : 0;
    }

    /// <summary>The acknowledgement that comes before the answer to an identity asked just now: null if there is none.</summary>
    private static async Task<ulong?> AckAsync(HubClient client, Peer peer, ulong id = 1)
    {
        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        ReceivedFrame frame = await peer.ReadAsync();
        ulong? total = null;
        if (frame.Type == FrameType.Ack)
        {
            total = frame.U64();
            frame = await peer.ReadAsync();
        }

        Assert.Equal(FrameType.Identity, frame.Type);
        await peer.SendAsync(Frames.Identity(id));
        await identity.Soon();
        return total;
    }
}
