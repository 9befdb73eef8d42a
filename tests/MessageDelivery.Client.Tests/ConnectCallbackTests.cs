using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Channels;
using MessageDelivery.Protocol;

namespace MessageDelivery.Client.Tests;

/// <summary>A client whose connections are streams that the program makes.</summary>
public sealed class ConnectCallbackTests
{
    private readonly Channel<PipeStream> _hubEnds = Channel.CreateUnbounded<PipeStream>();
    private readonly List<PipeStream> _clientEnds = [];
    private readonly List<HubConnectContext> _calls = [];

    private HubClientOptions Options => new()
    {
        Host = "hub.example",
        Port = 7,
        CloseTimeout = TimeSpan.Zero,
        Reconnect = new() { InitialDelay = TimeSpan.Zero, MaxDelay = TimeSpan.Zero },
        ConnectCallback = (context, _) => new(Connect(context)),
    };

    private PipeStream Connect(HubConnectContext context, Action<PipeStream>? prepare = null)
    {
        var pair = new MemoryStreamPair();
        prepare?.Invoke(pair.Client);
        _calls.Add(context);
        _clientEnds.Add(pair.Client);
        Assert.True(_hubEnds.Writer.TryWrite(pair.Hub));
        return pair.Client;
    }

    private async Task<(HubClient Client, Stream Hub)> ConnectAsync(HubClientOptions options)
    {
        Task<HubClient> connecting = HubClient.ConnectAsync(options).AsTask();
        Stream hub = await AcceptAsync();
        await ExpectAsync(hub, FrameType.Hello);
        await hub.WriteAsync(Frames.Welcome(1, key: 1));
        return (await connecting.Soon(), hub);
    }

    private async Task<PipeStream> AcceptAsync() => await _hubEnds.Reader.ReadAsync().Soon();

    private static async Task<ReceivedFrame> ExpectAsync(Stream hub, FrameType type)
    {
        byte[] bytes = new byte[ProtocolLimits.HeaderBytes];
        await hub.ReadExactlyAsync(bytes).Soon();
        var header = FrameHeader.Read(bytes);
        byte[] payload = new byte[header.Length];
        await hub.ReadExactlyAsync(payload).Soon();
        Assert.Equal(type, header.Type);
        return new(header, payload);
    }

    private static async Task EchoAsync(HubClient client, Stream hub, int bytes = 3)
    {
        byte[] message = new byte[bytes];
        Task<MessageBody> echo = client.EchoAsync(message).AsTask();
        ReceivedFrame asked = await ExpectAsync(hub, FrameType.Echo);
        await hub.WriteAsync(Frames.Echo(asked.Payload)).Soon();
        using MessageBody answer = await echo.Soon();
        Assert.Equal(message, answer.Memory.ToArray());
    }

    [Fact]
    public async Task It_makes_the_first_connection_and_each_further_one_and_the_session_is_resumed_over_it()
    {
        (HubClient client, Stream hub) = await ConnectAsync(Options);
        await using var _ = client;
        await EchoAsync(client, hub);
        await client.RelayAsync(2, "kept"u8.ToArray());
        await ExpectAsync(hub, FrameType.Relay);
        await hub.DisposeAsync();

        Stream second = await AcceptAsync();
        ReceivedFrame hello = await ExpectAsync(second, FrameType.Hello);
        Assert.Equal((byte)HelloFlags.All, hello.Header.Flags);
        await second.WriteAsync(Frames.Welcome(1, key: 1, resumed: true));
        ReceivedFrame relay = await ExpectAsync(second, FrameType.Relay);
        Assert.Equal("kept"u8.ToArray(), relay.Payload[8..]);
        Assert.Equal(1UL, client.UserId);
        Assert.Equal([("hub.example", 7), ("hub.example", 7)], _calls.Select(call => (call.Host, call.Port)));
        await Soonness.UntilAsync(() => _clientEnds[0].Disposals > 0);
        Assert.Equal(0, _clientEnds[1].Disposals);
    }

