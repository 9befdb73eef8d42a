using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;
using Xunit.Sdk;

namespace MessageDelivery.Integration.Tests.Support;

/// <summary>One socket to a hub that says and expects bytes; every wait ends after <see cref="Patience"/>.</summary>
internal sealed class RawConnection : IAsyncDisposable
{
    /// <summary>How long something may take that should happen at once; only a failing test waits so long.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly WireConnection _wire;

    // A read that was begun to see whether something comes, and has to be waited for by the next.
    private Task<int>? _reading;

    private RawConnection(WireConnection wire) => _wire = wire;

    /// <summary>The id the hub gave, once a greeting has told it.</summary>
    public ulong UserId { get; private set; }

    /// <summary>Connects; a small <paramref name="receiveBufferBytes"/> makes a receiver that is soon full.</summary>
    public static async Task<RawConnection> ConnectAsync(IPEndPoint hub, int? receiveBufferBytes = null)
    {
        using var patience = new CancellationTokenSource(Patience);
        return new(await WireConnection.ConnectAsync(
            hub, receiveBufferBytes is { } size ? socket => socket.ReceiveBufferSize = size : null, cancellationToken: patience.Token));
    }

    /// <summary>Its own end.</summary>
    public IPEndPoint Local => (IPEndPoint)_wire.Socket.LocalEndPoint!;

    /// <summary>Is gone without a word: from now on nothing that is sent to it is answered, not even by its kernel.</summary>
    public void Vanish() => PacketFilter.DropEverything(_wire.Socket);

    /// <summary>The protocol and the cipher, once it is secured.</summary>
    public SslStream? Tls => _wire.Tls;

    /// <summary>Shakes hands; what is sent and expected from then on is what is inside.</summary>
    public async Task<RawConnection> SecureAsync(SslClientAuthenticationOptions options)
    {
        using var patience = new CancellationTokenSource(Patience);
        await _wire.SecureAsync(options, patience.Token);
        return this;
    }

    /// <summary>Asks for a WebSocket; what is sent and expected from then on are its payloads.</summary>
    public Task<RawConnection> UpgradeAsync(string host = "localhost") => UpgradeWithAsync(WebSocketFrames.Request(host));

    /// <summary>The same with a request, or its rest, in other words.</summary>
    public async Task<RawConnection> UpgradeWithAsync(string request)
    {
        using var patience = new CancellationTokenSource(Patience);
        await _wire.UpgradeWithAsync(request, patience.Token);
        return this;
    }

    /// <summary>The answer to a request for a WebSocket was taken, and what is behind it are frames.</summary>
    public void BecomeWebSocket() => _wire.BecomeWebSocket();

    /// <summary>What has come of a WebSocket's own.</summary>
    public WebSocketFrames WebSocket => _wire.WebSocket!;

    /// <summary>Sends a WebSocket's frames as they are.</summary>
    public async Task SendFramesAsync(params byte[][] frames)
    {
        using var patience = new CancellationTokenSource(Patience);
        await _wire.SendRawAsync(Frames.Join(frames), patience.Token);
    }

    /// <summary>Says HELLO and expects its WELCOME.</summary>
    public async Task<RawConnection> HelloAsync(string token = "")
    {
        await SendAsync(Frames.Hello(token));
        Frame welcome = await FrameAsync(FrameType.Welcome);
        UserId = welcome.Number(0);
        return this;
    }

    /// <summary>Asks for its id as a text user, with a token if there is one.</summary>
    public async Task<RawConnection> IdentifyAsync(string token = "")
    {
        const string Prefix = "[Server] Your ID is ";
        await SendAsync(token.Length == 0 ? "identity\n" : $"auth {token}\n");
        string line = await LineAsync();
        Assert.StartsWith(Prefix, line, StringComparison.Ordinal);
        UserId = ulong.Parse(line.AsSpan(Prefix.Length), System.Globalization.CultureInfo.InvariantCulture);
        return this;
    }

    public Task SendAsync(string text) => SendAsync(Encoding.UTF8.GetBytes(text));

    public Task SendAsync(params byte[][] frames) => SendAsync(Frames.Join(frames), Patience);

