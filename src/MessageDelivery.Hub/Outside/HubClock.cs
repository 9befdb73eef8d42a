namespace MessageDelivery.Hub.Outside;

/// <summary>
/// The embedder's clock. Where it throws, the machine's goes on from the last time that it told, so that deadlines still come. Any thread.
/// </summary>
internal sealed class HubClock
{
    private static readonly TimeSpan Never = Timeout.InfiniteTimeSpan;

    private readonly TimeProvider _time;
    private readonly OutsideFailures? _failures;
    private readonly long _frequency;
    private readonly ITimer? _timer;
    private long _told;
    private long _toldAt;

    /// <param name="wake">Called, on any thread, when the time of <see cref="TryWakeAfter"/> has passed on a clock that is not the machine's; null if no wait depends on it.</param>
    public HubClock(TimeProvider time, OutsideFailures? failures, Action? wake)
    {
        _time = time;
        _failures = failures;
        _toldAt = Environment.TickCount64;
        try
        {
            _frequency = Math.Max(1, time.TimestampFrequency);
            // The machine's own waits follow the machine's clock; another clock has to say when it moves.
            _timer = wake is null || ReferenceEquals(time, TimeProvider.System) ? null : time.CreateTimer(_ => wake(), null, Never, Never);
        }
        catch (Exception exception)
        {
            _frequency = Math.Max(1, _frequency);
            failures?.Failed(OutsideCall.ClockTimer, exception);
        }
    }

    /// <summary>Whether waits have to be ended by <see cref="TryWakeAfter"/>.</summary>
    public bool HasTimer => _timer is not null;

    /// <summary>Milliseconds since some time in the past.</summary>
    public long Milliseconds => Microseconds / 1_000;

    /// <summary>Microseconds since the same time.</summary>
    public long Microseconds
    {
        get
        {
            try
            {
                long timestamp = _time.GetTimestamp();
                _told = _frequency % 1_000_000 == 0 ? timestamp / (_frequency / 1_000_000) : (long)((Int128)timestamp * 1_000_000 / _frequency);
                _toldAt = Environment.TickCount64;
                return _told;
            }
            catch (Exception exception)
            {
                _failures?.Failed(OutsideCall.ReadClock, exception);
                return _told + ((Environment.TickCount64 - _toldAt) * 1_000);
            }
        }
    }

    /// <summary>The time of day.</summary>
    public DateTimeOffset UtcNow
    {
        get
        {
            try
            {
                return _time.GetUtcNow();
            }
            catch (Exception exception)
            {
                _failures?.Failed(OutsideCall.ReadClock, exception);
                return TimeProvider.System.GetUtcNow();
            }
        }
    }

    /// <summary>Wakes after a time. False if the clock cannot: then the machine's has to do.</summary>
    public bool TryWakeAfter(int milliseconds)
    {
        try
        {
            _timer!.Change(TimeSpan.FromMilliseconds(milliseconds), Never);
            return true;
        }
        catch (Exception exception)
        {
            _failures?.Failed(OutsideCall.ClockTimer, exception);
            return false;
        }
    }

    /// <summary>Disposes of the timer.</summary>
    public void Stop()
    {
        try
        {
            _timer?.Dispose();
        }
        catch (Exception exception)
        {
            _failures?.Failed(OutsideCall.ClockTimer, exception);
        }
    }
}
