using MessageDelivery.Protocol;

namespace MessageDelivery.Client.Tests;

public sealed class CallTests
{
    [Fact]
    public async Task Each_call_sends_its_frame_and_gets_its_answer()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;

        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        Assert.Equal(new FrameHeader(FrameType.Identity, 0, 0, 0), (await peer.ReadAsync()).Header);
        await peer.SendAsync(Frames.Identity(77));
        Assert.Equal(77UL, await identity.Soon());

        Task<IReadOnlyList<ulong>> list = client.ListAsync().AsTask();
        Assert.Equal(new FrameHeader(FrameType.List, 0, 0, 0), (await peer.ReadAsync()).Header);
        await peer.SendAsync(Frames.List(true, 2, 3), Frames.List(false, 9));
        Assert.Equal([2, 3, 9], await list.Soon());

        Task<MessageBody> echo = client.EchoAsync("foo bar"u8.ToArray()).AsTask();
        ReceivedFrame sent = await peer.ExpectAsync(FrameType.Echo);
        Assert.Equal("foo bar"u8.ToArray(), sent.Payload);
        await peer.SendAsync(Frames.Echo(sent.Payload));
        using MessageBody body = await echo.Soon();
        Assert.Equal("foo bar"u8.ToArray(), body.Memory.ToArray());
    }

    [Fact]
    public async Task A_list_may_be_empty_and_an_echo_too()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        Task<IReadOnlyList<ulong>> list = client.ListAsync().AsTask();
        Task<MessageBody> echo = client.EchoAsync(default).AsTask();
        await peer.SendAsync(Frames.List(false), Frames.Echo());
        Assert.Empty(await list.Soon());
        using MessageBody body = await echo.Soon();
        Assert.True(body.Memory.IsEmpty);
    }

    [Theory]
    [InlineData(RelayOptions.None, 0)]
    [InlineData(RelayOptions.BestEffort, 2)]
    public async Task A_relay_is_the_bytes_of_the_protocol(RelayOptions options, byte flags)
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        await client.RelayAsync(5, new byte[] { 1, 2 }, options);
        await client.RelayAsync(new ulong[] { 5, 300 }, ReadOnlyMemory<byte>.Empty, options);
        ReceivedFrame one = await peer.ReadAsync();
        Assert.Equal(new FrameHeader(FrameType.Relay, flags, 1, 10), one.Header);
        Assert.Equal([5, 0, 0, 0, 0, 0, 0, 0, 1, 2], one.Payload);
        ReceivedFrame two = await peer.ReadAsync();
        Assert.Equal(new FrameHeader(FrameType.Relay, flags, 2, 16), two.Header);
        Assert.Equal(Frames.U64(5, 300), two.Payload);
    }

    [Fact]
    public async Task The_callers_memory_is_free_when_a_relay_completes()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        byte[] body = new byte[200_000];
        for (byte round = 0; round < 20; round++)
        {
            Array.Fill(body, round);
            await client.RelayAsync(1, body);
        }

        for (byte round = 0; round < 20; round++)
        {
            ReceivedFrame frame = await peer.ExpectAsync(FrameType.Relay);
            Assert.True(frame.Payload.AsSpan(8).IndexOfAnyExcept(round) < 0);
        }
    }

    [Fact]
    public async Task Receipts_and_errors_come_to_the_relay_in_whose_place_they_stand()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        Task<Receipt> first = client.RelayWithReceiptAsync(new ulong[] { 2, 9, 2 }, "a"u8.ToArray()).AsTask();
        Task<Receipt> second = client.RelayWithReceiptAsync(2, "b"u8.ToArray(), RelayOptions.BestEffort).AsTask();
        Task<Receipt> third = client.RelayWithReceiptAsync(2, "c"u8.ToArray()).AsTask();
        ReceivedFrame[] relays = [await peer.ReadAsync(), await peer.ReadAsync(), await peer.ReadAsync()];
        Assert.Equal([1, 3, 1], relays.Select(relay => relay.Header.Flags));
        Assert.Equal(3, relays.Select(relay => relay.U64()).Distinct().Count());
        await peer.SendAsync(
            Frames.Receipt(relays[0].U64(), Outcome.Accepted, Outcome.Unknown, Outcome.Held),
            Frames.Error(ProtocolCode.FrameTooLarge, "too big", relays[1].U64()),
            Frames.Receipt(relays[2].U64(), Outcome.Delivered));
        Receipt receipt = await first.Soon();
        Assert.Equal([new(2, Outcome.Accepted), new(9, Outcome.Unknown), new(2, Outcome.Held)], receipt.Entries);
        Assert.False(receipt.AllAccepted);
        var error = await Assert.ThrowsAsync<HubRequestException>(() => second.Soon());
        Assert.Equal((ProtocolCode.FrameTooLarge, "too big"), (error.Code, error.Text));
        Assert.True((await third.Soon()).AllAccepted);
    }

    [Fact]
    public async Task An_error_belongs_to_the_oldest_request_and_those_behind_it_get_their_own_answers()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        Task<IReadOnlyList<ulong>> list = client.ListAsync().AsTask();
        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        await peer.SendAsync(Frames.Error(ProtocolCode.RateLimited, "slower"), Frames.Identity(4));
        Assert.Equal(ProtocolCode.RateLimited, (await Assert.ThrowsAsync<HubRequestException>(() => list.Soon())).Code);
        Assert.Equal(4UL, await identity.Soon());
        Assert.Equal(ConnectionState.Connected, client.ConnectionState);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_error_of_a_plain_relay_is_told_from_one_of_the_request_behind_it(bool isTheRelays)
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        var rejected = new TaskCompletionSource<HubRequestException>();
        client.RelayRejected += (_, args) => rejected.TrySetResult(args.Error);
        await client.RelayAsync(2, "x"u8.ToArray());
        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        await peer.ExpectAsync(FrameType.Relay);
        await peer.ExpectAsync(FrameType.Heartbeat);
        await peer.ExpectAsync(FrameType.Identity);
        byte[] error = Frames.Error(ProtocolCode.RateLimited, "slower");
        if (isTheRelays)
        {
            await peer.SendAsync(error, Frames.Heartbeat(), Frames.Identity(8));
            Assert.Equal(8UL, await identity.Soon());
            Assert.Equal("slower", (await rejected.Task.Soon()).Text);
        }
        else
        {
            await peer.SendAsync(Frames.Heartbeat(), error);
            await Assert.ThrowsAsync<HubRequestException>(() => identity.Soon());
            Assert.False(rejected.Task.IsCompleted);
        }
    }

    [Fact]
    public async Task Only_the_first_request_behind_a_plain_relay_needs_a_fence()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        await client.RelayAsync(2, default);
        Task<Receipt> receipt = client.RelayWithReceiptAsync(2, default).AsTask();
        Task<ulong> one = client.GetIdentityAsync().AsTask();
        Task<ulong> two = client.GetIdentityAsync().AsTask();
        await peer.ExpectAsync(FrameType.Relay);
        ulong correlation = (await peer.ExpectAsync(FrameType.Relay)).U64();
        await peer.ExpectAsync(FrameType.Heartbeat);
        await peer.ExpectAsync(FrameType.Identity);
        await peer.ExpectAsync(FrameType.Identity);

        // What comes before the heartbeat's answer can only be the plain relay's: the receipt's own errors carry a correlation.
        var rejected = new TaskCompletionSource();
        client.RelayRejected += (_, _) => rejected.TrySetResult();
        await peer.SendAsync(
            Frames.Error(ProtocolCode.Overloaded, ""), Frames.Receipt(correlation, Outcome.Accepted), Frames.Heartbeat(), Frames.Identity(1), Frames.Identity(1));
        await Task.WhenAll(rejected.Task, receipt, one, two).Soon();
    }

    [Fact]
    public async Task The_answer_to_a_cancelled_call_is_swallowed_in_its_place()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        using var cancel = new CancellationTokenSource();
        Task[] cancelled =
        [
            client.EchoAsync("gone"u8.ToArray(), cancel.Token).AsTask(),
            client.ListAsync(cancel.Token).AsTask(),
            client.RelayWithReceiptAsync(2, default, default, cancel.Token).AsTask(),
            client.GetIdentityAsync(cancel.Token).AsTask(),
        ];
        Task<MessageBody> kept = client.EchoAsync("kept"u8.ToArray()).AsTask();
        await peer.ExpectAsync(FrameType.Echo);
        await peer.ExpectAsync(FrameType.List);
        ulong correlation = (await peer.ExpectAsync(FrameType.Relay)).U64();
        await peer.ExpectAsync(FrameType.Identity);
        await peer.ExpectAsync(FrameType.Echo);
        await cancel.CancelAsync();
        foreach (Task call in cancelled)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.Soon());
        }

        await peer.SendAsync(
            Frames.Echo("gone"u8.ToArray()), Frames.List(true, 2), Frames.List(false, 3), Frames.Receipt(correlation, Outcome.Full),
            Frames.Identity(1), Frames.Echo("kept"u8.ToArray()));
        using MessageBody body = await kept.Soon();
        Assert.Equal("kept"u8.ToArray(), body.Memory.ToArray());
    }

    [Fact]
    public async Task A_call_with_a_cancelled_token_is_not_sent()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        var cancelled = new CancellationToken(true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.RelayAsync(2, default, default, cancelled).AsTask());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.ListAsync(cancelled).AsTask());
        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        await peer.ExpectAsync(FrameType.Identity);
        await peer.SendAsync(Frames.Identity(1));
        await identity.Soon();
    }

    [Fact]
    public async Task What_the_hub_would_refuse_is_refused_before_it_is_sent_naming_value_and_limit()
    {
        await using var hub = new ScriptedHub();
        Task<HubClient> connecting = HubClient.ConnectAsync(hub.Options).AsTask();
        await hub.WelcomeAsync(1, maxBody: 100, maxReceivers: 3);
        await using HubClient client = await connecting.Soon();
        AssertNames(await Assert.ThrowsAsync<ArgumentException>(() => client.RelayAsync(2, new byte[101]).AsTask()), "101", "100");
        AssertNames(await Assert.ThrowsAsync<ArgumentException>(() => client.RelayAsync(new ulong[4], default).AsTask()), "4", "3");
        AssertNames(await Assert.ThrowsAsync<ArgumentException>(() => client.RelayWithReceiptAsync(ReadOnlyMemory<ulong>.Empty, default).AsTask()), "0", "3");
        AssertNames(await Assert.ThrowsAsync<ArgumentException>(() => client.EchoAsync(new byte[(1 << 20) + 1]).AsTask()), "1048577", "1048576");
        AssertNames(await Assert.ThrowsAsync<ArgumentException>(() => client.RelayAsync(2, default, (RelayOptions)8).AsTask()), "8");
        AssertNames(await Assert.ThrowsAsync<ArgumentException>(() => client.RelayAsync(2, default, RelayOptions.Confirm).AsTask()), "receipt");
    }

    public static TheoryData<byte[]> Violations => new(
        Frames.List(false),
        Frames.Echo(1),
        Frames.Heartbeat(),
        Frames.Receipt(1, Outcome.Accepted),
        Frames.Of(FrameType.IdentityReply, 0, 0, new byte[7]),
        Frames.Error(ProtocolCode.FrameTooLarge, "", 99),
        Frames.Of(FrameType.Error, 3, 1, new byte[7]),
        Frames.Of(FrameType.Delivery, 0, 0, new byte[7]),
        Frames.Of(FrameType.Presence, 1, 0, new byte[8]),
        Frames.Of(FrameType.AckReply, 0, 0, new byte[8]),
        Frames.Welcome(2),
        Frames.Of((FrameType)0xFE));

    [Theory]
    [MemberData(nameof(Violations))]
    public async Task A_frame_that_is_not_due_closes_with_a_protocol_error(byte[] frame)
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        await peer.SendAsync(frame);
        var error = await Assert.ThrowsAsync<HubConnectionException>(() => identity.Soon());
        Assert.Equal(ProtocolCode.ProtocolError, error.Code);
        await client.Closed.Soon();
        Assert.Same(error, client.CloseReason);
        await peer.ReadToEndAsync();
    }

    [Theory]
    [InlineData(0, 1, 1)]
    [InlineData(1, 2, 2)]
    [InlineData(0, 2, 1)]
    public async Task A_receipt_that_is_not_this_relays_is_a_protocol_error(ulong offset, int argument, int outcomes)
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        Task<Receipt> receipt = client.RelayWithReceiptAsync(new ulong[] { 2, 3 }, default).AsTask();
        ulong correlation = (await peer.ReadAsync()).U64();
        await peer.SendAsync(Frames.Of(FrameType.Receipt, argument, 0, Frames.U64(correlation + offset), new byte[outcomes]));
        var error = await Assert.ThrowsAsync<HubConnectionException>(() => receipt.Soon());
        Assert.Equal(ProtocolCode.ProtocolError, error.Code);
    }

    private static void AssertNames(ArgumentException error, params string[] parts) =>
        Assert.All(parts, part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
}
