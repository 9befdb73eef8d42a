using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace MessageDelivery.RawClient;

/// <summary>
/// A connection to a hub that sends bytes as they are and cuts what comes into frames or lines; in TLS once it is secured. The blocking
/// members are for a thread of its own, without TLS, and leave the socket blocking; the async ones are for crowds. One sends and one receives at a time.
/// </summary>
public sealed class WireConnection : IDisposable
{
    private const int DefaultBufferBytes = 16 << 10;

    // What has come of a WebSocket's frames.
    private byte[]? _frames;

    /// <param name="socket">A connected one, which is disposed with this.</param>
    /// <param name="bufferBytes">What is received at one go at most, until something longer comes.</param>
    public WireConnection(Socket socket, int bufferBytes = DefaultBufferBytes) => (Socket, Received) = (socket, new(bufferBytes));

    public Socket Socket { get; }

    /// <summary>Null without TLS.</summary>
    public SslStream? Tls { get; private set; }

    /// <summary>Null without a WebSocket.</summary>
    public WebSocketFrames? WebSocket { get; private set; }

    /// <summary>What has come and was not taken.</summary>
    public ReceiveBuffer Received { get; }

    /// <summary>Whether more is received than what is waited for, if it is there; else not a byte, at the price of more calls.</summary>
    public bool ReadsAhead { get; set; } = true;

