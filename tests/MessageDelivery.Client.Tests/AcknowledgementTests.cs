using MessageDelivery.Protocol;
using Microsoft.Extensions.Time.Testing;

namespace MessageDelivery.Client.Tests;

/// <summary>The client tells the hub in time what its program has taken, and not more often than it must.</summary>
public sealed class AcknowledgementTests
{
    private readonly FakeTimeProvider _time = new();

    private HubClientOptions Options(ScriptedHub hub) => hub.Resumable with { TimeProvider = _time, ConnectTimeout = Timeout.InfiniteTimeSpan };

    /// <summary>The next frame that is not the answer to an identity asked just now: null if there is none.</summary>
    private static async Task<ulong?> NextAckAsync(HubClient client, Peer peer)
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
        await peer.SendAsync(Frames.Identity(1));
        await identity.Soon();
        return total;
    }

    [Fact]
    public async Task Sixty_four_frames_are_acknowledged_at_once_and_fewer_after_a_second()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync(Options(hub));
        await using var _ = client;
        await using IAsyncEnumerator<Delivery> reader = client.ReceiveAsync().GetAsyncEnumerator();
        await peer.SendAsync([.. Enumerable.Repeat(Frames.Delivery(2), 63)]);
        await TakeAsync(reader, 63);
        Assert.Null(await NextAckAsync(client, peer));
        await peer.SendAsync(Frames.Delivery(2));
        await TakeAsync(reader);
        ReceivedFrame ack = await peer.ReadAsync();
        Assert.Equal((new FrameHeader(FrameType.Ack, 0, 0, 8), 64UL), (ack.Header, ack.U64()));

        // The second runs from the first that is not acknowledged; the timer set before may make it less.
        await peer.SendAsync(Frames.Delivery(2), Frames.Delivery(2));
        await TakeAsync(reader, 2);
        Assert.Null(await NextAckAsync(client, peer));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(66UL, (await SoonAsync(peer.ExpectAsync(FrameType.Ack))).U64());

        // Nothing new, nothing said.
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Null(await NextAckAsync(client, peer));
        await peer.SendAsync(Frames.Delivery(2));
        await TakeAsync(reader);
        Assert.Null(await NextAckAsync(client, peer));
        _time.Advance(TimeSpan.FromMilliseconds(999));
        Assert.Null(await NextAckAsync(client, peer));
        Assert.Equal(67UL, (await SoonAsync(peer.ExpectAsync(FrameType.Ack))).U64());
    }

    private static async Task TakeAsync(IAsyncEnumerator<Delivery> reader, int count = 1)
    {
        for (int i = 0; i < count; i++)
        {
            Assert.True(await reader.MoveNextAsync().Soon());
            reader.Current.Dispose();
        }
    }

    /// <summary>Waits while the clock goes on: a timer that is being set while the clock moves is due that much later.</summary>
    private async Task<ReceivedFrame> SoonAsync(Task<ReceivedFrame> expected)
    {
        while (!expected.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(1));
            await Task.WhenAny(expected, Task.Delay(20));
        }

        return await expected;
    }

    [Fact]
    public async Task A_quarter_of_a_mebibyte_is_acknowledged_at_once()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync(Options(hub));
        await using var _ = client;
        await using IAsyncEnumerator<Delivery> reader = client.ReceiveAsync().GetAsyncEnumerator();
        const int half = (128 * 1024) - 16;
        await peer.SendAsync(Frames.Delivery(2, new byte[half]), Frames.Delivery(2, new byte[half - 1]), Frames.Delivery(2));
        await TakeAsync(reader, 2);
        Assert.Null(await NextAckAsync(client, peer));
        await TakeAsync(reader);
        Assert.Equal(3UL, (await peer.ExpectAsync(FrameType.Ack)).U64());

        // From here on it is counted anew.
        await peer.SendAsync(Frames.Delivery(2, new byte[2 * half]));
        await TakeAsync(reader);
        Assert.Null(await NextAckAsync(client, peer));
    }

    [Fact]
    public async Task Receipts_and_their_errors_count_and_other_answers_do_not()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync(Options(hub));
        await using var _ = client;
        Task<Receipt> receipt = client.RelayWithReceiptAsync(2, default).AsTask();
        Task<Receipt> refused = client.RelayWithReceiptAsync(2, default).AsTask();
        await client.RelayAsync(2, default);
        Task<IReadOnlyList<ulong>> list = client.ListAsync().AsTask();
        await peer.SendAsync(
            Frames.Receipt(1, Outcome.Accepted), Frames.Error(ProtocolCode.Overloaded, "", 2), Frames.Ack(3), Frames.Error(ProtocolCode.Overloaded, ""),
            Frames.Heartbeat(), Frames.List(false));
        await list.Soon();
        await receipt.Soon();
        await Assert.ThrowsAsync<HubRequestException>(() => refused.Soon());
        for (int i = 0; i < 5; i++)
        {
            await peer.ReadAsync();
        }

        await NextAckAsync(client, peer);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(2UL, (await SoonAsync(peer.ExpectAsync(FrameType.Ack))).U64());
    }

    [Fact]
    public async Task A_client_that_has_stopped_reading_acknowledges_what_its_program_takes()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync(Options(hub) with { ReceiveBufferBytes = 1 }, heartbeat: 30);
        await using var _ = client;
        await using IAsyncEnumerator<Delivery> reader = client.ReceiveAsync().GetAsyncEnumerator();
        await peer.SendAsync(Frames.Delivery(2), Frames.Confirmed(2));
        await Soonness.UntilAsync(() => client.IsReceivePaused);
        await TakeAsync(reader);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1UL, (await SoonAsync(peer.ExpectAsync(FrameType.Ack))).U64());
        await TakeAsync(reader);
        Assert.Equal(2UL, (await peer.ExpectAsync(FrameType.Ack)).U64());
    }

    [Fact]
    public async Task What_has_been_taken_is_acknowledged_before_the_goodbye_and_no_more()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync(Options(hub));
        await using var _ = client;
        await peer.SendAsync(Frames.Delivery(2), Frames.Delivery(2), Frames.Delivery(2));
        await using IAsyncEnumerator<Delivery> reader = client.ReceiveAsync().GetAsyncEnumerator();
        Assert.True(await reader.MoveNextAsync().Soon());
        Assert.True(await reader.MoveNextAsync().Soon());
        Assert.Null(await NextAckAsync(client, peer));
        Task closing = client.CloseAsync().AsTask();
        Assert.Equal(1UL, (await peer.ExpectAsync(FrameType.Ack)).U64());
        await peer.ExpectAsync(FrameType.Goodbye);
        await peer.SendAsync(Frames.Goodbye(ProtocolCode.Normal));
        await closing.Soon();
    }

    [Fact]
    public async Task What_a_resuming_hello_has_told_is_not_told_again()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync(Options(hub));
        await using var _ = client;
        await using IAsyncEnumerator<Delivery> reader = client.ReceiveAsync().GetAsyncEnumerator();
        await peer.SendAsync(Frames.Delivery(2));
        await TakeAsync(reader);
        peer.EndSending();
        Peer second = await hub.ExpectResumeAsync(1);
        await second.SendAsync(Frames.Welcome(1, key: 2, resumed: true));
        await client.WaitUntilConnectedAsync().Soon();
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Null(await NextAckAsync(client, second));
        await second.SendAsync(Frames.Delivery(2));
        await TakeAsync(reader);
        Assert.Null(await NextAckAsync(client, second));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(2UL, (await SoonAsync(second.ExpectAsync(FrameType.Ack))).U64());
    }

    [Fact]
    public async Task A_session_that_ends_with_its_connection_acknowledges_nothing()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(Options(hub));
        await using var _ = client;
        await using IAsyncEnumerator<Delivery> reader = client.ReceiveAsync().GetAsyncEnumerator();
        await peer.SendAsync([.. Enumerable.Repeat(Frames.Confirmed(2), 100)]);
        await TakeAsync(reader, 100);
        Assert.Null(await NextAckAsync(client, peer));
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Null(await NextAckAsync(client, peer));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(ulong.MaxValue)]
    public async Task An_acknowledgement_of_more_than_was_sent_is_a_protocol_error(ulong total)
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync(Options(hub));
        await using var _ = client;
        await client.RelayAsync(2, default);
        await peer.SendAsync(Frames.Ack(total));
        await client.Closed.Soon();
        Assert.Equal(ProtocolCode.ProtocolError, client.CloseReason!.Code);
    }

    [Fact]
    public void An_acknowledgement_that_waits_to_be_sent_is_replaced_by_the_next()
    {
        var frames = new ReplayBuffer { Retains = true };
        frames.WriteAcknowledgement(64);
        frames.WriteAcknowledgement(128);
        Assert.Equal(16, frames.Bytes);
        Assert.True(frames.TryTake(out ArraySegment<byte> batch));
        Assert.Equal(Frames.Of(FrameType.Ack, 0, 0, Frames.U64(128)), batch.ToArray());
        frames.WriteAcknowledgement(192);
        frames.NoteSent(batch);
        Assert.Equal(16, frames.Bytes);
        Assert.True(frames.TryTake(out batch));
        Assert.Equal(Frames.Of(FrameType.Ack, 0, 0, Frames.U64(192)), batch.ToArray());
        frames.NoteSent(batch);
        Assert.Equal(0, frames.Bytes);
        frames.Clear();
    }
}
