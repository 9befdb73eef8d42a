using System.Buffers.Binary;
using MessageDelivery.Protocol;
using Xunit.Sdk;

namespace MessageDelivery.Integration.Tests.Support;

/// <summary>
/// A binary user whose session survives its connections. It counts what the specification says a client counts, acknowledges
/// and resumes only when told, and takes the hub's ACKs wherever they come, because a hub may send them as often as it likes.
/// </summary>
internal sealed class ResumingPeer : IAsyncDisposable
{
    public const int WelcomeBytes = 8 + 16 + 32;

    private readonly RunningHub _hub;
    private readonly int? _receiveBufferBytes;
    private readonly List<byte[]> _relays = [];

    private ResumingPeer(RunningHub hub, int? receiveBufferBytes)
    {
        _hub = hub;
        _receiveBufferBytes = receiveBufferBytes;
    }

    /// <summary>The connection that carries the session now, or carried it last.</summary>
    public RawConnection Connection { get; private set; } = null!;

    public ulong UserId { get; private set; }

    public byte[] Key { get; private set; } = [];

    /// <summary>Counted frames read so far, over all connections of the session.</summary>
    public ulong Received { get; private set; }

    /// <summary>Relays of the session so far, each counted once however often it was sent.</summary>
    public ulong Sent => (ulong)_relays.Count;

    /// <summary>What the hub said last that it has processed of them.</summary>
    public ulong Processed { get; private set; }

    public uint WindowSeconds { get; private set; }

    public uint RetentionBytes { get; private set; }

    /// <summary>Connects, and says HELLO with RESUMABLE.</summary>
    public static async Task<ResumingPeer> StartAsync(RunningHub hub, int? receiveBufferBytes = null)
    {
        var peer = new ResumingPeer(hub, receiveBufferBytes);
        await peer.ConnectAsync();
        await peer.Connection.SendAsync(Frames.HelloResumable());
        peer.TakeWelcome(await peer.Connection.FrameAsync(FrameType.Welcome), resumed: false);
        return peer;
    }

    /// <summary>A new connection that has said nothing; what is on the last one stays as it is.</summary>
    public async Task<RawConnection> ConnectAsync() => Connection = await _hub.ConnectAsync(_receiveBufferBytes);

    /// <summary>Ends the connection without a word: by a reset, or by the end of the stream.</summary>
    public async Task LoseAsync(bool reset = true)
    {
        if (reset)
        {
            Connection.Abort();
        }
        else
        {
            await Connection.DisposeAsync();
        }
    }

    /// <summary>Loses the connection and gives the hub time to notice.</summary>
    public async Task GoAwayAsync()
    {
        await LoseAsync();
        await _hub.SettleAsync();
    }

    /// <summary>Takes the session over on a new connection, and sends again what the hub says it has not processed.</summary>
    public async Task ResumeAsync()
    {
        await ConnectAsync();
        await Connection.SendAsync(Frames.HelloResume(Key, Received));
        TakeWelcome(await Connection.FrameAsync(FrameType.Welcome), resumed: true);
        await SendRestAsync();
    }

    /// <summary>Tries to take the session over, and gets a new one instead.</summary>
    public async Task ResumeInVainAsync()
    {
        ulong before = UserId;
        await ConnectAsync();
        await Connection.SendAsync(Frames.HelloResume(Key, Received));
        TakeWelcome(await Connection.FrameAsync(FrameType.Welcome), resumed: false);
        Assert.NotEqual(before, UserId);
    }

    /// <summary>Sends again what the hub has not processed by its last word.</summary>
    public Task SendRestAsync() => Connection.SendAsync(Frames.Join([.. _relays.Skip((int)Processed)]), RawConnection.Patience);

    /// <summary>Reads a WELCOME that was expected, and checks that it is whole.</summary>
    public void TakeWelcome(Frame welcome, bool resumed)
    {
        Assert.Equal(
            (FrameType.Welcome, resumed ? 3 : 1, 1, WelcomeBytes - 8),
            (welcome.Type, welcome.Flags, welcome.Argument, welcome.Payload.Length));
        byte[] key = welcome.Payload[16..32];
        Assert.NotEqual(Convert.ToHexString(Key), Convert.ToHexString(key));
        Assert.Contains(key, b => b != 0);
        if (resumed)
        {
            Assert.Equal(UserId, welcome.Number(0));
        }
        else
        {
            UserId = welcome.Number(0);
            Received = Processed = 0;
            _relays.Clear();
        }

        Key = key;
        TakeProcessed(welcome.Number(32));
        WindowSeconds = BinaryPrimitives.ReadUInt32LittleEndian(welcome.Payload.AsSpan(40));
        RetentionBytes = BinaryPrimitives.ReadUInt32LittleEndian(welcome.Payload.AsSpan(44));
    }

