using System.Diagnostics;
using System.Net.Sockets;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;
using MessageDelivery.Torture.Checking;
using MessageDelivery.Torture.Faults;

namespace MessageDelivery.Torture.Clients;

/// <summary>
/// A client on raw bytes, independent of the client library, so that a fault of the hub and one of the library can be told
/// apart. As <see cref="ClientKind.Raw"/> it resumes its session; as <see cref="ClientKind.Plain"/> it comes and goes.
/// </summary>
internal sealed partial class BinaryClient(Surroundings surroundings, ClientKind kind) : ITortureClient
{
    private const int MaxKeptRelays = 512;
    private const long MaxKeptBytes = 4 << 20;
    private const int AckFrames = 64;
    private const int AckBytes = 256 << 10;

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan AckDelay = TimeSpan.FromMilliseconds(900);
    private static readonly TimeSpan MaxSilence = TimeSpan.FromSeconds(15);

    /// <summary>For how long a HELLO of a connection that was given up may still be on its way, and take the session over.</summary>
    private static readonly TimeSpan MaxLateness = TimeSpan.FromSeconds(20);

    private readonly Random _random = new(surroundings.Seed);
    private readonly IHistory _history = surroundings.History;
    private readonly Lock _gate = new();
    private readonly Pace _pace = new(surroundings.Rate);
    private BinarySession? _session;
    private uint _sessions;
    private TimeSpan _heartbeat = TimeSpan.FromSeconds(30);
    private long _lastReceived = Stopwatch.GetTimestamp();
    private long _frozenUntil;
    private long _holdsBackUntil;
    private long _nextHoldBack;
    private long _leaveAt = long.MaxValue;
    private bool _awaitsWelcome;
    private long _lastUnanswered;
    private volatile bool _stopsSending;
    private volatile bool _leaves;
    private volatile bool _saidGoodbye;

    public void StopSending() => _stopsSending = true;

    public void Leave() => _leaves = true;

    public void Freeze(TimeSpan length) => Volatile.Write(ref _frozenUntil, Stopwatch.GetTimestamp() + (long)(length.TotalSeconds * Stopwatch.Frequency));

    public async Task RunAsync()
    {
        while (!_leaves || _session is not null)
        {
            string why;
            try
            {
                why = await ConnectAsync();
            }
            catch (Exception error) when (error is SocketException or IOException or OperationCanceledException or ObjectDisposedException)
            {
                why = error.Message;
            }

            if (_session is { } lost)
            {
                _history.Noted(lost.Number, $"has no connection: {why}");
                _lastUnanswered = _awaitsWelcome ? Stopwatch.GetTimestamp() : _lastUnanswered;
            }

            if (_session is { } session && !_saidGoodbye && !surroundings.ExplainsLoss)
            {
                _history.Unexpected(session.Number, $"lost its connection while there were no faults: {why}");
            }

            if (_session is { Key: null } || (_session is not null && _saidGoodbye))
            {
                End(SessionEnd.ConnectionLost);
            }

            if (!_leaves)
            {
                await Task.Delay(Pause());
            }
        }
    }

    private TimeSpan Pause() =>
        _session is { } session && surroundings.Faults.AreOn && _random.Next(FaultTable.LongAbsenceOneIn) == 0
            ? session.Window + TimeSpan.FromSeconds(2)
            : TimeSpan.FromMilliseconds(_random.Next(1, 150));

