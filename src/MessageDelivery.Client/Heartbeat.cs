using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>
/// Keeps a connection known to be alive, in both directions: a HEARTBEAT after an interval in which nothing was sent, or nothing
/// came; and the end of the connection when nothing comes for two intervals while a heartbeat is unanswered. Silence does not
/// count while the client itself does not read, nor while the hub may be holding it back for a full receiver.
/// </summary>
internal sealed class Heartbeat : IAsyncDisposable
{
    private readonly Session _session;
    private readonly SessionLink _link;
    private readonly Action<HubConnectionException> _close;
    private readonly TimeProvider _time;
    private readonly TimeSpan _interval;
    private readonly ITimer _timer;
    private long _lastSent;
    private long _lastReceived;
    private long _probed;
    private long _excused;
    private volatile bool _isProbing;
    private volatile bool _isPaused;

    public Heartbeat(Session session, SessionLink link, TimeSpan interval, TimeProvider time, Action<HubConnectionException> close)
    {
        _session = session;
        _link = link;
        _interval = interval;
        _time = time;
        _close = close;
        _lastSent = _lastReceived = time.GetTimestamp();
        _timer = time.CreateTimer(static heartbeat => ((Heartbeat)heartbeat!).Check(), this, interval, Timeout.InfiniteTimeSpan);
    }

    public bool IsPaused => _isPaused;

    public void NoteSent() => Volatile.Write(ref _lastSent, _time.GetTimestamp());

    public void NoteReceived() => Volatile.Write(ref _lastReceived, _time.GetTimestamp());

    public void NoteAnswered() => _isProbing = false;

    /// <summary>The client stops reading; what the hub says waits unread.</summary>
    public void Pause() => _isPaused = true;

    public void Resume()
    {
        NoteReceived();
        _isPaused = false;
    }

    public ValueTask DisposeAsync() => _timer.DisposeAsync();

    private void Check()
    {
        if (_link.CloseReason is not null)
        {
            return;
        }

        long now = _time.GetTimestamp();
        if (_isPaused || _session.MayBeBackpressured)
        {
            _excused = now;
        }

        TimeSpan silence = _time.GetElapsedTime(Volatile.Read(ref _lastReceived), now);
        TimeSpan unanswered = _isProbing ? _time.GetElapsedTime(SilentSince(), now) : TimeSpan.Zero;
        if (unanswered >= 2 * _interval)
        {
            _close(new(ProtocolCode.HeartbeatTimeout, $"nothing came from the hub for {silence.TotalSeconds:0} s"));
            return;
        }

        bool isQuiet = _time.GetElapsedTime(Volatile.Read(ref _lastSent), now) >= _interval;
        if ((isQuiet || (silence >= _interval && !_isProbing)) && _session.IsSendIdle && _session.TrySendHeartbeat())
        {
            Volatile.Write(ref _lastSent, now);
            if (!_isProbing)
            {
                _probed = now;
                _isProbing = true;
            }
        }

        Rearm(now);
    }

    private long SilentSince() => Math.Max(Math.Max(_probed, _excused), Volatile.Read(ref _lastReceived));

    private void Rearm(long now)
    {
        TimeSpan next = Remaining(Volatile.Read(ref _lastSent), _interval);
        TimeSpan other = _isProbing
            ? Remaining(SilentSince(), 2 * _interval)
            : Remaining(Volatile.Read(ref _lastReceived), _interval);
        next = other < next ? other : next;

        // What is due already, and could not be done, waits a moment: the send in flight, say.
        TimeSpan least = _interval / 10;
        _timer.Change(next > least ? next : least, Timeout.InfiniteTimeSpan);

        TimeSpan Remaining(long since, TimeSpan span) => span - _time.GetElapsedTime(since, now);
    }
}