    /// <summary>Notes a relay without sending it, for a test that sends a part of it or nothing.</summary>
    public byte[] Note(byte[] relay)
    {
        _relays.Add(relay);
        return relay;
    }

    public Task RelayAsync(ulong receiver, byte[] body, ulong? correlation = null, RelayFlags flags = 0) =>
        SendAsync(Frames.Relay(receiver, body, correlation, flags));

    /// <summary>Sends frames; relays among them are noted.</summary>
    public Task SendAsync(params byte[][] frames)
    {
        _relays.AddRange(frames.Where(f => f[0] == (byte)FrameType.Relay));
        return Connection.SendAsync(frames);
    }

    /// <summary>Acknowledges all that was read, or another total.</summary>
    public Task AckAsync(ulong? total = null) => Connection.SendAsync(Frames.Ack(total ?? Received));

    /// <summary>The next frame that is not an ACK.</summary>
    public async Task<Frame> FrameAsync()
    {
        while (true)
        {
            Frame frame = await Connection.FrameAsync();
            if (frame.Type != FrameType.AckReply)
            {
                Received += frame.IsCounted ? 1UL : 0;
                return frame;
            }

            TakeAck(frame);
        }
    }

    public async Task<Frame> FrameAsync(FrameType type)
    {
        Frame frame = await FrameAsync();
        return frame.Type == type ? frame : throw new XunitException($"Expected {type}, got {frame}");
    }

    /// <summary>Expects these frames, byte for byte and in this order, and nothing but ACKs between them.</summary>
    public async Task ExpectAsync(params byte[][] frames)
    {
        foreach (byte[] expected in frames)
        {
            Frame frame = await FrameAsync();
            if (!frame.Bytes.AsSpan().SequenceEqual(expected))
            {
                throw new XunitException($"Expected '{RawConnection.Show(expected)}', got {frame}");
            }
        }
    }

    public async Task ExpectErrorAsync(ProtocolCode code, ulong? correlation = null)
    {
        Frame frame = await FrameAsync(FrameType.Error);
        Assert.Equal((code, (byte)(correlation is null ? 0 : 1), correlation), (frame.Code, frame.Flags, frame.Correlation));
    }

    /// <summary>Reads on until the hub says GOODBYE; counted frames on the way are counted.</summary>
    public async Task ExpectGoodbyeAsync(ProtocolCode code)
    {
        Frame frame = await FrameAsync(FrameType.GoodbyeReply);
        Assert.Equal((code, 0), (frame.Code, frame.Flags));
        await Connection.ExpectClosedAsync();
    }

    /// <summary>The connection answers, and nothing comes before its answer.</summary>
    public async Task ExpectNothingBeforeAnEchoAsync()
    {
        byte[] mark = Frames.Pattern(11, (int)Received);
        await Connection.SendAsync(Frames.Echo(mark));
        await ExpectAsync(Frames.EchoReply(mark));
    }

    /// <summary>Waits for the hub's word that it has processed so many relays.</summary>
    public async Task ExpectAckAsync(ulong atLeast)
    {
        while (Processed < atLeast)
        {
            TakeAck(await Connection.FrameAsync(FrameType.AckReply));
        }
    }

    /// <summary>Takes the whole frames among bytes that a test read itself; what follows them is of a frame that was cut.</summary>
    public List<Frame> TakeFrames(ReadOnlySpan<byte> bytes)
    {
        var frames = new List<Frame>();
        while (bytes.Length >= 8 && bytes.Length >= 8 + BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]))
        {
            int length = 8 + BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]);
            var frame = new Frame(
                (FrameType)bytes[0], bytes[1], BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]), bytes[8..length].ToArray());
            if (frame.Type == FrameType.AckReply)
            {
                TakeAck(frame);
            }
            else
            {
                Received += frame.IsCounted ? 1UL : 0;
                frames.Add(frame);
            }

            bytes = bytes[length..];
        }

        return frames;
    }

    public ValueTask DisposeAsync() => Connection.DisposeAsync();

    private void TakeAck(Frame ack)
    {
        Assert.Equal((0, 0, 8), (ack.Flags, ack.Argument, ack.Payload.Length));
        TakeProcessed(ack.Number(0));
    }

    private void TakeProcessed(ulong total)
    {
        Assert.InRange(total, Processed, Sent);
        Processed = total;
    }
}
