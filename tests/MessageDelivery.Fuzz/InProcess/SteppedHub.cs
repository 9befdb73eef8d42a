using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Protocols;
using MessageDelivery.Hub.Protocols.Detection;
using MessageDelivery.Hub.Resuming;
using MessageDelivery.Hub.Transport.Layers;
using MessageDelivery.Hub.Users;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace MessageDelivery.Fuzz.InProcess;

/// <summary>
/// A hub of one event loop whose thread never runs: each turn is taken here, on a clock that stands still, so that the same
/// bytes always take the same way. A defect that the loop would only log is an oracle's failure.
/// </summary>
internal sealed class SteppedHub : ILoopEvents, IDisposable
{
    public const ushort HeartbeatSeconds = 30;
    public const int ResumeWindowSeconds = 120;
    public const int RetentionBytes = 8 << 20;

    private const long QueueLimitBytes = 32 << 20;
    private const long ConfirmMilliseconds = 30_000;
    private const int MaxConnections = 8;
    private const int MaxTurns = 100_000;
    private const int IdleTurns = 3;

    private readonly BlockPool _pool = new(64 << 20);
    private readonly FakeTimeProvider _time = new();
    private readonly EventLoop _loop;
    private readonly SessionTable _sessions;
    private readonly Detector _detector;
    private readonly ConnectionQuota _places = new(int.MaxValue);
    private readonly List<SteppedPeer> _peers = [];

    public SteppedHub()
    {
        _loop = new(0, _pool, _time, this);
        var term = new SessionTerm(ResumeWindowSeconds * 1_000L, RetentionBytes, ConfirmMilliseconds, MaxConnections);
        _sessions = new(new UserRegistry(_pool), term, NullLogger.Instance);
        // What a peer may say is what the protocol allows: how often is another matter, with tests of its own.
        var limits = new SessionLimits(HeartbeatSeconds, MaxConnections)
        {
            User = new() { MaxErrorsPerMinute = 0, ListsPerSecond = 0, EchoesPerSecond = 0, MinProgressBytes = 0 },
        };
        _detector = new(new(_loop, new(QueueLimitBytes, 10_000, 10_000)), _sessions, limits, NullLogger.Instance);
        Turn();
    }

    public SteppedPeer Connect()
    {
        var (hub, socket) = SocketPair.Open();
        var peer = new SteppedPeer(socket);
        _peers.Add(peer);
        _detector.Host.Adopt(new SocketLayer(hub), _places.TryTake()!, default, _detector.Open, _peers.Count);
        Turn();
        return peer;
    }

    /// <summary>Connects somebody, sends, and forgets what the hub answers.</summary>
    public SteppedPeer Join(ReadOnlySpan<byte> greeting)
    {
        var peer = Connect();
        Send(peer, greeting);
        Settle();
        peer.Received.Clear();
        return peer;
    }

    /// <summary>Sends bytes in one piece, as far as the hub lets them in; each piece is in front of the session before the next.</summary>
    public void Send(SteppedPeer peer, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty && !peer.HasEnded)
        {
            bytes = bytes[peer.Send(bytes)..];
            Turn();
        }
    }

    /// <summary>Takes turns until nothing moves any more.</summary>
    public void Settle()
    {
        int idle = 0;
        for (int turns = 0; idle < IdleTurns; turns++)
        {
            Oracle.True(turns < MaxTurns, "the hub goes on and on");
            long before = Moved();
            Turn();
            idle = Moved() == before ? idle + 1 : 0;
        }
    }

    /// <summary>Lets time pass.</summary>
    public void Wait(TimeSpan time)
    {
        _time.Advance(time);
        Settle();
    }

    /// <summary>Lets time pass, and something happen in the turn that finds it passed, after the loop has asked what there is to read.</summary>
    public void Wait(TimeSpan time, Action meanwhile)
    {
        _time.Advance(time);
        _loop.Call(meanwhile);
        Settle();
    }

    public void ConnectionFailed(Exception exception) => throw new OracleException($"a session failed: {exception}");

    public void LoopFailed(Exception exception) => throw new OracleException($"the loop failed: {exception}");

    /// <summary>Everybody leaves. Every connection has to close then, and every block to come back.</summary>
    public void End()
    {
        _peers.ForEach(peer => peer.Close());
        for (int turns = 0; _loop.Counters.Connections > 0; turns++)
        {
            Oracle.True(turns < MaxTurns, "a connection does not end");
            _time.Advance(TimeSpan.FromSeconds(1));
            Turn();
        }

        _sessions.EndAll();
        Oracle.True(_sessions.Away == 0, "somebody is still away");
        _loop.ReceiveBuffer.Dispose();
        _loop.CopyBuffer.Dispose();
        Oracle.True(_pool.OutstandingBlocks == 0, "blocks of message memory are not given back");
    }

    public void Dispose()
    {
        _peers.ForEach(peer => peer.Close());
        _loop.Dispose();
        _pool.Dispose();
    }

    private long Moved() => _loop.Counters.BytesReceived + _loop.Counters.BytesSent + _detector.Host.Closed.Total;

    private void Turn()
    {
        // A loop with a call to make does not wait for events.
        _loop.Call(static () => { });
        _loop.TurnHere();
        _peers.ForEach(peer => peer.Receive());
    }
}

/// <summary>The other end of one of the hub's connections.</summary>
internal sealed unsafe class SteppedPeer(int socket)
{
    // Hubs on several threads have one each.
    [ThreadStatic]
    private static byte[]? t_room;

    private bool _closed;

    /// <summary>All that has come.</summary>
    public List<byte> Received { get; } = [];

    /// <summary>Whether the hub has closed its side.</summary>
    public bool HasEnded { get; private set; }

    public int Send(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            nint sent = Libc.Send(socket, start, bytes.Length, Libc.MsgDontWait | Libc.MsgNoSignal);
            HasEnded |= sent < 0 && Libc.LastError != Libc.TryAgain;
            return (int)Math.Max(sent, 0);
        }
    }

    public void HalfClose() => Libc.Shutdown(socket, Libc.ShutdownWrite);

    public void Receive()
    {
        byte[] room = t_room ??= new byte[64 << 10];
        fixed (byte* start = room)
        {
            while (!_closed && !HasEnded)
            {
                nint received = Libc.Receive(socket, start, room.Length, Libc.MsgDontWait);
                if (received < 0 && Libc.LastError == Libc.TryAgain)
                {
                    return;
                }

                HasEnded = received <= 0;
                Received.AddRange(room.AsSpan(0, (int)Math.Max(received, 0)));
            }
        }
    }

    public void Close()
    {
        if (!_closed)
        {
            _closed = true;
            Libc.Close(socket);
        }
    }
}
