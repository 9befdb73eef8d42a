using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MessageDelivery.Protocol;

namespace MessageDelivery.Client.Tests;

/// <summary>Plays the hub byte by byte on a real socket.</summary>
internal sealed class ScriptedHub : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<Peer> _peers = [];

    public ScriptedHub()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        Options = new() { Port = ((IPEndPoint)_listener.LocalEndPoint!).Port, CloseTimeout = TimeSpan.Zero, Reconnect = null };
    }

    /// <summary>
    /// How to connect here. Disposing cuts at once: the script says goodbye only where a test is about that. A lost connection is the
    /// end, but where a test is about the next.
    /// </summary>
    public HubClientOptions Options { get; init; }

    public async Task<Peer> AcceptAsync()
    {
        var peer = new Peer(await _listener.AcceptAsync().Soon());
        _peers.Add(peer);
        return peer;
    }

    /// <summary>Accepts a connection, reads its HELLO and answers it.</summary>
    public async Task<Peer> WelcomeAsync(ulong id = 1, uint maxBody = ProtocolLimits.MaxBodyBytes, ushort maxReceivers = 255, ushort heartbeat = 0)
    {
        Peer peer = await AcceptAsync();
        Assert.Equal(FrameType.Hello, (await peer.ReadAsync()).Type);
        await peer.SendAsync(Frames.Welcome(id, maxBody, maxReceivers, heartbeat));
        return peer;
    }

    public async Task<(HubClient Client, Peer Peer)> ConnectAsync(HubClientOptions? options = null, ulong id = 1, ushort heartbeat = 0)
    {
        Task<HubClient> connecting = HubClient.ConnectAsync(options ?? Options).AsTask();
        Peer peer = await WelcomeAsync(id, heartbeat: heartbeat);
        HubClient client = await connecting.Soon();

        // The hub has answered, but the client's own send may not have returned yet, which a heartbeat would wait for.
        await Soonness.UntilAsync(() => client.IsSendIdle);
        return (client, peer);
    }

    /// <summary>How to connect here with a session that can be resumed, at once after each loss.</summary>
    public HubClientOptions Resumable => Options with { Reconnect = new() { InitialDelay = TimeSpan.Zero, MaxDelay = TimeSpan.Zero } };

    /// <summary>Connects with a session that can be resumed, whose key is sixteen times 1.</summary>
    public async Task<(HubClient Client, Peer Peer)> ConnectResumableAsync(HubClientOptions? options = null, ulong id = 1, uint window = 120, ushort heartbeat = 0)
    {
        Task<HubClient> connecting = HubClient.ConnectAsync(options ?? Resumable).AsTask();
        Peer peer = await AcceptAsync();
        ReceivedFrame hello = await peer.ExpectAsync(FrameType.Hello);
        Assert.Equal((byte)HelloFlags.Resumable, hello.Header.Flags);
        await peer.SendAsync(Frames.Welcome(id, key: 1, window: window, heartbeat: heartbeat));
        return (await connecting.Soon(), peer);
    }

    /// <summary>Accepts a connection that is to resume, and checks what its HELLO says; the WELCOME is left to the caller.</summary>
    public async Task<Peer> ExpectResumeAsync(ulong received, byte key = 1)
    {
        Peer peer = await AcceptAsync();
        ReceivedFrame hello = await peer.ExpectAsync(FrameType.Hello);
        Assert.Equal((byte)HelloFlags.All, hello.Header.Flags);
        Assert.True(HelloPayload.TryRead(HelloFlags.All, hello.Payload, out HelloPayload payload));
        Assert.Equal(Frames.Key(key), payload.SessionKey.ToArray());
        Assert.Equal(received, payload.FramesReceived);
        return peer;
    }

    public ValueTask DisposeAsync()
    {
        _listener.Dispose();
        _peers.ForEach(peer => peer.Socket.Dispose());
        return ValueTask.CompletedTask;
    }
}

/// <summary>One connection as the hub sees it.</summary>
internal sealed class Peer(Socket socket)
{
    public Socket Socket { get; } = Prepare(socket);

    public async Task SendAsync(params byte[][] frames) => await SendBytesAsync(frames.SelectMany(frame => frame).ToArray());

    public async Task SendBytesAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await Socket.SendAsync(bytes).AsTask().Soon()..];
        }
    }

    public async Task<ReceivedFrame> ReadAsync()
    {
        var header = FrameHeader.Read(await ReadBytesAsync(ProtocolLimits.HeaderBytes));
        return new(header, await ReadBytesAsync((int)header.Length));
    }

    /// <summary>Reads a frame and checks its type.</summary>
    public async Task<ReceivedFrame> ExpectAsync(FrameType type)
    {
        ReceivedFrame frame = await ReadAsync();
        Assert.Equal(type, frame.Type);
        return frame;
    }

    /// <summary>Ends the connection as a cut cable would, but at once.</summary>
    public void Cut()
    {
        Socket.LingerState = new(true, 0);
        Socket.Dispose();
    }

    /// <summary>Sends no more, so that the client has all that was sent before it sees the end.</summary>
    public void EndSending() => Socket.Shutdown(SocketShutdown.Send);

    /// <summary>Completes when the client has closed its side, however.</summary>
    public async Task ReadToEndAsync()
    {
        try
        {
            byte[] buffer = new byte[64 * 1024];
            while (await Socket.ReceiveAsync(buffer).Soon() > 0)
            {
            }
        }
        catch (SocketException)
        {
        }
    }

    private static Socket Prepare(Socket socket)
    {
        socket.NoDelay = true;
        return socket;
    }

    public async Task<byte[]> ReadBytesAsync(int count)
    {
        byte[] bytes = new byte[count];
        for (int read = 0; read < count;)
        {
            int more = await Socket.ReceiveAsync(bytes.AsMemory(read)).AsTask().Soon();
            Assert.True(more > 0, "the client closed the connection");
            read += more;
        }

        return bytes;
    }
}

