using MessageDelivery.Protocol;
using Microsoft.Extensions.Time.Testing;

namespace MessageDelivery.Client.Tests;

public sealed class CloseTests
{
    [Fact]
    public async Task A_goodbye_ends_every_pending_call_and_the_reader_with_the_same_exception()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        IAsyncEnumerator<Delivery> reader = client.ReceiveAsync().GetAsyncEnumerator();
        Task[] pending =
        [
            client.GetIdentityAsync().AsTask(),
            client.ListAsync().AsTask(),
            client.EchoAsync(default).AsTask(),
            client.RelayWithReceiptAsync(2, default).AsTask(),
        ];
        await peer.SendAsync(Frames.Delivery(5), Frames.Goodbye(ProtocolCode.Removed, "by an operator"));
        var first = await Assert.ThrowsAsync<HubConnectionException>(() => pending[0].Soon());
        Assert.Equal((ProtocolCode.Removed, "by an operator", ReconnectAdvice.No), (first.Code, first.Text, first.ReconnectAdvice));
        foreach (Task call in pending)
        {
            Assert.Same(first, await Assert.ThrowsAsync<HubConnectionException>(() => call.Soon()));
        }

        Assert.Same(first, await Assert.ThrowsAsync<HubConnectionException>(() => client.RelayAsync(2, default).AsTask()));
        await client.Closed.Soon();
        Assert.Equal(ConnectionState.Closed, client.ConnectionState);
        Assert.Same(first, client.CloseReason);

