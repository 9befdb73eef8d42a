using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MessageDelivery.Protocol;

namespace MessageDelivery.Scenarios.Clients;

/// <summary>
/// A user of the binary protocol. One that connects synchronously keeps its socket blocking, which is the cheapest for a
/// thread of its own; the others are for crowds.
/// </summary>
internal sealed class BinaryPeer : IDisposable
{
    private readonly FrameBuffer _received;

    private BinaryPeer(int bufferBytes)
    {
        _received = new(bufferBytes);
        Socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    }

    public Socket Socket { get; }

    public ulong UserId { get; private set; }

    public static BinaryPeer Connect(IPEndPoint hub, int bufferBytes)
    {
        var peer = new BinaryPeer(bufferBytes);
        peer.Socket.ReceiveTimeout = 60_000;
        peer.Socket.Connect(hub);
        peer.Socket.Send(Hello());
        // Exactly the WELCOME: a receiver that never reads has not read a byte more.
        Span<byte> welcome = stackalloc byte[ProtocolLimits.HeaderBytes + WelcomePayload.Length];
        for (int have = 0; have < welcome.Length;)
        {
            int count = peer.Socket.Receive(welcome[have..]);
            have += count > 0 ? count : throw new EndOfStreamException("the hub closed before its WELCOME");
        }

        peer.Welcome(FrameHeader.Read(welcome), welcome[ProtocolLimits.HeaderBytes..]);
        return peer;
    }

    /// <param name="sendBufferBytes">What the kernel may hold of it; null leaves that to the kernel.</param>
    /// <param name="from">The address that the hub sees; null leaves that to the kernel.</param>
    public static async Task<BinaryPeer> ConnectAsync(IPEndPoint hub, int bufferBytes, int? sendBufferBytes = null, IPAddress? from = null)
    {
        var peer = new BinaryPeer(bufferBytes);
        try
        {
            peer.Socket.SendBufferSize = sendBufferBytes ?? peer.Socket.SendBufferSize;
            if (from is not null)
            {
                peer.Socket.Bind(new IPEndPoint(from, 0));
            }

            await peer.Socket.ConnectAsync(hub);
            await peer.SendAsync(Hello());
            var frame = await peer.ReceiveAsync();
            peer.Welcome(frame.Header, frame.Payload.Span);
            return peer;
        }
        catch
        {
            peer.Dispose();
            throw;
        }
    }

    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[Socket.Send(bytes)..];
        }
    }

    public async ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[await Socket.SendAsync(bytes)..];
        }
    }

    public void SendEmpty(FrameType type)
    {
        Span<byte> header = stackalloc byte[ProtocolLimits.HeaderBytes];
        new FrameHeader(type, 0, 0, 0).Write(header);
        Send(header);
    }

    /// <summary>Says GOODBYE and waits for the hub's, which comes when all that was sent before has been carried out.</summary>
    public async Task GoodbyeAsync()
    {
        byte[] header = new byte[ProtocolLimits.HeaderBytes];
        new FrameHeader(FrameType.Goodbye, 0, 0, 0).Write(header);
        await SendAsync(header);
        while ((await ReceiveAsync(isLeaving: true)).Header.Type != FrameType.GoodbyeReply)
        {
        }
    }

    /// <summary>The next frame that came already.</summary>
    public bool TryTake(out Frame frame) => _received.TryTake(out frame) && Checked(frame, isLeaving: false);

    /// <summary>Receives at most so many bytes; the number, 0 at the end of the stream.</summary>
    public int ReceiveSome(int maxBytes)
    {
        var room = _received.Room().Span;
        int count = Socket.Receive(room[..Math.Min(room.Length, maxBytes)]);
        _received.Commit(count);
        return count;
    }

    public Frame Receive()
    {
        Frame frame;
        while (!TryTake(out frame))
        {
            if (ReceiveSome(int.MaxValue) == 0)
            {
                throw new EndOfStreamException("the hub closed the connection");
            }
        }

        return frame;
    }

    public async ValueTask<Frame> ReceiveAsync(bool isLeaving = false, CancellationToken cancellationToken = default)
    {
        Frame frame;
        while (!_received.TryTake(out frame))
        {
            int count = await Socket.ReceiveAsync(_received.Room(), cancellationToken);
            _received.Commit(count > 0 ? count : throw new EndOfStreamException("the hub closed the connection"));
        }

        Checked(frame, isLeaving);
        return frame;
    }

    /// <summary>Asks who else is here.</summary>
    public ulong[] List()
    {
        SendEmpty(FrameType.List);
        var ids = new List<ulong>();
        Frame frame;
        do
        {
            frame = Receive();
            for (int offset = 0; frame.Header.Type == FrameType.ListReply && offset < frame.Payload.Length; offset += 8)
            {
                ids.Add(BinaryPrimitives.ReadUInt64LittleEndian(frame.Payload.Span[offset..]));
            }
        }
        while (frame.Header.Type != FrameType.ListReply || (frame.Header.Flags & (byte)ListReplyFlags.More) != 0);
        return [.. ids];
    }

    public void Dispose() => Socket.Dispose();

    /// <param name="key">Of the session that it resumes; none begins a new one.</param>
    /// <param name="framesReceived">Of that session.</param>
    public static byte[] Hello(HelloFlags flags = HelloFlags.None, ReadOnlySpan<byte> key = default, long framesReceived = 0)
    {
        var payload = new HelloPayload { SessionKey = key, FramesReceived = (ulong)framesReceived };
        byte[] hello = new byte[ProtocolLimits.HeaderBytes + payload.Length];
        new FrameHeader(FrameType.Hello, (byte)flags, ProtocolLimits.Version, (uint)payload.Length).Write(hello);
        payload.Write(hello.AsSpan(ProtocolLimits.HeaderBytes));
        return hello;
    }

    private void Welcome(FrameHeader header, ReadOnlySpan<byte> payload) =>
        UserId = header.Type == FrameType.Welcome && WelcomePayload.TryRead(payload, out var welcome)
            ? welcome.UserId
            : throw new InvalidDataException($"the hub answered HELLO with {header.Type}, code {header.Argument}");

    private static bool Checked(in Frame frame, bool isLeaving)
    {
        if (frame.Header.Type == FrameType.Error || (frame.Header.Type == FrameType.GoodbyeReply && !isLeaving))
        {
            string text = Encoding.UTF8.GetString(frame.Payload.Span);
            throw new InvalidDataException($"the hub says {frame.Header.Type} {((ProtocolCode)frame.Header.Argument).Name()}: {text}");
        }

        return true;
    }
}
