using System.Diagnostics;

namespace MessageDelivery.Client;

/// <summary>
/// The frames of a resumable session that the hub counts and keeps until they are acknowledged: which have been received, which of
/// them count because the program has taken them, and when an ACK is due. A receipt counts when it is handed on, a delivery when the
/// program has taken it, and no frame before those in front of it. Numbers go on from session to session, so that a delivery of an
/// old one is never taken for one of the new. Thread-safe; its lock is a leaf.
/// </summary>
internal sealed class Acknowledgements : IDisposable
{
    /// <summary>Frames that count after which an ACK is due.</summary>
    public const int MaxFrames = 64;

    /// <summary>Bytes of frames that count after which an ACK is due.</summary>
    public const int MaxBytes = 256 * 1024;

    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly ITimer _timer;

    // In order, and bounded as the deliveries that wait for the program are.
    private readonly Queue<Untaken> _untaken = new();
    private ulong _sessionStart;
    private ulong _received;
    private long _receivedBytes;
    private ulong _acknowledged;
    private long _acknowledgedBytes;
    private ulong _replayed;
    private ulong _firstDropped = ulong.MaxValue;
    private bool _isAwaited;
    private bool _isTimerSet;

    /// <param name="time">The clock.</param>
    /// <param name="acknowledge">Acknowledges, a second after a frame began to count for which nothing else has made it due.</param>
    public Acknowledgements(TimeProvider time, Action acknowledge) =>
        _timer = time.CreateTimer(
            _ =>
            {
                lock (_gate)
                {
                    _isTimerSet = false;
                }

                acknowledge();
            },
            null,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);

    /// <summary>Frames of this session that count: the total that HELLO tells.</summary>
    public ulong Total
    {
        get
        {
            lock (_gate)
            {
                return Counted - _sessionStart;
            }
        }
    }

    /// <summary>A frame has come that counts when those in front of it do.</summary>
    /// <param name="bytes">Its length.</param>
    /// <param name="isAwaited">Whether somebody waits for its ACK.</param>
    public void Receive(long bytes, bool isAwaited = false)
    {
        lock (_gate)
        {
            _received++;
            _receivedBytes += bytes;
            _isAwaited |= isAwaited;
        }
    }

    /// <summary>A delivery has come that counts when the program has taken it.</summary>
    /// <param name="bytes">Its frame's length.</param>
    /// <param name="isAwaited">Whether somebody waits for its ACK.</param>
    /// <returns>Its number, for <see cref="Take"/>.</returns>
    public ulong ReceiveUntaken(long bytes, bool isAwaited)
    {
        lock (_gate)
        {
            _received++;
            if (_firstDropped == ulong.MaxValue)
            {
                _untaken.Enqueue(new(_received, _receivedBytes, isAwaited));
            }

            _receivedBytes += bytes;
            return _received;
        }
    }

    /// <summary>
    /// The program has taken a delivery, and so all before it; it gets them in order. A number of another session, or one that was
    /// taken before, does nothing.
    /// </summary>
    /// <returns>Whether an ACK is due now.</returns>
    public bool Take(ulong number)
    {
        lock (_gate)
        {
            bool counts = false;
            while (_untaken.TryPeek(out Untaken first) && first.Number <= number && first.Number < _firstDropped)
            {
                _untaken.Dequeue();
                _isAwaited |= first.IsAwaited;
                counts = true;
            }

            return counts && Check();
        }
    }

    /// <summary>A delivery was dropped that the program has not taken: neither it nor what comes behind it in this session ever counts.</summary>
    public void Drop(ulong number)
    {
        lock (_gate)
        {
            _firstDropped = number > _sessionStart ? Math.Min(_firstDropped, number) : _firstDropped;
        }
    }

    /// <summary>Whether an ACK is due now. If not, but something counts that was not acknowledged, one will be in time.</summary>
    public bool IsDue()
    {
        lock (_gate)
        {
            return Check();
        }
    }

    /// <summary>Whether there is something to acknowledge, and the total. From now on it is acknowledged.</summary>
    public bool TryAcknowledge(out ulong total)
    {
        lock (_gate)
        {
            ulong counted = Counted;
            total = counted - _sessionStart;
            if (counted == _acknowledged)
            {
                return false;
            }

            (_acknowledged, _acknowledgedBytes, _isAwaited) = (counted, CountedBytes, false);
            return true;
        }
    }

    /// <summary>
    /// The session goes on from the total that a HELLO told: the hub knows it, and sends again what has come behind it.
    /// </summary>
    public void Resume(ulong told)
    {
        lock (_gate)
        {
            Debug.Assert(_sessionStart + told >= _acknowledged && _sessionStart + told <= _received, "a total never goes back");
            _acknowledged = _sessionStart + told;
            _replayed = _received - _acknowledged;
            if (Counted == _acknowledged)
            {
                (_acknowledgedBytes, _isAwaited) = (CountedBytes, false);
            }
        }
    }

    /// <summary>Whether the counted frame that comes now is one that had come before the session was resumed.</summary>
    public bool TryDropReplayed()
    {
        lock (_gate)
        {
            if (_replayed == 0)
            {
                return false;
            }

            _replayed--;
            return true;
        }
    }

    /// <summary>Another session begins.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _untaken.Clear();
            _sessionStart = _acknowledged = _received;
            _acknowledgedBytes = _receivedBytes;
            (_replayed, _firstDropped, _isAwaited) = (0, ulong.MaxValue, false);
        }
    }

    public void Dispose() => _timer.Dispose();

    private ulong Counted => _untaken.TryPeek(out Untaken first) ? first.Number - 1 : Math.Min(_received, _firstDropped - 1);

    private long CountedBytes => _untaken.TryPeek(out Untaken first) ? first.BytesBefore : _receivedBytes;

    private bool Check()
    {
        Debug.Assert(Counted >= _acknowledged, "no more is acknowledged than counts");
        ulong frames = Counted - _acknowledged;
        if (frames == 0)
        {
            return false;
        }

        if (_isAwaited || frames >= MaxFrames || CountedBytes - _acknowledgedBytes >= MaxBytes)
        {
            return true;
        }

        if (!_isTimerSet)
        {
            _isTimerSet = true;
            _timer.Change(MaxDelay, Timeout.InfiniteTimeSpan);
        }

        return false;
    }

    /// <summary>A delivery that the program has not taken.</summary>
    /// <param name="Number">Its number.</param>
    /// <param name="BytesBefore">Bytes of all frames before it.</param>
    /// <param name="IsAwaited">Whether somebody waits for its ACK.</param>
    private readonly record struct Untaken(ulong Number, long BytesBefore, bool IsAwaited);
}
