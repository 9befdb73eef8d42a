using MessageDelivery.Hub.Outside;

namespace MessageDelivery.Hub.Loop;

/// <summary>A loop's wait for events, which other threads and the clock may end. The loop's thread, except <see cref="Wake"/>.</summary>
internal sealed class EventWait : IDisposable
{
    private readonly HubClock _clock;
    private int _awake = 1;

    public EventWait(TimeProvider time, OutsideFailures? failures)
    {
        _clock = new(time, failures, Wake);
        UpdateNow();
    }

    public Epoll Epoll { get; } = new();

    /// <summary>Milliseconds of the clock, as of the last wait. A clock that goes back stands still here.</summary>
    public long Now { get; private set; }

    /// <summary>Microseconds of the clock, now.</summary>
    public long Microseconds => _clock.Microseconds;

    /// <summary>Announces that the loop looks for something to do, and then waits: whoever leaves some after this wakes it.</summary>
    public void Prepare() => Interlocked.Exchange(ref _awake, 0);

    /// <summary>Waits; returns how many events there are.</summary>
    /// <param name="timeoutMilliseconds">Negative waits without end.</param>
    public int Wait(int timeoutMilliseconds)
    {
        int count = Epoll.Wait(timeoutMilliseconds != 0 && _clock.HasTimer ? WithTimer(timeoutMilliseconds) : timeoutMilliseconds);
        Volatile.Write(ref _awake, 1);
        UpdateNow();
        return count;
    }

    /// <summary>Looks for events without waiting; returns how many there are.</summary>
    public int Look()
    {
        int count = Epoll.Wait(0);
        UpdateNow();
        return count;
    }

    /// <summary>Ends the current or the next wait. Any thread.</summary>
    public void Wake()
    {
        if (Interlocked.Exchange(ref _awake, 1) == 0)
        {
            Epoll.Wake();
        }
    }

    public void UpdateNow() => Now = Math.Max(Now, _clock.Milliseconds);

    public void Dispose()
    {
        _clock.Stop();
        Epoll.Dispose();
    }

    /// <summary>Lets a clock that is not the machine's end the wait.</summary>
    private int WithTimer(int timeout)
    {
        if (timeout > 0 && !_clock.TryWakeAfter(timeout))
        {
            return timeout;
        }

        long before = Now;
        UpdateNow();
        return Now != before ? 0 : -1;
    }
}
