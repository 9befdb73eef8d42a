using System.Diagnostics;

namespace MessageDelivery.Client;

/// <summary>
/// Which received frames of a resumable session count as taken, and when an ACK is due. A receipt counts when it is handed on, a delivery
/// when the program has taken it, and no frame before those in front of it. Numbers continue across sessions, so that a delivery of an old
/// session is never mistaken for one of the new. Thread-safe; no other lock is taken inside its lock.
/// </summary>
internal sealed class Acknowledgements : IDisposable
{
    /// <summary>An ACK is due after this many counted frames.</summary>
    public const int MaxFrames = 64;

    /// <summary>An ACK is due after this many bytes of counted frames.</summary>
    public const int MaxBytes = 256 * 1024;

    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly ITimer _timer;

    // In order. Bounded by the limit of the delivery queue.
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
    /// <param name="acknowledge">Called one second after a frame counted, if nothing else made an ACK due.</param>
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

    /// <summary>Counted frames of this session: the total in HELLO.</summary>
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

    /// <summary>A frame was received that counts as soon as those before it do.</summary>
    /// <param name="bytes">Its length.</param>
    /// <param name="isAwaited">Whether a sender waits for its ACK.</param>
    public void Receive(long bytes, bool isAwaited = false)
    {
        lock (_gate)
        {
            _received++;
            _receivedBytes += bytes;
            _isAwaited |= isAwaited;
        }
    }

    /// <summary>A delivery was received; it counts when the program has taken it.</summary>
    /// <param name="bytes">Its frame's length.</param>
    /// <param name="isAwaited">Whether a sender waits for its ACK.</param>
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
    /// The program has taken a delivery, and with it all before: it receives them in order. Ignores numbers of other sessions and those that were
    /// taken before.
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

            return counts && CheckDue();
        }
    }

    /// <summary>A delivery was dropped before the program took it: neither it nor any later frame of this session counts.</summary>
    public void Drop(ulong number)
    {
        lock (_gate)
        {
            _firstDropped = number > _sessionStart ? Math.Min(_firstDropped, number) : _firstDropped;
        }
    }

    /// <summary>Whether an ACK is due now. If something is not acknowledged yet, starts the timer.</summary>
    public bool IsDue()
    {
        lock (_gate)
        {
            return CheckDue();
        }
    }

    /// <summary>Marks everything counted as acknowledged; false if nothing is new.</summary>
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

    /// <summary>The session resumes from the total in HELLO: the hub replays everything behind it.</summary>
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

    /// <summary>Whether the counted frame just received is a replay of one received before the session was resumed.</summary>
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

    private bool CheckDue()
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
    /// <param name="IsAwaited">Whether a sender waits for its ACK.</param>
    private readonly record struct Untaken(ulong Number, long BytesBefore, bool IsAwaited);
}