        // What had arrived is still read.
        Assert.True(await reader.MoveNextAsync().Soon());
        reader.Current.Dispose();
        Assert.Same(first, await Assert.ThrowsAsync<HubConnectionException>(() => reader.MoveNextAsync().Soon()));
        await peer.ReadToEndAsync();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(12)]
    public async Task An_end_without_a_goodbye_has_no_code(int bytesOfAFrame)
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        await peer.ReadAsync();
        await peer.SendBytesAsync(Frames.Identity(1).AsMemory(0, bytesOfAFrame));
        peer.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        var error = await Assert.ThrowsAsync<HubConnectionException>(() => identity.Soon());
        Assert.Null(error.Code);
        Assert.Equal(ReconnectAdvice.Yes, error.ReconnectAdvice);
        Assert.Equal(bytesOfAFrame > 0, error.Message.Contains("middle of a frame", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_reset_has_the_sockets_reason()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        await peer.ReadAsync();
        peer.Socket.LingerState = new(true, 0);
        peer.Socket.Dispose();
        var error = await Assert.ThrowsAsync<HubConnectionException>(() => identity.Soon());
        Assert.Null(error.Code);
        Assert.IsType<System.Net.Sockets.SocketException>(error.InnerException);
    }

    [Theory]
    [InlineData(FrameType.Delivery)]
    [InlineData(FrameType.EchoReply)]
    [InlineData(FrameType.ListReply)]
    [InlineData(FrameType.Error)]
    [InlineData(FrameType.HeartbeatReply)]
    [InlineData((FrameType)0xEE)]
    public async Task A_frame_above_its_limit_closes_before_it_is_read(FrameType type)
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        byte[] header = new byte[8];
        uint length = FrameHeader.MaxLengthFromHub(type) + 1;
        new FrameHeader(type, 0, 0, length).Write(header);
        await peer.SendBytesAsync(header);
        await client.Closed.Soon();
        Assert.Equal(ProtocolCode.FrameTooLarge, client.CloseReason!.Code);
        Assert.Contains($"{length}", client.CloseReason.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Close_sends_everything_taken_before_then_goodbye_and_waits_for_the_hubs()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(hub.Options with { SendBufferBytes = 1000 });
        Task[] relays = [.. Enumerable.Range(0, 50).Select(i => client.RelayAsync((ulong)i, new byte[50_000]).AsTask())];
        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        Task closing = client.CloseAsync().AsTask();
        for (int i = 0; i < relays.Length; i++)
        {
            Assert.Equal((ulong)i, (await peer.ExpectAsync(FrameType.Relay)).U64());
        }

        await peer.ExpectAsync(FrameType.Heartbeat);
        await peer.ExpectAsync(FrameType.Identity);
        ReceivedFrame goodbye = await peer.ExpectAsync(FrameType.Goodbye);
        Assert.Equal(new FrameHeader(FrameType.Goodbye, 0, 0, 0), goodbye.Header);
        Assert.False(closing.IsCompleted);
        await Assert.ThrowsAsync<HubConnectionException>(() => client.RelayAsync(1, default).AsTask());
        await peer.SendAsync(Frames.Heartbeat(), Frames.Delivery(3), Frames.Identity(1), Frames.Goodbye(ProtocolCode.Normal));
        await closing.Soon();
        Assert.Equal(1UL, await identity.Soon());
        await Task.WhenAll(relays).Soon();
        await peer.ReadToEndAsync();

        // The reader has what arrived before the end, and then ends without an error.
        int count = 0;
        await foreach (Delivery delivery in client.ReceiveAsync())
        {
            delivery.Dispose();
            count++;
        }

        Assert.Equal(1, count);
        await client.CloseAsync().Soon();
        await client.DisposeAsync().Soon();
    }

    [Theory]
    [InlineData(ProtocolCode.ShuttingDown)]
    [InlineData(null)]
    public async Task Close_tells_when_the_hub_ended_before_its_goodbye(ProtocolCode? code)
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        Task closing = client.CloseAsync().AsTask();
        await peer.ExpectAsync(FrameType.Goodbye);
        if (code is { } known)
        {
            await peer.SendAsync(Frames.Goodbye(known));
        }

        peer.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        Assert.Equal(code, (await Assert.ThrowsAsync<HubConnectionException>(() => closing.Soon())).Code);
    }

    [Fact]
    public async Task A_cancelled_close_cuts_the_connection()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        using var cancel = new CancellationTokenSource();
        Task closing = client.CloseAsync(cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => closing.Soon());
        Assert.Equal(ProtocolCode.Normal, (await Assert.ThrowsAsync<HubConnectionException>(() => identity.Soon())).Code);
        Assert.Equal(ConnectionState.Closed, client.ConnectionState);
        await peer.ReadToEndAsync();
    }

    [Fact]
    public async Task Close_is_not_held_up_by_messages_that_nobody_reads()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(hub.Options with { ReceiveBufferBytes = 1000 });
        await using var _ = client;
        await peer.SendAsync(Frames.Delivery(2, new byte[1000]), Frames.Delivery(2, new byte[1000]));
        await Soonness.UntilAsync(() => client.PendingDeliveryBytes >= 1000);
        Task closing = client.CloseAsync().AsTask();
        await peer.ExpectAsync(FrameType.Goodbye);
        for (int i = 0; i < 100; i++)
        {
            await peer.SendAsync(Frames.Delivery(2, new byte[100_000]));
        }

        await peer.SendAsync(Frames.Goodbye(ProtocolCode.Normal));
        await closing.Soon();
    }

    [Fact]
    public async Task Close_waits_for_the_session_to_go_on_if_calls_need_it()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync();
        await client.RelayAsync(7, "1"u8.ToArray());
        await peer.ExpectAsync(FrameType.Relay);
        peer.Cut();
        Peer second = await hub.ExpectResumeAsync(0);
        Task closing = client.CloseAsync().AsTask();
        await second.SendAsync(Frames.Welcome(1, key: 2, resumed: true));
        await second.ExpectAsync(FrameType.Relay);
        await second.ExpectAsync(FrameType.Goodbye);
        await Assert.ThrowsAsync<HubConnectionException>(() => client.RelayAsync(7, default).AsTask());
        Assert.False(closing.IsCompleted);
        await second.SendAsync(Frames.Goodbye(ProtocolCode.Normal));
        await closing.Soon();
        await client.DisposeAsync().Soon();
    }

    [Fact]
    public async Task Close_does_not_wait_for_a_hub_that_has_said_goodbye_and_tells_so()
    {
        await using var hub = new ScriptedHub();

        // The clock stands, so that no other connection is tried.
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync(hub.Options with
        {
            TimeProvider = new FakeTimeProvider(),
            ConnectTimeout = Timeout.InfiniteTimeSpan,
            CloseTimeout = Timeout.InfiniteTimeSpan,
            Reconnect = new(),
        });
        await client.RelayAsync(7, default);
        await peer.ExpectAsync(FrameType.Relay);
        await peer.SendAsync(Frames.Goodbye(ProtocolCode.ShuttingDown));
        await Soonness.UntilAsync(() => client.ConnectionState == ConnectionState.Reconnecting);
        var error = await Assert.ThrowsAsync<HubConnectionException>(() => client.CloseAsync().Soon());
        Assert.Equal(ProtocolCode.ShuttingDown, error.Code);
        await client.DisposeAsync().Soon();
    }

    [Fact]
    public async Task A_goodbye_lost_on_its_way_is_said_again_behind_what_was_lost_with_it()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync();
        await client.RelayAsync(7, "1"u8.ToArray());
        Task closing = client.CloseAsync().AsTask();
        await peer.ExpectAsync(FrameType.Relay);
        await peer.ExpectAsync(FrameType.Goodbye);
        peer.Cut();
        Peer second = await hub.ExpectResumeAsync(0);
        await second.SendAsync(Frames.Welcome(1, key: 2, resumed: true));
        await second.ExpectAsync(FrameType.Relay);
        await second.ExpectAsync(FrameType.Goodbye);
        await second.SendAsync(Frames.Goodbye(ProtocolCode.Normal));
        await closing.Soon();
        await client.DisposeAsync().Soon();
    }

    [Fact]
    public async Task Dispose_says_goodbye_and_gives_up_after_its_timeout()
    {
        await using var hub = new ScriptedHub();
        var time = new FakeTimeProvider();
        (HubClient client, Peer peer) = await hub.ConnectAsync(
            hub.Options with { TimeProvider = time, ConnectTimeout = Timeout.InfiniteTimeSpan, CloseTimeout = TimeSpan.FromSeconds(5) });
        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        await using IAsyncEnumerator<Delivery> reader = client.ReceiveAsync().GetAsyncEnumerator();
        Task<bool> reading = reader.MoveNextAsync().AsTask();
        Task disposing = client.DisposeAsync().AsTask();
        await peer.ExpectAsync(FrameType.Identity);
        await peer.ExpectAsync(FrameType.Goodbye);
        Assert.False(disposing.IsCompleted);
        while (!disposing.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(5));
            await Task.Yield();
        }

        await disposing;
        await Assert.ThrowsAsync<HubConnectionException>(() => identity.Soon());
        Assert.False(await reading.Soon());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.RelayAsync(1, default).AsTask());
        Assert.Throws<ObjectDisposedException>(() => client.ReceiveAsync());
        await peer.ReadToEndAsync();
    }

    [Fact]
    public async Task Dispose_during_everything_ends_everything()
    {
        for (int round = 0; round < 30; round++)
        {
            await using var hub = new ScriptedHub();
            (HubClient client, Peer peer) = await hub.ConnectAsync(hub.Options with { SendBufferBytes = 100_000, ReceiveBufferBytes = 1000 });
            Task flood = FloodAsync(peer);
            List<Task> calls = [.. Enumerable.Range(0, 200).Select(_ => client.RelayAsync(1, new byte[60_000]).AsTask())];
            calls.Add(client.EchoAsync(new byte[100]).AsTask());
            calls.Add(client.RelayWithReceiptAsync(1, default).AsTask());
            calls.Add(ReadAsync(client));
            Task[] disposals = [Task.Run(() => client.DisposeAsync().AsTask()), Task.Run(() => client.DisposeAsync().AsTask())];
            await Task.WhenAll(disposals).Soon();
            foreach (Task call in calls)
            {
                Exception? error = await Record.ExceptionAsync(() => call.Soon());
                Assert.True(error is null or HubConnectionException or ObjectDisposedException, error?.ToString());
            }

            Assert.True(client.Closed.IsCompletedSuccessfully);
            Assert.Equal(0, client.PendingDeliveryBytes);
            peer.Socket.Dispose();
            await flood.Soon();
        }

        static async Task ReadAsync(HubClient client)
        {
            await foreach (Delivery delivery in client.ReceiveAsync())
            {
                delivery.Dispose();
            }
        }

        static async Task FloodAsync(Peer peer)
        {
            try
            {
                while (true)
                {
                    await peer.SendAsync(Frames.Delivery(2, new byte[5000]));
                }
            }
            catch (Exception error) when (error is System.Net.Sockets.SocketException or ObjectDisposedException)
            {
            }
        }
    }
}
