using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>
/// Detects a dead connection in both directions: sends a HEARTBEAT after an interval in which nothing was sent or received, and ends the
/// connection when nothing is received for two intervals with a heartbeat unanswered. Silence does not count while the client itself does not
/// read, nor while the hub may be applying backpressure.
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
    private volatile bool _isSuspended;

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

    public bool IsSuspended => _isSuspended;

    public void NoteSent() => Volatile.Write(ref _lastSent, _time.GetTimestamp());

    public void NoteReceived() => Volatile.Write(ref _lastReceived, _time.GetTimestamp());

    public void NoteAnswered() => _isProbing = false;

    /// <summary>The client stops reading: silence does not count.</summary>
    public void Suspend() => _isSuspended = true;

    public void Restart()
    {
        NoteReceived();
        _isSuspended = false;
    }

    public ValueTask DisposeAsync() => _timer.DisposeAsync();

    private void Check()
    {
        if (_link.CloseReason is not null)
        {
            return;
        }

        long now = _time.GetTimestamp();
        if (_isSuspended || _session.MayBeBackpressured)
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

        // What is due but could not be done, for example because a send is in flight, is tried again soon.
        TimeSpan min = _interval / 10;
        _timer.Change(next > min ? next : min, Timeout.InfiniteTimeSpan);

        TimeSpan Remaining(long since, TimeSpan span) => span - _time.GetElapsedTime(since, now);
    }
}