    /// <summary>Sends, in as many segments as TCP likes; the hub may make it wait for <paramref name="patience"/>.</summary>
    public async Task SendAsync(ReadOnlyMemory<byte> bytes, TimeSpan patience)
    {
        using var limit = new CancellationTokenSource(patience);
        await _wire.SendAsync(bytes, limit.Token);
    }

    /// <summary>Sends past TLS, as somebody between the two could.</summary>
    public async Task SendRawAsync(byte[] bytes) => await _wire.Socket.SendAsync(bytes);

    /// <summary>What was secured is broken: the hub ends it, in whatever way, and nothing more comes.</summary>
    public async Task ExpectBrokenAsync()
    {
        byte[] rest = new byte[1_024];
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            Assert.Equal(0, await Tls!.ReadAsync(rest, patience.Token));
        }
        catch (IOException)
        {
            // A reset, or an end that was not said.
        }
    }

    /// <summary>Sends one byte at a time, with pauses so that the hub reads many of them one by one.</summary>
    public async Task SendByteByByteAsync(byte[] bytes)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            await SendAsync([bytes[i]]);
            if (i < 64)
            {
                await Task.Delay(1);
            }
        }
    }

    public void HalfClose() => _wire.Socket.Shutdown(SocketShutdown.Send);

    /// <summary>Says that nothing follows, in TLS, and goes on reading.</summary>
    public Task CloseNotifyAsync() => Tls!.ShutdownAsync();

    /// <summary>Resets the connection.</summary>
    public void Abort() => _wire.Reset();

    public async Task<byte[]> ReadAsync(int count, string expected = "bytes")
    {
        while (_wire.Received.Count < count)
        {
            if (!await ReceiveAsync(expected))
            {
                throw new XunitException($"Expected {expected} ({count} bytes), but the hub closed after {Unread()}");
            }
        }

        return _wire.Received.Take(count).ToArray();
    }

    public Task ExpectAsync(params byte[][] frames) => ExpectBytesAsync(Frames.Join(frames));

    public Task ExpectAsync(string text) => ExpectBytesAsync(Encoding.UTF8.GetBytes(text));

    public async Task ExpectLinesAsync(params string[] lines) => await ExpectAsync(string.Join('\n', lines) + "\n");

    public async Task<Frame> FrameAsync()
    {
        byte[] header = await ReadAsync(8, "a frame");
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(4));
        Assert.True(length <= 1_048_584, $"A frame of {length} bytes: {Show(header)}");
        byte[] payload = await ReadAsync((int)length, "a frame's payload");
        return new((FrameType)header[0], header[1], BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(2)), payload);
    }

    public async Task<Frame> FrameAsync(FrameType type)
    {
        Frame frame = await FrameAsync();
        return frame.Type == type ? frame : throw new XunitException($"Expected {type}, got {frame}");
    }

    public async Task ExpectErrorAsync(ProtocolCode code, ulong? correlation = null)
    {
        Frame frame = await FrameAsync(FrameType.Error);
        Assert.Equal((code, (byte)(correlation is null ? 0 : 1), correlation), (frame.Code, frame.Flags, frame.Correlation));
    }

    public async Task ExpectGoodbyeAsync(ProtocolCode code)
    {
        Frame frame = await FrameAsync(FrameType.GoodbyeReply);
        Assert.Equal((code, 0), (frame.Code, frame.Flags));
    }

    /// <summary>Reads a line and returns it without its LF.</summary>
    public async Task<string> LineAsync()
    {
        ReadOnlyMemory<byte> line;
        while (!_wire.Received.TryTakeLine(out line))
        {
            if (!await ReceiveAsync("a line"))
            {
                throw new XunitException($"Expected a line, but the hub closed after {Unread()}");
            }
        }

        return Encoding.UTF8.GetString(line.Span);
    }

    /// <summary>Reads a line, which must be an error of this name.</summary>
    public async Task<string> ErrorLineAsync(string name)
    {
        string line = await LineAsync();
        Assert.StartsWith($"[Server] Error: {name}: ", line, StringComparison.Ordinal);
        return line;
    }

    /// <summary>Nothing comes, and the hub does not close, for a tenth of a second.</summary>
    public async Task ExpectNothingAsync()
    {
        await Task.Delay(100);
        if (_wire.Received.Count > 0 || (Tls is null && _wire.WebSocket is null ? _wire.Socket.Poll(0, SelectMode.SelectRead) : await IsReadableInsideAsync()))
        {
            throw new XunitException(await ReceiveAsync("nothing") ? $"Expected nothing, got {Unread()}" : "The hub closed");
        }
    }

    /// <summary>The hub closes, and nothing comes before that; a reset is as good as an end unless told otherwise.</summary>
    public async Task ExpectClosedAsync(bool orderly = false)
    {
        if (_wire.Received.Count > 0 || await ReceiveAsync("the end", orderly))
        {
            throw new XunitException($"Expected the end, got {Unread()}");
        }
    }

    /// <summary>Reads what comes until the hub closes.</summary>
    public async Task<byte[]> ReadToEndAsync()
    {
        var all = new MemoryStream();
        do
        {
            all.Write(_wire.Received.Take(_wire.Received.Count).Span);
        }
        while (await ReceiveAsync("the end"));
        return all.ToArray();
    }

    /// <summary>What has come already and was not expected; nothing if the hub has closed.</summary>
    public async Task<byte[]> TakeReceivedAsync()
    {
        if (_wire.Received.Count == 0 && !_wire.Socket.SafeHandle.IsClosed && _wire.Socket.Poll(0, SelectMode.SelectRead))
        {
            await ReceiveAsync("nothing");
        }

        return _wire.Received.Unread.ToArray();
    }

    public ValueTask DisposeAsync()
    {
        _wire.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Bytes as text where they are, and in hex where not, cut to what a person reads.</summary>
    public static string Show(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder();
        foreach (byte b in bytes[..Math.Min(bytes.Length, 200)])
        {
            text.Append(b is >= 0x20 and < 0x7F ? ((char)b).ToString() : $"<{b:x2}>");
        }

        return bytes.Length > 200 ? $"{text}… ({bytes.Length} bytes)" : text.ToString();
    }

    private async Task ExpectBytesAsync(byte[] expected)
    {
        if (!await TryExpectAsync(expected))
        {
            throw new XunitException($"Expected '{Show(expected)}', but the hub closed");
        }
    }

    /// <summary>Expects these bytes; false if the hub closed before they had come.</summary>
    public async Task<bool> TryExpectAsync(byte[] expected)
    {
        int matched = 0;
        while (matched < expected.Length)
        {
            if (_wire.Received.Count == 0 && !await ReceiveAsync($"'{Show(expected.AsSpan(matched))}'"))
            {
                return false;
            }

            int count = Math.Min(_wire.Received.Count, expected.Length - matched);
            int same = _wire.Received.Unread.Span[..count].CommonPrefixLength(expected.AsSpan(matched, count));
            if (same < count)
            {
                throw new XunitException(
                    $"Expected '{Show(expected.AsSpan(matched + same))}' at byte {matched + same}, got {Unread(same)}");
            }

            _wire.Received.Take(count);
            matched += count;
        }

        return true;
    }

    private string Unread(int from = 0) => $"'{Show(_wire.Received.Unread.Span[from..])}'";

    private async Task<bool> ReceiveAsync(string expected, bool orderly = false)
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            var reading = _reading ?? _wire.ReceiveSomeAsync(cancellationToken: patience.Token).AsTask();
            _reading = null;
            return await reading.WaitAsync(patience.Token) > 0;
        }
        catch (OperationCanceledException)
        {
            throw new XunitException($"Expected {expected}; nothing came for {Patience.TotalSeconds} s after {Unread()}");
        }
        catch (IOException e) when (!orderly && e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset or SocketError.Shutdown })
        {
            return false;
        }
        catch (SocketException e) when (!orderly && e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            return false;
        }
    }

    /// <summary>What comes on the socket may be that of TLS or WebSocket: only what is inside counts.</summary>
    private async Task<bool> IsReadableInsideAsync()
    {
        _reading ??= _wire.ReceiveSomeAsync().AsTask();
        await Task.WhenAny(_reading, Task.Delay(20));
        return _reading.IsCompleted;
    }
}