    [Theory]
    [InlineData("follows its tokens only")]
    [InlineData("ends when disposed of only")]
    [InlineData("gives one byte at a time")]
    [InlineData("keeps what is not flushed")]
    public async Task Any_stream_will_do(string kind)
    {
        (HubClient client, Stream hub) = await ConnectAsync(Options with
        {
            ConnectCallback = (context, _) => new(Connect(context, stream =>
            {
                stream.IgnoresDispose = kind == "follows its tokens only";
                stream.IgnoresTokens = kind == "ends when disposed of only";
                stream.Trickles = kind == "gives one byte at a time";
                stream.Buffers = kind == "keeps what is not flushed";
            })),
        });
        await EchoAsync(client, hub, bytes: 10_000);
        await hub.WriteAsync(Frames.Delivery(2, 1, 2, 3));
        await using IAsyncEnumerator<Delivery> reader = client.ReceiveAsync().GetAsyncEnumerator();
        Assert.True(await reader.MoveNextAsync().Soon());
        Assert.Equal([1, 2, 3], reader.Current.Body.ToArray());
        await client.DisposeAsync().Soon();
        Assert.True(_clientEnds[0].Disposals > 0);
        Assert.Equal(kind == "ends when disposed of only", _clientEnds[0].WasDisposedWhilePending);
    }

    [Fact]
    public async Task A_goodbye_is_said_over_it()
    {
        (HubClient client, Stream hub) = await ConnectAsync(Options);
        Task close = client.CloseAsync().AsTask();
        await ExpectAsync(hub, FrameType.Goodbye);
        await hub.WriteAsync(Frames.Goodbye(ProtocolCode.Normal));
        await close.Soon();
        await client.DisposeAsync().Soon();
        Assert.True(_clientEnds[0].Disposals > 0);
    }

    [Fact]
    public async Task Writing_waits_for_the_other_end_and_ends_with_the_client()
    {
        (HubClient client, Stream _) = await ConnectAsync(Options with { SendBufferBytes = 1 });
        byte[] body = new byte[256 * 1024];
        await client.RelayAsync(2, body);
        Task second = client.RelayAsync(2, body).AsTask();
        await Task.Delay(20);
        Assert.False(second.IsCompleted);
        await client.DisposeAsync().Soon();
        await Assert.ThrowsAnyAsync<HubConnectionException>(() => second.Soon());
        Assert.False(_clientEnds[0].WasDisposedWhilePending);
    }

    [Fact]
    public async Task The_end_of_what_the_hub_writes_is_a_lost_connection()
    {
        (HubClient client, Stream hub) = await ConnectAsync(Options);
        await using var _ = client;
        await hub.WriteAsync(Frames.Delivery(2));
        ((PipeStream)hub).EndWriting();
        await AcceptAsync();
        Assert.Equal(ConnectionState.Reconnecting, client.ConnectionState);
        await using IAsyncEnumerator<Delivery> reader = client.ReceiveAsync().GetAsyncEnumerator();
        Assert.True(await reader.MoveNextAsync().Soon());
    }

