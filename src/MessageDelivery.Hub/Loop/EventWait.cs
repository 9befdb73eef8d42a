using MessageDelivery.Hub.Linux;
using MessageDelivery.Hub.Outside;

namespace MessageDelivery.Hub.Loop;

/// <summary>A loop's wait for events, which other threads and the clock may end. The loop's thread, except <see cref="Wake"/>.</summary>
/// <remarks>
/// A flood's connections become ready again all the time, so that looking for others' events would cost the more the more there are of them. They
/// can be set aside: an epoll instance of their own has them, whose events only a wait takes and no look.
/// </remarks>
internal sealed class EventWait : IDisposable
{
    /// <summary>The tag that those set aside are reported under: that of no entry.</summary>
    private const ulong AsideTag = Epoll.WakeTag - 1;

    private const long Waiting = long.MaxValue;

    private readonly HubClock _clock;
    private readonly Epoll _watched = new();
    private readonly Epoll _aside = new(wakes: false);
    private int _awake = 1;
    private long _busySince = Waiting;

    public EventWait(TimeProvider time, OutsideFailures? failures)
    {
        _clock = new(time, failures, Wake);
        _watched.Add(_aside.Descriptor, Libc.EpollIn, AsideTag);
        UpdateNow();
    }

    /// <summary>Milliseconds of the clock, as of the last wait. A clock that goes back stands still here.</summary>
    public long Now { get; private set; }

    /// <summary>When the last wait ended, or far in the future during a wait. Any thread.</summary>
    public long BusySince => Volatile.Read(ref _busySince);

    /// <summary>Microseconds of the clock, now.</summary>
    public long Microseconds => _clock.Microseconds;

    /// <summary>Announces that the loop looks for something to do, and then waits: whoever leaves some after this wakes it.</summary>
    public void Prepare() => Interlocked.Exchange(ref _awake, 0);

    /// <summary>Watches a descriptor until it is removed, or closed with all its duplicates. False if the kernel does not.</summary>
    public bool TryAdd(int descriptor, uint events, ulong tag) => _watched.TryAdd(descriptor, events, tag);

    /// <summary>
    /// Watches a descriptor no more that stays open. Closing one is not enough where a duplicate lives in another process: its events would
    /// go on being reported, and nothing could end that any more (epoll(7), questions 6 and 7).
    /// </summary>
    public void Remove(int descriptor)
    {
        _watched.Remove(descriptor);
        _aside.Remove(descriptor);
    }

    /// <summary>Sets a descriptor aside, or takes it back. What it is ready for is reported anew. False if it stays where it is.</summary>
    public bool TryMove(int descriptor, uint events, ulong tag, bool aside)
    {
        var (from, to) = aside ? (_watched, _aside) : (_aside, _watched);
        if (!to.TryAdd(descriptor, events, tag))
        {
            return false;
        }

        from.Remove(descriptor);
        return true;
    }

    /// <summary>Waits for events.</summary>
    /// <param name="timeoutMilliseconds">Negative waits without end.</param>
    public Events Wait(int timeoutMilliseconds)
    {
        Volatile.Write(ref _busySince, Waiting);
        int count = _watched.Wait(timeoutMilliseconds != 0 && _clock.HasTimer ? WithTimer(timeoutMilliseconds) : timeoutMilliseconds);
        Volatile.Write(ref _awake, 1);
        UpdateNow();
        Volatile.Write(ref _busySince, Now);
        int aside = 0;
        for (int i = 0; i < count; i++)
        {
            aside = _watched[i].Tag == AsideTag ? _aside.Wait(0) : aside;
        }

        return new(this, count, aside);
    }

    /// <summary>Looks for events without waiting, but not for those of who was set aside.</summary>
    public Events Look()
    {
        int count = _watched.Wait(0);
        UpdateNow();
        return new(this, count, 0);
    }

    /// <summary>Ends the current or the next wait. Any thread.</summary>
    public void Wake()
    {
        if (Interlocked.Exchange(ref _awake, 1) == 0)
        {
            _watched.Wake();
        }
    }

    public void UpdateNow() => Now = Math.Max(Now, _clock.Milliseconds);

    public void Dispose()
    {
        _clock.Stop();
        _watched.Dispose();
        _aside.Dispose();
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

    /// <summary>What was reported. Valid until the next wait or look.</summary>
    internal readonly struct Events(EventWait wait, int watched, int aside)
    {
        public int Count => watched + aside;

        public (uint Events, ulong Tag) this[int index] => index < watched ? wait._watched[index] : wait._aside[index - watched];
    }
}
