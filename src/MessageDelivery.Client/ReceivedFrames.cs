namespace MessageDelivery.Client;

/// <summary>
/// The frames of a resumable session that the hub counts and keeps until they are acknowledged: how many have been received, and
/// when an acknowledgement is due. The receive loop counts; the acknowledging is done by whoever holds the session's lock.
/// </summary>
internal sealed class ReceivedFrames : IDisposable
{
    /// <summary>Frames after which an acknowledgement is due.</summary>
    public const int MostFrames = 64;

    /// <summary>Bytes after which an acknowledgement is due.</summary>
    public const int MostBytes = 256 * 1024;

    private static readonly TimeSpan MostDelay = TimeSpan.FromSeconds(1);

    private readonly ITimer _timer;
    private ulong _total;
    private ulong _acknowledged;
    private long _bytes;
    private volatile bool _isTimerSet;

    /// <param name="time">The clock.</param>
    /// <param name="acknowledge">Acknowledges, a second after a frame for which nothing else has made it due.</param>
    public ReceivedFrames(TimeProvider time, Action acknowledge) =>
        _timer = time.CreateTimer(
            _ =>
            {
                _isTimerSet = false;
                acknowledge();
            },
            null,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);

    /// <summary>Frames received in this session.</summary>
    public ulong Total => Volatile.Read(ref _total);

    public void Count(long bytes)
    {
        _bytes = _total == Volatile.Read(ref _acknowledged) ? bytes : _bytes + bytes;
        Volatile.Write(ref _total, _total + 1);
    }

    /// <summary>
    /// Whether what has come is to be acknowledged now. If not, but there is something, it will be in time. Called by the
    /// receive loop before it waits.
    /// </summary>
    public bool IsDue()
    {
        ulong frames = _total - Volatile.Read(ref _acknowledged);
        if (frames >= MostFrames || (frames > 0 && _bytes >= MostBytes))
        {
            return true;
        }

        if (frames > 0 && !_isTimerSet)
        {
            _isTimerSet = true;
            _timer.Change(MostDelay, Timeout.InfiniteTimeSpan);
        }

        return false;
    }

    /// <summary>Whether there is something to acknowledge, and up to where. From now on it counts as acknowledged.</summary>
    public bool TryTake(out ulong total)
    {
        total = Total;
        if (total == _acknowledged)
        {
            return false;
        }

        Volatile.Write(ref _acknowledged, total);
        return true;
    }

    /// <summary>The hub has learned the total by another way: a HELLO carried it.</summary>
    public void NoteTold() => TryTake(out _);

    /// <summary>Counts from the beginning, as another session does.</summary>
    public void Clear() => (_total, _acknowledged, _bytes) = (0, 0, 0);

    public void Dispose() => _timer.Dispose();
}
