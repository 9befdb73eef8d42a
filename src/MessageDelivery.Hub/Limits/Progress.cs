namespace MessageDelivery.Hub.Limits;

/// <summary>Watches an unfinished request: it must receive a minimum of bytes in each interval.</summary>
internal sealed class Progress
{
    public const long IntervalMilliseconds = 30_000;

    private long _what;
    private long _seen;
    private long _due;

    /// <summary>When to look; 0 if nothing is unfinished.</summary>
    public long Due => _due;

    /// <summary>Something is unfinished.</summary>
    /// <param name="what">Tells it from what was unfinished before.</param>
    /// <param name="received">Bytes received in all.</param>
    public void Watch(long what, long received, long now)
    {
        if (_due == 0 || _what != what)
        {
            (_what, _seen, _due) = (what, received, now + IntervalMilliseconds);
        }
    }

    /// <summary>Nothing is unfinished.</summary>
    public void End() => _due = 0;

    /// <summary>Whether it is time, and too little has come; else the next interval begins.</summary>
    /// <param name="heldUpUntil">Until when the peer was not to blame.</param>
    public bool HasStopped(int least, long received, long heldUpUntil, long now)
    {
        if (_due == 0 || now < _due)
        {
            return false;
        }

        if (received - _seen >= least || heldUpUntil > _due - IntervalMilliseconds)
        {
            (_seen, _due) = (received, now + IntervalMilliseconds);
            return false;
        }

        return true;
    }
}