    [Fact]
    public async Task TLS_goes_on_top_of_it()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 certificate = new CertificateRequest("CN=hub", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        HubClientOptions options = Options with { Tls = new() { Pin = Convert.ToHexString(SHA256.HashData(certificate.RawData)) } };
        Task<HubClient> connecting = HubClient.ConnectAsync(options).AsTask();
        await using var hub = new SslStream(await AcceptAsync());
        await hub.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }).Soon();
        await ExpectAsync(hub, FrameType.Hello);
        await hub.WriteAsync(Frames.Welcome(1, key: 1));
        HubClient client = await connecting.Soon();
        await EchoAsync(client, hub, bytes: 100_000);
        await client.DisposeAsync().Soon();
        Assert.True(_clientEnds[0].Disposals > 0);

        // Another certificate is refused as it is over a socket.
        connecting = HubClient.ConnectAsync(options with { Tls = new() { Pin = new('a', 64) } }).AsTask();
        await using var other = new SslStream(await AcceptAsync());
        await Record.ExceptionAsync(() => other.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }).Soon());
        await Assert.ThrowsAsync<HubTlsException>(() => connecting.Soon());
        Assert.True(_clientEnds[1].Disposals > 0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_TLS_handshake_that_nobody_answers_ends_in_time(bool ignoresTokens)
    {
        HubClientOptions options = Options with
        {
            Tls = new(),
            ConnectTimeout = TimeSpan.FromMilliseconds(50),
            ConnectCallback = (context, _) => new(Connect(context, stream => stream.IgnoresTokens = ignoresTokens)),
        };
        var error = await Assert.ThrowsAsync<HubConnectionException>(() => HubClient.ConnectAsync(options).Soon());
        Assert.IsType<TimeoutException>(error.InnerException);
        Assert.True(_clientEnds[0].Disposals > 0);
    }

    [Fact]
    public async Task What_it_throws_is_a_failed_attempt()
    {
        int attempts = 0;
        HubClientOptions options = Options;
        (HubClient client, Stream hub) = await ConnectAsync(options with
        {
            ConnectCallback = (context, token) => Interlocked.Increment(ref attempts) switch
            {
                2 => throw new InvalidOperationException("no tunnel"),
                3 => ValueTask.FromException<Stream>(new IOException("no tunnel")),
                4 => ValueTask.FromCanceled<Stream>(new(canceled: true)),
                5 => new((Stream)null!),
                6 => new(new MemoryStream([1], writable: false)),
                _ => options.ConnectCallback!(context, token),
            },
        });
        await using var _ = client;
        await hub.DisposeAsync();
        Stream next = await AcceptAsync();
        await ExpectAsync(next, FrameType.Hello);
        await next.WriteAsync(Frames.Welcome(1, key: 1, resumed: true));
        await EchoAsync(client, next);
        Assert.Equal(7, attempts);
    }

    [Fact]
    public async Task As_many_attempts_fail_as_the_policy_allows()
    {
        int attempts = 0;
        HubClientOptions options = Options;
        (HubClient client, Stream hub) = await ConnectAsync(options with
        {
            Reconnect = options.Reconnect! with { MaxAttempts = 3 },
            ConnectCallback = (context, token) => ++attempts == 1 ? options.ConnectCallback!(context, token) : throw new IOException("no tunnel"),
        });
        await using var _ = client;
        await hub.DisposeAsync();
        await client.Closed.Soon();
        Assert.Equal((4, null, ReconnectAdvice.Yes), (attempts, client.CloseReason!.Code, client.CloseReason.ReconnectAdvice));
        Assert.Equal("no connection to hub.example:7: ConnectCallback failed: no tunnel", client.CloseReason.Message);
        Assert.IsType<IOException>(client.CloseReason.InnerException);
    }

    [Fact]
    public async Task A_connection_exception_that_it_throws_is_taken_as_it_is()
    {
        var final = new HubConnectionException(ProtocolCode.Removed, "no more");
        Assert.Same(final, await Assert.ThrowsAsync<HubConnectionException>(
            () => HubClient.ConnectAsync(Options with { ConnectCallback = (_, _) => throw final }).AsTask()));
    }

    [Fact]
    public async Task A_stream_that_comes_too_late_is_disposed_of()
    {
        var late = new TaskCompletionSource<Stream>();
        HubClientOptions options = Options with
        {
            ConnectTimeout = TimeSpan.FromMilliseconds(50),
            ConnectCallback = (_, _) => new(late.Task),
        };
        var error = await Assert.ThrowsAsync<HubConnectionException>(() => HubClient.ConnectAsync(options).Soon());
        Assert.IsType<TimeoutException>(error.InnerException);
        PipeStream stream = new MemoryStreamPair().Client;
        late.SetResult(stream);
        await Soonness.UntilAsync(() => stream.Disposals > 0);
    }

    [Fact]
    public async Task Closing_does_not_wait_for_it()
    {
        int attempts = 0;
        var second = new TaskCompletionSource();
        HubClientOptions options = Options;
        (HubClient client, Stream hub) = await ConnectAsync(options with
        {
            ConnectTimeout = Timeout.InfiniteTimeSpan,
            ConnectCallback = (context, token) =>
            {
                if (++attempts == 1)
                {
                    return options.ConnectCallback!(context, token);
                }

                second.SetResult();
                return new(new TaskCompletionSource<Stream>().Task);
            },
        });
        await hub.DisposeAsync();
        await second.Task.Soon();
        await client.DisposeAsync().Soon();
        Assert.Equal(ConnectionState.Closed, client.ConnectionState);
    }

    [Fact]
    public async Task A_refusal_gives_the_stream_back()
    {
        Task<HubClient> connecting = HubClient.ConnectAsync(Options).AsTask();
        Stream hub = await AcceptAsync();
        await hub.WriteAsync(Frames.Goodbye(ProtocolCode.TooManyConnections));
        await Assert.ThrowsAsync<HubConnectionException>(() => connecting.Soon());
        Assert.True(_clientEnds[0].Disposals > 0);
    }
}