    /// <summary>Connects once and serves the connection; why it ended.</summary>
    private async Task<string> ConnectAsync()
    {
        using var tooLong = new CancellationTokenSource(MaxSilence);
        using var wire = await WireConnection.ConnectAsync(surroundings.Endpoint, cancellationToken: tooLong.Token);
        await SendHelloAsync(wire, tooLong.Token);
        var first = await ReceiveAsync(wire, tooLong.Token);
        if (first.Type != FrameType.Welcome)
        {
            return $"{first.Type} {first.Code.Name()} instead of WELCOME";
        }

        Welcome(first);
        _awaitsWelcome = false;
        _saidGoodbye = false;
        using var ended = new CancellationTokenSource();
        var reading = ReadAsync(wire, ended.Token);
        var writing = WriteAsync(wire, ended.Token);
        var done = await Task.WhenAny(reading, writing);
        await ended.CancelAsync();
        string why = done.Exception?.GetBaseException().Message ?? (done == reading ? reading.Result : "");
        wire.Dispose();
        await ((Task)Task.WhenAll(reading, writing)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ThrowDefect(reading);
        ThrowDefect(writing);
        return why;
    }

    private static void ThrowDefect(Task task)
    {
        if (task.Exception?.GetBaseException() is { } error and not (SocketException or IOException or OperationCanceledException or ObjectDisposedException))
        {
            throw new InvalidOperationException($"a client of the torture failed: {error.Message}", error);
        }
    }

    private async Task SendHelloAsync(WireConnection wire, CancellationToken cancellationToken)
    {
        byte[] hello;
        if (_session is { Key: { } key } session)
        {
            // The total in HELLO acknowledges as an ACK does.
            _history.Acknowledging(session.Number, session.FramesReceived);
            await _history.SettleAsync();
            hello = FrameBytes.Hello(HelloFlags.Resume, key, (ulong)session.FramesReceived);
            _history.Noted(session.Number, $"wants to resume with {session.FramesReceived} frames and the key {Convert.ToHexStringLower(key.AsSpan(0, 3))}…");
            session.FramesAcknowledged = session.FramesReceived;
            session.BytesNotAcknowledged = 0;
            session.IsAwaited = false;
        }
        else
        {
            hello = FrameBytes.Hello(kind == ClientKind.Raw ? HelloFlags.Resumable : HelloFlags.None);
        }

        _awaitsWelcome = true;
        await wire.SendAsync(hello, cancellationToken);
    }

    private void Welcome(in Frame frame)
    {
        var flags = (WelcomeFlags)frame.Header.Flags;
        if (!WelcomePayload.TryRead(frame.Payload.Span, out var welcome))
        {
            throw new IOException("a WELCOME too short");
        }

        _heartbeat = TimeSpan.FromSeconds(welcome.HeartbeatSeconds);
        var away = Stopwatch.GetElapsedTime(Volatile.Read(ref _lastReceived));
        Volatile.Write(ref _lastReceived, Stopwatch.GetTimestamp());
        SessionTerms terms = default;
        bool isResumable = flags.HasFlag(WelcomeFlags.Resumable) && SessionTerms.TryRead(frame.Payload.Span, out terms);
        if (flags.HasFlag(WelcomeFlags.Resumed) && _session is { } resumed)
        {
            Resume(resumed, welcome.UserId, (long)terms.RelaysProcessed);
        }
        else
        {
            End(SessionEnd.NotResumed, away);
            _session = new(((ulong)surroundings.Number << SessionRecord.ClientShift) | ++_sessions, welcome.UserId);
            _history.Joined(_session.Number, welcome.UserId, kind);
            _leaveAt = kind == ClientKind.Plain
                ? Stopwatch.GetTimestamp() + (long)((2 + (20 * _random.NextDouble())) * Stopwatch.Frequency)
                : long.MaxValue;
        }

        if (isResumable)
        {
            _session.Key = terms.Key.ToArray();
            _history.Noted(_session.Number, $"got the key {Convert.ToHexStringLower(_session.Key.AsSpan(0, 3))}…");
            _session.Window = TimeSpan.FromSeconds(terms.WindowSeconds);
            _session.RetentionBytes = terms.RetentionBytes;
        }
    }

    private void Resume(BinarySession session, ulong userId, long processed)
    {
        if (userId != session.UserId)
        {
            _history.Unexpected(session.Number, $"was resumed as user {userId}");
        }

        if (processed < session.Relays.Processed || processed > session.Relays.Sent)
        {
            _history.Unexpected(
                session.Number, $"was resumed with {processed} relays carried out; {session.Relays.Processed} were before, and {session.Relays.Sent} were sent");
        }

        _history.Resumed(session.Number);
        _history.Processed(session.Number, processed);
        lock (_gate)
        {
            session.Relays.Release(processed);
        }
    }

    private void End(SessionEnd end, TimeSpan away = default)
    {
        if (_session is { } session)
        {
            _history.Ended(session.Number, end, session.Absence(away));
            _session = null;
        }
    }

    private async ValueTask<Frame> ReceiveAsync(WireConnection wire, CancellationToken cancellationToken)
    {
        Frame frame;
        while (!wire.Received.TryTakeFrame(out frame))
        {
            while (Stopwatch.GetTimestamp() < Volatile.Read(ref _frozenUntil))
            {
                await Task.Delay(Tick, cancellationToken);
            }

            if (await wire.ReceiveSomeAsync(cancellationToken: cancellationToken) == 0)
            {
                throw new EndOfStreamException("the connection was closed without a goodbye");
            }
        }

        return frame;
    }
}
