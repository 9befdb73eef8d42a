using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;

namespace MessageDelivery.Scenarios.Clients;

/// <summary>
/// A user whose session survives its connections, of which it has one at a time. It checks that each sender's numbers come
/// without a gap and a repetition, over all of them.
/// </summary>
/// <param name="senders">The ids of all who send to it.</param>
/// <param name="tls">How it speaks TLS; null if it does not.</param>
/// <param name="webSocket">Whether it comes over WebSocket.</param>
internal sealed class ResumableUser(
    IPEndPoint hub, IReadOnlyList<ulong> senders, int bodyBytes, SslClientAuthenticationOptions? tls, bool webSocket) : IDisposable
{
    /// <summary>It acknowledges multiples of this, so that mostly something received is not acknowledged when its connection is cut.</summary>
    private const int FramesPerAck = 3;

    private const int BufferBytes = 2 << 10;

    private readonly long[] _next = new long[senders.Count];
    private readonly byte[] _ack = new byte[ProtocolLimits.HeaderBytes + 8];
    private WireConnection? _wire;
    private Task _reading = Task.CompletedTask;
    private byte[] _key = [];
    private long _received;
    private long _target = long.MaxValue;
    private long _reachedAt;

    public ulong UserId { get; private set; }

    /// <summary>Counted frames so far, which are all deliveries.</summary>
    public long Received => Volatile.Read(ref _received);

    public long Acknowledged { get; private set; }

    /// <summary>Numbers that were passed over.</summary>
    public long Skipped { get; private set; }

    /// <summary>Messages whose number had come already, or came after a later one.</summary>
    public long Repeated { get; private set; }

    /// <summary>Messages of a wrong size or sender.</summary>
    public long Damaged { get; private set; }

    /// <summary>Whether its connection is gone.</summary>
    public bool IsLost => _reading.IsCompleted;

    /// <summary>How its last connection ended.</summary>
    public string Ending { get; private set; } = "";

    /// <summary>When it noticed that.</summary>
    public long LostAt { get; private set; }

    /// <summary>When the last WELCOME came.</summary>
    public long WelcomedAt { get; private set; }

    /// <summary>From the beginning of the last connection to its WELCOME.</summary>
    public TimeSpan Took { get; private set; }

    /// <summary>When it had as many messages as <see cref="Await"/> names; 0 while it has not.</summary>
    public long ReachedAt => Volatile.Read(ref _reachedAt);

    /// <summary>Notes when so many messages have come in all. Only while it is not connected.</summary>
    public void Await(long messages) => (_target, _reachedAt) = (messages, Received >= messages ? Stopwatch.GetTimestamp() : 0);

    /// <summary>Begins its session, or goes on with it.</summary>
    /// <exception cref="InvalidDataException">The hub does not go on with it.</exception>
    public async Task ConnectAsync()
    {
        long begin = Stopwatch.GetTimestamp();
        _wire?.Dispose();
        _wire = await WireConnection.ConnectAsync(hub, bufferBytes: BufferBytes);
        if (tls is not null)
        {
            await _wire.SecureAsync(tls);
        }

        if (webSocket)
        {
            await _wire.UpgradeAsync($"{hub}");
        }

        await _wire.SendAsync(FrameBytes.Hello(
            _key.Length == 0 ? HelloFlags.Resumable : HelloFlags.Resumable | HelloFlags.Resume, _key, (ulong)_received));
        Welcome(await _wire.ReceiveFrameAsync());
        WelcomedAt = Stopwatch.GetTimestamp();
        Took = Stopwatch.GetElapsedTime(begin, WelcomedAt);
        _reading = ReadAsync(_wire);
    }

    /// <summary>The next number of a sender, which is how many came of it if nothing is wrong.</summary>
    public long NextOf(int sender) => Volatile.Read(ref _next[sender]);

    /// <summary>Resets its connection.</summary>
    public void Reset() => _wire!.Reset();

    public void Dispose() => _wire?.Dispose();

    private void Welcome(in Frame frame)
    {
        var payload = frame.Payload.Span;
        if (frame.Type != FrameType.Welcome || !WelcomePayload.TryRead(payload, out var welcome) || !SessionTerms.TryRead(payload, out var terms))
        {
            throw new InvalidDataException($"the hub answered HELLO with {frame.Type} {frame.Code.Name()}");
        }

        bool resumed = ((WelcomeFlags)frame.Header.Flags).HasFlag(WelcomeFlags.Resumed);
        if (resumed != (_key.Length > 0) || (resumed && welcome.UserId != UserId))
        {
            throw new InvalidDataException($"user {UserId} was not resumed; it would be {welcome.UserId}");
        }

        UserId = welcome.UserId;
        _key = terms.Key.ToArray();
    }

    private async Task ReadAsync(WireConnection wire)
    {
        try
        {
            while (true)
            {
                while (wire.Received.TryTakeFrame(out var frame))
                {
                    Take(frame);
                }

                long whole = _received - (_received % FramesPerAck);
                if (whole > Acknowledged)
                {
                    new FrameHeader(FrameType.Ack, 0, 0, 8).Write(_ack);
                    BinaryPrimitives.WriteInt64LittleEndian(_ack.AsSpan(ProtocolLimits.HeaderBytes), whole);
                    await wire.SendAsync(_ack);
                    Acknowledged = whole;
                }

                if (await wire.ReceiveSomeAsync() == 0)
                {
                    throw new EndOfStreamException("the hub closed the connection");
                }
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or InvalidDataException or ObjectDisposedException)
        {
            Ending = exception is SocketException error ? error.SocketErrorCode.ToString() : exception.Message;
            LostAt = Stopwatch.GetTimestamp();
        }
    }

    private void Take(in Frame frame)
    {
        var payload = frame.Payload.Span;
        if (frame.Type is FrameType.Error or FrameType.GoodbyeReply)
        {
            throw new InvalidDataException(
                $"the hub says {frame.Type} {frame.Code.Name()}: {frame.Text}");
        }

        if (frame.Type != FrameType.Delivery)
        {
            return;
        }

        var (sender, number, author) = payload.Length == 8 + bodyBytes ? RelayFrame.Read(payload) : default;
        int index = senders.Count - 1;
        while (index >= 0 && senders[index] != sender)
        {
            index--;
        }

        if (index < 0 || author != sender)
        {
            Damaged++;
        }
        else
        {
            long next = _next[index];
            Skipped += Math.Max(0, number - next);
            Repeated += number < next ? 1 : 0;
            Volatile.Write(ref _next[index], Math.Max(next, number + 1));
        }

        Volatile.Write(ref _received, _received + 1);
        if (_received == _target)
        {
            Volatile.Write(ref _reachedAt, Stopwatch.GetTimestamp());
        }
    }
}
