using System.Diagnostics.CodeAnalysis;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Transport.Layers;

namespace MessageDelivery.Hub.Protocols.Http;

/// <summary>
/// A connection that a server of the embedder's serves: its bytes are moved to and from a pipe within the process, whose other end the server has.
/// Each direction waits for the other end, as with a socket. The connection stays one of the hub's: limits, draining and the end are as for others.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The source has no timer, and its token is the server's for as long as that likes.")]
internal sealed class HttpTunnel : IProtocol, IDeliveryWaiter
{
    private const int PieceBytes = 16 << 10;

    // Bytes that may wait for the peer in the hub, beside those in the pipe.
    private const int QueueBytes = 64 << 10;

    private const long MemoryRetryMilliseconds = 50;

    // What passes through pipes does not count as received or sent a second time.
    [ThreadStatic]
    private static LoopCounters? s_uncounted;

    private readonly LoopServices _services;
    private readonly Connection _connection;
    private readonly MemoryLayer _pipe;
    private readonly CancellationTokenSource _closing = new();
    private readonly Action _go;
    private readonly Action _goGuarded;
    private WaitingDelivery? _waiting;
    private int _isPosted;
    private bool _isPipeFull;
    private bool _isAtEnd;
    private bool _isToldClosing;
    private volatile bool _awaitsRoom;

    private HttpTunnel(LoopServices services, Connection connection, out Stream otherEnd)
    {
        _services = services;
        _connection = connection;
        _pipe = MemoryLayer.Create(out otherEnd);
        _go = Go;
        _goGuarded = () => _services.Loop.Failures.Call(_connection, _go);
        _pipe.Attach(Wake, Wake);
        Deadline = long.MaxValue;
    }

    public long Deadline { get; private set; }

    private static LoopCounters Uncounted => s_uncounted ??= new();

    private bool IsStopping => _connection.Host.IsShuttingDown;

    /// <summary>Gives a connection on which nothing was sent to the server, which gets all of its bytes; returns how many of these were taken.</summary>
    /// <param name="http">A place of its quota is taken; it is given back with the connection, or if this fails.</param>
    /// <param name="input">What has come.</param>
    public static int Begin(LoopServices services, Connection connection, HttpServices http, in Segment input)
    {
        HttpConnection? served = null;
        try
        {
            var tunnel = new HttpTunnel(services, connection, out var stream);
            connection.Adopt(new(services.Loop.Pool, QueueBytes, connection));
            connection.Handler = tunnel;
            served = new(
                stream, connection.Peer.ToEndPointOrLoopback(), PeerAddress.OfSocket(connection.Layer.Descriptor).ToEndPointOrLoopback(),
                connection.Layer.IsEncrypted, http.Policy, http.Quota.Release, tunnel._closing.Token);
            int taken = tunnel.Consume(input);
            http.Server!.Serve(served);
            return taken;
        }
        catch
        {
            if (served is null)
            {
                http.Quota.Release();
            }

            served?.Close();
            throw;
        }
    }

    public int RequestBytes(ReadOnlySpan<byte> front, bool isReceived) => PieceBytes;

    public int Consume(in Segment input)
    {
        int taken = 0;
        if (input.Length > 0)
        {
            long sent = _pipe.Send(input.Span, Uncounted);
            // Who has disposed of the other end wants no more.
            taken = sent < 0 ? input.Length : (int)sent;
            _isPipeFull = taken < input.Length;
        }

        if (!_isPipeFull && _connection.Input.IsFinal && !_connection.IsBroken && !_isAtEnd)
        {
            _isAtEnd = true;
            _pipe.TryFinish(Uncounted);
        }

        if (_isPipeFull || (_isAtEnd && !_connection.IsBroken))
        {
            // At the peer's end the server still has to answer.
            _connection.Pause();
        }

        return taken;
    }

    public void OnDeadline()
    {
        Deadline = long.MaxValue;
        if (IsStopping)
        {
            _connection.Abort(CloseReason.ShuttingDown);
        }
        else
        {
            Go();
        }
    }

    public void Resumed()
    {
    }

    public void End(CloseReason reason)
    {
        if (reason == CloseReason.SlowConsumer)
        {
            _services.CutOff(0, _connection);
        }
        else if (reason == CloseReason.Overloaded)
        {
            _connection.Abort(reason);
        }
        else
        {
            TellClosing();
            Deadline = _connection.Loop.Now + _connection.Host.Settings.DrainMilliseconds;
        }
    }

    public void Closed(CloseReason reason)
    {
        TellClosing();
        if (reason != CloseReason.Left)
        {
            _pipe.ResetOnClose();
        }

        _pipe.Close();
        _services.Leave(null, _connection);
    }

    WaitingDelivery IDeliveryWaiter.DeliveryAt(int index) => _waiting ??= new(this, index);

    Span<HeldSegments?> IDeliveryWaiter.Recent => default;

    void IDeliveryWaiter.WaitEnded(WaitingDelivery delivery, QueueResult result)
    {
        _awaitsRoom = false;
        Wake();
    }

    /// <summary>The server has written something, taken something, or ended; or there is room to send again. Any thread.</summary>
    private void Wake()
    {
        if (Interlocked.Exchange(ref _isPosted, 1) == 0)
        {
            _services.Loop.Call(_goGuarded);
        }
    }

    private void Go()
    {
        Volatile.Write(ref _isPosted, 0);
        if (!_connection.IsOpen)
        {
            return;
        }

        if (_isPipeFull)
        {
            // If there is no room yet, it is full again at once.
            _isPipeFull = false;
            _connection.Resume();
        }

        SendAll();
        _connection.Reschedule();
    }

    /// <summary>Sends what the server has written, as far as the peer takes it.</summary>
    private void SendAll()
    {
        Span<byte> piece = stackalloc byte[PieceBytes];
        while (_connection.IsOpen && !_awaitsRoom)
        {
            if (_connection.Loop.Pool.IsLow)
            {
                Deadline = Math.Min(Deadline, _connection.Loop.Now + MemoryRetryMilliseconds);
                return;
            }

            // Before it is asked for: it may end at once, on another thread.
            _awaitsRoom = true;
            if (_connection.Outbound.TryAwaitRoomToAnswer(this))
            {
                return;
            }

            _awaitsRoom = false;
            long read = _pipe.Receive(piece, Uncounted, out _);
            if (read == ByteLayer.WouldBlock)
            {
                return;
            }

            if (read <= 0)
            {
                _connection.Close(IsStopping ? CloseReason.ShuttingDown : CloseReason.Left);
                return;
            }

            _connection.Send(piece[..(int)read]);
        }
    }

    /// <summary>Tells the server that the connection ends: what it has to do then is not done on the loop's thread.</summary>
    private void TellClosing()
    {
        if (!_isToldClosing)
        {
            _isToldClosing = true;
            ThreadPool.UnsafeQueueUserWorkItem(static tunnel => tunnel.Cancel(), this, preferLocal: false);
        }
    }

    private void Cancel()
    {
        try
        {
            _closing.Cancel();
        }
        catch (AggregateException error)
        {
            _services.Loop.NoteFailure(error);
        }
    }
}