internal sealed record ReceivedFrame(FrameHeader Header, byte[] Payload)
{
    public FrameType Type => Header.Type;

    public ulong U64(int offset = 0) => BinaryPrimitives.ReadUInt64LittleEndian(Payload.AsSpan(offset));
}

/// <summary>The hub's frames as bytes.</summary>
internal static class Frames
{
    public static byte[] Of(FrameType type, int argument = 0, byte flags = 0, params byte[][] parts)
    {
        byte[] payload = parts.SelectMany(part => part).ToArray();
        byte[] frame = new byte[8 + payload.Length];
        new FrameHeader(type, flags, (ushort)argument, (uint)payload.Length).Write(frame);
        payload.CopyTo(frame, 8);
        return frame;
    }

    public static byte[] U64(params ulong[] values)
    {
        byte[] bytes = new byte[8 * values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8 * i), values[i]);
        }

        return bytes;
    }

    public static byte[] Welcome(ulong id = 1, uint maxBody = ProtocolLimits.MaxBodyBytes, ushort maxReceivers = 255, ushort heartbeat = 0)
    {
        byte[] payload = new byte[WelcomePayload.Length];
        new WelcomePayload(id, maxBody, maxReceivers, heartbeat).Write(payload);
        return Of(FrameType.Welcome, 1, 0, payload);
    }

    /// <summary>A WELCOME of a session that can be resumed.</summary>
    public static byte[] Welcome(ulong id, byte key, bool resumed = false, ulong processed = 0, uint window = 120, ushort heartbeat = 0)
    {
        byte[] payload = new byte[WelcomePayload.Length + SessionTerms.Length];
        new WelcomePayload(id, ProtocolLimits.MaxBodyBytes, 255, heartbeat).Write(payload);
        new SessionTerms { Key = Key(key), RelaysProcessed = processed, WindowSeconds = window, RetentionBytes = 8 << 20 }.Write(payload.AsSpan(WelcomePayload.Length));
        return Of(FrameType.Welcome, 1, (byte)(resumed ? WelcomeFlags.Resumable | WelcomeFlags.Resumed : WelcomeFlags.Resumable), payload);
    }

    public static byte[] Key(byte key) => [.. Enumerable.Repeat(key, ProtocolLimits.SessionKeyBytes)];

    public static byte[] Ack(ulong total) => Of(FrameType.AckReply, 0, 0, U64(total));

    public static byte[] Presence(PresenceChange change, params ulong[] ids) => Of(FrameType.Presence, (int)change, 0, U64(ids));

    public static byte[] Identity(ulong id) => Of(FrameType.IdentityReply, 0, 0, U64(id));

    public static byte[] List(bool more, params ulong[] ids) => Of(FrameType.ListReply, 0, more ? (byte)1 : (byte)0, U64(ids));

    public static byte[] Echo(params byte[] body) => Of(FrameType.EchoReply, 0, 0, body);

    public static byte[] Delivery(ulong sender, params byte[] body) => Of(FrameType.Delivery, 0, 0, U64(sender), body);

    /// <summary>A delivery whose sender waits for its acknowledgement.</summary>
    public static byte[] Confirmed(ulong sender, params byte[] body) => Of(FrameType.Delivery, 0, 4, U64(sender), body);

    public static byte[] Receipt(ulong correlation, params Outcome[] outcomes) =>
        Of(FrameType.Receipt, outcomes.Length, 0, U64(correlation), outcomes.Select(outcome => (byte)outcome).ToArray());

    public static byte[] Error(ProtocolCode code, string text, ulong? correlation = null) => correlation is { } known
        ? Of(FrameType.Error, (int)code, 1, U64(known), Encoding.UTF8.GetBytes(text))
        : Of(FrameType.Error, (int)code, 0, Encoding.UTF8.GetBytes(text));

    public static byte[] Goodbye(ProtocolCode code, string text = "") => Of(FrameType.GoodbyeReply, (int)code, 0, Encoding.UTF8.GetBytes(text));

    public static byte[] Heartbeat() => Of(FrameType.HeartbeatReply);
}

/// <summary>Ends a wait that will never end, so that a failure is a failure and not a hang. No test waits this long to pass.</summary>
internal static class Soonness
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public static Task Soon(this Task task) => task.WaitAsync(Limit);

    public static Task<T> Soon<T>(this Task<T> task) => task.WaitAsync(Limit);

    public static Task Soon(this ValueTask task) => task.AsTask().Soon();

    public static Task<T> Soon<T>(this ValueTask<T> task) => task.AsTask().Soon();

    public static async Task UntilAsync(Func<bool> condition)
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(watch.Elapsed < Limit, "what was waited for did not come");
            await Task.Yield();
        }
    }
}
