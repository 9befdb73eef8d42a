using System.Net.WebSockets;
using MessageDelivery.Hub;
using MessageDelivery.Integration.Tests.Access;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;

namespace MessageDelivery.Integration.Tests.WebSockets;

/// <summary>What is a WebSocket's own: pings, closes, messages, heartbeats, and that sessions go on over it as over TCP.</summary>
public sealed class WebSocketTests
{
    private const byte Ping = 0x89;
    private const byte Close = 0x88;

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData(30, 60)]
    [InlineData(90, 90)]
    [InlineData(0, 0)]
    public async Task Its_heartbeat_is_at_least_a_minute(int hub, int told)
    {
        await using var running = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.FromSeconds(hub) });
        await using var alice = await (await running.ConnectAsync()).UpgradeAsync();
        await alice.SendAsync(Frames.Hello());
        await alice.ExpectAsync(Frames.Welcome(1, (ushort)told));
    }

    [Fact]
    public async Task A_ping_is_no_heartbeat()
    {
        await using var hub = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.FromSeconds(60) });
        await using var alice = await JoinAsync(hub);
        await hub.PassAsync(100 * Second);
        await alice.SendFramesAsync(WebSocketFrames.Frame([1], Ping));
        await alice.ExpectNothingAsync();
        Assert.Single(alice.WebSocket.Pongs);
        await hub.AdvanceUntilAsync(alice.ExpectGoodbyeAsync(ProtocolCode.HeartbeatTimeout), 10 * Second);
        await alice.ExpectClosedAsync();
        Assert.Equal(4009, alice.WebSocket.CloseCode);
    }

    [Theory]
    [InlineData(false, 0x89)]
    [InlineData(false, 0x8a)]
    [InlineData(false, 0x82)]
    [InlineData(true, 0x89)]
    [InlineData(true, 0x82)]
    public async Task What_brings_nothing_is_limited_like_errors(bool isBefore, byte frame)
    {
        await using var hub = await RunningHub.StartAsync(o => o with { Limits = new() { MaxErrorsPerMinute = 3 } });
        await using var alice = await JoinAsync(hub);
        await using var mallory = isBefore ? await (await hub.ConnectAsync()).UpgradeAsync() : await JoinAsync(hub);
        byte[] idle = WebSocketFrames.Frame([], frame);
        await alice.SendFramesAsync(idle, idle, idle);
        await mallory.SendFramesAsync(idle, idle, idle, idle);
        Assert.Contains("the limit (max-errors)", await mallory.GoodbyeTextAsync(ProtocolCode.RateLimited), StringComparison.Ordinal);
        await mallory.ExpectClosedAsync();
        Assert.Equal(4013, mallory.WebSocket.CloseCode);
        await ExpectServedAsync(alice);
    }

    [Fact]
    public async Task A_ping_is_answered_before_the_HELLO_and_while_nothing_is_sent()
    {
        await using var hub = await RunningHub.StartAsync();
        await using var alice = await (await hub.ConnectAsync()).UpgradeAsync();
        await alice.SendFramesAsync(WebSocketFrames.Frame("early"u8, Ping));
        await alice.HelloAsync();
        Assert.Equal("early"u8.ToArray(), Assert.Single(alice.WebSocket.Pongs));
    }

    /// <summary>A message that has begun is sent to its end before the pong.</summary>
    [Fact]
    public async Task A_pong_goes_between_messages_that_its_peer_is_slow_to_read()
    {
        await using var hub = await RunningHub.StartAsync(o => o with { SendBufferBytes = 16 << 10 });
        await using var alice = await (await (await hub.ConnectAsync(receiveBufferBytes: 4_096)).UpgradeAsync()).HelloAsync();
        await using var bob = await hub.BinaryAsync();
        byte[] body = new byte[1 << 20];
        Random.Shared.NextBytes(body);
        await bob.SendAsync(Frames.Relay(alice.UserId, body), Frames.Relay(alice.UserId, [1]));
        await hub.SettleAsync();
        await alice.SendFramesAsync(WebSocketFrames.Frame("here"u8, Ping));
        await hub.SettleAsync();
        await alice.ExpectAsync(Frames.Delivery(bob.UserId, body), Frames.Delivery(bob.UserId, [1]));
        await ExpectServedAsync(alice);
        Assert.Equal("here"u8.ToArray(), Assert.Single(alice.WebSocket.Pongs));
        Assert.InRange(alice.WebSocket.LongestMessage, 1, 64 << 10);
    }

    [Fact]
    public async Task HELLO_has_its_time_from_the_upgrade_on()
    {
        await using var hub = await RunningHub.StartAsync();
        await using var late = await hub.ConnectAsync();
        await late.SendAsync("GET /ws HTTP/1.1\r\n");
        await hub.SettleAsync();
        await hub.PassAsync(8 * Second);
        await late.UpgradeWithAsync(WebSocketFrames.Request("localhost")["GET /ws HTTP/1.1\r\n".Length..]);
        await late.SendAsync(Frames.Hello()[..5]);
        await hub.SettleAsync();
        await hub.PassAsync(8 * Second);
        await late.ExpectNothingAsync();
        await hub.AdvanceUntilAsync(late.ExpectGoodbyeAsync(ProtocolCode.HandshakeTimeout), Second);
        await late.ExpectClosedAsync();
        Assert.Equal(4008, late.WebSocket.CloseCode);
    }

    [Fact]
    public async Task The_words_of_a_close_are_cut_to_123_bytes()
    {
        await using var hub = await RunningHub.StartAsync();
        await using var stranger = await (await hub.ConnectAsync()).UpgradeAsync();
        await stranger.SendAsync(Frames.Build(FrameType.Hello, 0, 1, "MDSX"u8.ToArray()));
        string text = await stranger.GoodbyeTextAsync(ProtocolCode.ProtocolError);
        await stranger.ExpectClosedAsync(orderly: true);
        Assert.True(text.Length > 123);
        Assert.Equal(text[..123], stranger.WebSocket.CloseReason);
    }

    [Fact]
    public async Task Who_leaves_without_a_word_gets_no_close()
    {
        await using var hub = await RunningHub.StartAsync();
        await using var alice = await JoinAsync(hub);
        alice.HalfClose();
        await alice.ExpectClosedAsync(orderly: true);
        Assert.Null(alice.WebSocket.CloseCode);
    }

    [Fact]
    public async Task A_stopping_hub_closes_with_4001()
    {
        await using var hub = await RunningHub.StartAsync();
        await using var alice = await JoinAsync(hub);
        var stop = hub.StopAsync();
        await alice.ExpectGoodbyeAsync(ProtocolCode.ShuttingDown);
        await alice.ExpectClosedAsync();
        Assert.Equal(4001, alice.WebSocket.CloseCode);
        await alice.DisposeAsync();
        await stop.WaitAsync(RawConnection.Patience);
    }

    public static TheoryData<string> Losses => new("end", "reset", "close", "violation");

    /// <summary>However the connection is lost, the session stays, and goes on over either.</summary>
    [Theory]
    [MemberData(nameof(Losses))]
    public async Task A_session_goes_on_over_another_connection(string loss)
    {
        await using var hub = await RunningHub.StartAsync();
        await using var bob = await hub.BinaryAsync();
        foreach (bool isBackOverWebSocket in (bool[])[true, false])
        {
            await using var first = await (await hub.ConnectAsync()).UpgradeAsync();
            await first.SendAsync(Frames.HelloResumable());
            var welcome = await first.FrameAsync(FrameType.Welcome);
            ulong alice = welcome.Number(0);
            await bob.SendAsync(Frames.Relay(alice, [1]));
            await first.ExpectAsync(Frames.Delivery(bob.UserId, [1]));
            await LoseAsync(first, loss);
            await hub.SettleAsync();
            await bob.SendAsync(Frames.Relay(alice, [2], correlation: 7));
            await bob.ExpectAsync(Frames.Receipt(7, Outcome.Held));

            await using var second = await hub.ConnectAsync();
            if (isBackOverWebSocket)
            {
                await second.UpgradeAsync();
            }

            await second.SendAsync(Frames.HelloResume(welcome.Payload[16..32], framesReceived: 1));
            var resumed = await second.FrameAsync(FrameType.Welcome);
            Assert.Equal((alice, 3), (resumed.Number(0), resumed.Flags));
            Assert.Equal(isBackOverWebSocket ? 60 : 30, resumed.Payload[14] | (resumed.Payload[15] << 8));
            await second.ExpectAsync(Frames.Delivery(bob.UserId, [2]));
            await second.SendAsync(Frames.Goodbye);
            await second.ExpectGoodbyeAsync(ProtocolCode.Normal);
        }
    }

    [Fact]
    public async Task A_session_that_is_taken_over_ends_with_4011()
    {
        await using var hub = await RunningHub.StartAsync();
        await using var first = await (await hub.ConnectAsync()).UpgradeAsync();
        await first.SendAsync(Frames.HelloResumable());
        var welcome = await first.FrameAsync(FrameType.Welcome);
        await using var second = await (await hub.ConnectAsync()).UpgradeAsync();
        await second.SendAsync(Frames.HelloResume(welcome.Payload[16..32], framesReceived: 0));
        await second.FrameAsync(FrameType.Welcome);
        await first.ExpectGoodbyeAsync(ProtocolCode.TakenOver);
        await first.ExpectClosedAsync();
        Assert.Equal(4011, first.WebSocket.CloseCode);
    }

    [Fact]
    public async Task The_audit_says_that_it_was_one()
    {
        var audit = new ListAudit();
        await using (var hub = await RunningHub.StartAsync(o => o with { Audit = audit }))
        {
            await using var alice = await (await hub.ConnectAsync()).UpgradeAsync();
            await alice.SendAsync(Frames.HelloResumable());
            byte[] key = (await alice.FrameAsync(FrameType.Welcome)).Payload[16..32];
            alice.Abort();
            await hub.SettleAsync();
            await using var back = await (await hub.ConnectAsync()).UpgradeAsync();
            await back.SendAsync(Frames.HelloResume(key, framesReceived: 0));
            await back.FrameAsync(FrameType.Welcome);
        }

        Assert.Equal(["Joined", "Away", "Resumed", "Away", "Left shutting_down"], audit.Kinds(1));
        Assert.All(audit.Events.Where(happened => happened.UserId == 1), happened => Assert.Equal("websocket", happened.Protocol));
    }

    /// <summary>Browsers open connections and say nothing on them.</summary>
    [Fact]
    public async Task Silent_connections_are_no_users_where_that_is_off()
    {
        await using var hub = await RunningHub.StartAsync(o => o with { SilentUsers = SilentUsers.Off });
        await using var spare = await hub.ConnectAsync();
        await using var alice = await JoinAsync(hub);
        await hub.PassAsync(30 * Second);
        await RunningHub.ExpectListAsync(alice);
        await spare.IdentifyAsync();
        Assert.Equal(2UL, spare.UserId);
        await RunningHub.ExpectListAsync(alice, 2);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task NETs_own_client_speaks_with_a_user_of_TCP(bool isSecured)
    {
        await using var hub = await RunningHub.StartAsync(o => isSecured ? o with { Tls = TestCertificates.Tls() } : o);
        await using var bob = await hub.BinaryAsync();
        using var alice = new ClientWebSocket();
        using var patience = new CancellationTokenSource(RawConnection.Patience);
        alice.Options.AddSubProtocol("mds.v1");
        alice.Options.KeepAliveInterval = TimeSpan.FromMilliseconds(50);
        alice.Options.KeepAliveTimeout = RawConnection.Patience;
        alice.Options.RemoteCertificateValidationCallback = static (_, certificate, _, _) => TestCertificates.Hub.Equals(certificate);
        await alice.ConnectAsync(new($"{(isSecured ? "wss" : "ws")}://localhost:{hub.Endpoint.Port}/ws"), patience.Token);
        Assert.Equal("mds.v1", alice.SubProtocol);

        await alice.SendAsync(Frames.Hello(), WebSocketMessageType.Binary, endOfMessage: true, patience.Token);
        Assert.Equal(Frames.Welcome(2, heartbeat: 60), await ReadAsync(alice, 24, patience.Token));
        byte[] body = new byte[1 << 20];
        Random.Shared.NextBytes(body);
        await bob.SendAsync(Frames.Relay(2, body));
        byte[] delivery = Frames.Delivery(1, body);
        Assert.Equal(delivery, await ReadAsync(alice, delivery.Length, patience.Token));

        // In three fragments.
        byte[] relay = Frames.Relay(1, body);
        await alice.SendAsync(relay.AsMemory(0, 3), WebSocketMessageType.Binary, endOfMessage: false, patience.Token);
        await alice.SendAsync(relay.AsMemory(3, 100_000), WebSocketMessageType.Binary, endOfMessage: false, patience.Token);
        await alice.SendAsync(relay.AsMemory(100_003), WebSocketMessageType.Binary, endOfMessage: true, patience.Token);
        await bob.ExpectAsync(Frames.Delivery(2, body));

        await alice.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", patience.Token);
        Assert.Equal((WebSocketState.Closed, WebSocketCloseStatus.NormalClosure, "done"), (alice.State, alice.CloseStatus, alice.CloseStatusDescription));
        await hub.EventuallyAsync(async () => (await RunningHub.ListAsync(bob)).Length == 0);
    }

    [Fact]
    public async Task NETs_own_client_sees_how_the_hub_ends_it()
    {
        await using var hub = await RunningHub.StartAsync();
        using var alice = new ClientWebSocket();
        using var patience = new CancellationTokenSource(RawConnection.Patience);
        await alice.ConnectAsync(new($"ws://127.0.0.1:{hub.Endpoint.Port}/ws"), patience.Token);
        await alice.SendAsync("hi"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, patience.Token);
        var end = await alice.ReceiveAsync(new byte[100], patience.Token);
        Assert.Equal((WebSocketMessageType.Close, WebSocketCloseStatus.InvalidMessageType), (end.MessageType, alice.CloseStatus));
    }

    private static async Task<RawConnection> JoinAsync(RunningHub hub) => await (await (await hub.ConnectAsync()).UpgradeAsync()).HelloAsync();

    private static async Task ExpectServedAsync(RawConnection user)
    {
        await user.SendAsync(Frames.Echo([42]));
        await user.ExpectAsync(Frames.EchoReply([42]));
    }

    private static async Task LoseAsync(RawConnection connection, string how)
    {
        switch (how)
        {
            case "end":
                connection.HalfClose();
                await connection.ExpectClosedAsync();
                break;
            case "reset":
                connection.Abort();
                break;
            case "close":
                await connection.SendFramesAsync(WebSocketFrames.Frame([3, 233], Close));
                await connection.ExpectClosedAsync();
                Assert.Equal(1001, connection.WebSocket.CloseCode);
                break;
            default:
                await connection.SendFramesAsync([0x82, 0]);
                await connection.ExpectClosedAsync();
                Assert.Equal(1002, connection.WebSocket.CloseCode);
                break;
        }
    }

    private static async Task<byte[]> ReadAsync(ClientWebSocket socket, int count, CancellationToken cancellationToken)
    {
        byte[] bytes = new byte[count];
        for (int at = 0; at < count;)
        {
            var result = await socket.ReceiveAsync(bytes.AsMemory(at), cancellationToken);
            Assert.Equal(WebSocketMessageType.Binary, result.MessageType);
            at += result.Count;
        }

        return bytes;
    }
}