    /// <summary>Connects, and blocks.</summary>
    /// <param name="patience">How long each call may take.</param>
    /// <exception cref="SocketException">Nobody listens there.</exception>
    public static WireConnection Connect(EndPoint hub, TimeSpan patience, int bufferBytes = DefaultBufferBytes)
    {
        var socket = CreateSocket(hub);
        try
        {
            socket.ReceiveTimeout = socket.SendTimeout = (int)patience.TotalMilliseconds;
            socket.Connect(hub);
            return new(socket, bufferBytes);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Connects.</summary>
    /// <param name="prepare">Does to the socket what has to be done before.</param>
    /// <exception cref="SocketException">Nobody listens there.</exception>
    public static async Task<WireConnection> ConnectAsync(
        EndPoint hub, Action<Socket>? prepare = null, int bufferBytes = DefaultBufferBytes, CancellationToken cancellationToken = default)
    {
        var socket = CreateSocket(hub);
        try
        {
            prepare?.Invoke(socket);
            await socket.ConnectAsync(hub, cancellationToken).ConfigureAwait(false);
            return new(socket, bufferBytes);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>How to speak TLS with whoever is there.</summary>
    /// <param name="see">Shown the certificate, and what came with it.</param>
    [SuppressMessage("Security", "CA5359", Justification = "Nothing secret is sent: a hub is measured or judged, its certificate included.")]
    public static SslClientAuthenticationOptions TrustAnybody(string host, Action<X509Certificate?, X509Chain?>? see = null) => new()
    {
        TargetHost = host,
        RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
        {
            see?.Invoke(certificate, chain);
            return true;
        },
    };

    /// <summary>Shakes hands; what is sent and received from then on is what is inside.</summary>
    public async Task SecureAsync(SslClientAuthenticationOptions options, CancellationToken cancellationToken = default)
    {
        var tls = new SslStream(new NetworkStream(Socket));
        try
        {
            await tls.AuthenticateAsClientAsync(options, cancellationToken).ConfigureAwait(false);
            Tls = tls;
        }
        catch
        {
            await tls.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Asks for a WebSocket; what is sent from then on goes into one message for each call, and what is received are the payloads. With the async members.
    /// </summary>
    /// <exception cref="InvalidDataException">The hub refuses; the message is its answer.</exception>
    public Task UpgradeAsync(string host = "localhost", CancellationToken cancellationToken = default) => UpgradeWithAsync(WebSocketFrames.Request(host), cancellationToken);

    /// <summary>The same with a request, or its rest, in other words.</summary>
    public async Task UpgradeWithAsync(string request, CancellationToken cancellationToken = default)
    {
        await SendAsync(System.Text.Encoding.Latin1.GetBytes(request), cancellationToken).ConfigureAwait(false);
        string status = "";
        while (true)
        {
            var line = await ReceiveLineAsync(cancellationToken).ConfigureAwait(false);
            string text = System.Text.Encoding.Latin1.GetString(line.Span).TrimEnd('\r');
            status = status.Length == 0 ? text : status;
            if (text.Length == 0)
            {
                break;
            }
        }

        if (!status.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal))
        {
            throw new InvalidDataException(status);
        }

        BecomeWebSocket();
    }

    /// <summary>The answer to a request for a WebSocket was taken, and what is behind it are frames.</summary>
    public void BecomeWebSocket()
    {
        byte[] early = Received.Take(Received.Count).ToArray();
        WebSocket = new();
        WebSocket.Take(early, Received);
    }

    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[Socket.Send(bytes)..];
        }
    }

    public ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default) =>
        SendRawAsync(WebSocket is null ? bytes : WebSocketFrames.Frame(bytes.Span), cancellationToken);

    /// <summary>Sends beside the WebSocket, if there is one: what is sent are its frames.</summary>
    public async ValueTask SendRawAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default)
    {
        if (Tls is { } tls)
        {
            await tls.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
            return;
        }

        while (!bytes.IsEmpty)
        {
            bytes = bytes[await Socket.SendAsync(bytes, cancellationToken).ConfigureAwait(false)..];
        }
    }

    /// <summary>Receives what there is, at most so many bytes; the number, 0 at the end.</summary>
    public int ReceiveSome(int maxBytes = int.MaxValue)
    {
        var room = Received.Room().Span;
        int count = Socket.Receive(room[..Math.Min(room.Length, maxBytes)]);
        Received.Commit(count);
        return count;
    }

    /// <inheritdoc cref="ReceiveSome"/>
    public async ValueTask<int> ReceiveSomeAsync(int maxBytes = int.MaxValue, CancellationToken cancellationToken = default)
    {
        if (WebSocket is not null)
        {
            return await ReceiveInWebSocketAsync(cancellationToken).ConfigureAwait(false);
        }

        var room = Received.Room();
        int count = await ReadAsync(room[..Math.Min(room.Length, maxBytes)], cancellationToken).ConfigureAwait(false);
        Received.Commit(count);
        return count;
    }

    /// <summary>The next frame.</summary>
    /// <exception cref="EndOfStreamException">The hub has closed the connection.</exception>
    /// <exception cref="InvalidDataException">What came is no frame of a hub.</exception>
    public Frame ReceiveFrame()
    {
        Frame frame;
        while (!Received.TryTakeFrame(out frame))
        {
            ThrowAtEnd(ReceiveSome(ReadsAhead ? int.MaxValue : Received.MissingOfFrame));
        }

        return frame;
    }

    /// <inheritdoc cref="ReceiveFrame"/>
    public async ValueTask<Frame> ReceiveFrameAsync(CancellationToken cancellationToken = default)
    {
        Frame frame;
        while (!Received.TryTakeFrame(out frame))
        {
            ThrowAtEnd(await ReceiveSomeAsync(ReadsAhead ? int.MaxValue : Received.MissingOfFrame, cancellationToken).ConfigureAwait(false));
        }

        return frame;
    }

    /// <summary>The next line, without its LF; valid until more is received.</summary>
    /// <exception cref="EndOfStreamException">The hub has closed the connection.</exception>
    public ReadOnlyMemory<byte> ReceiveLine()
    {
        ReadOnlyMemory<byte> line;
        while (!Received.TryTakeLine(out line))
        {
            ThrowAtEnd(ReceiveSome(ReadsAhead ? int.MaxValue : 1));
        }

        return line;
    }

    /// <inheritdoc cref="ReceiveLine"/>
    public async ValueTask<ReadOnlyMemory<byte>> ReceiveLineAsync(CancellationToken cancellationToken = default)
    {
        ReadOnlyMemory<byte> line;
        while (!Received.TryTakeLine(out line))
        {
            ThrowAtEnd(await ReceiveSomeAsync(ReadsAhead ? int.MaxValue : 1, cancellationToken).ConfigureAwait(false));
        }

        return line;
    }

    /// <summary>So many bytes, and never more than that; valid until more is received.</summary>
    /// <exception cref="EndOfStreamException">The hub has closed the connection.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ReceiveExactlyAsync(int count, CancellationToken cancellationToken = default)
    {
        while (Received.Count < count)
        {
            ThrowAtEnd(await ReceiveSomeAsync(count - Received.Count, cancellationToken).ConfigureAwait(false));
        }

        return Received.Take(count);
    }

    /// <inheritdoc cref="ReceiveExactlyAsync"/>
    public ReadOnlyMemory<byte> ReceiveExactly(int count)
    {
        while (Received.Count < count)
        {
            ThrowAtEnd(ReceiveSome(count - Received.Count));
        }

        return Received.Take(count);
    }

    /// <summary>Ends the connection with a reset: no port waits for minutes behind it.</summary>
    public void Reset()
    {
        try
        {
            Socket.LingerState = new(true, 0);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // It has gone.
        }

        Dispose();
    }

    /// <summary>Closes the socket, in TLS without a word.</summary>
    public void Dispose()
    {
        Socket.Dispose();
        Tls?.Dispose();
    }

    private async ValueTask<int> ReceiveInWebSocketAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            int count = await ReadAsync(_frames ??= new byte[DefaultBufferBytes], cancellationToken).ConfigureAwait(false);
            int payload = WebSocket!.Take(_frames.AsSpan(0, count), Received);
            if (count == 0 || payload > 0)
            {
                return payload;
            }
        }
    }

    private ValueTask<int> ReadAsync(Memory<byte> room, CancellationToken cancellationToken) =>
        Tls is { } tls ? tls.ReadAsync(room, cancellationToken) : Socket.ReceiveAsync(room, cancellationToken);

    private static Socket CreateSocket(EndPoint hub) => hub.AddressFamily == AddressFamily.Unspecified
        ? new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }
        : new(hub.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    private static void ThrowAtEnd(int received)
    {
        if (received == 0)
        {
            throw new EndOfStreamException("the hub closed the connection");
        }
    }
}
