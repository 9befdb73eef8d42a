namespace MessageDelivery.Hub.Limits;

/// <summary>
/// A token bucket whose burst is one second of its rate. Taking may make the level negative; the caller then waits until it is zero again.
/// Times are a loop's milliseconds.
/// </summary>
internal struct TokenBucket
{
    private const long Thousandths = 1_000;

    // A second fills it, and a debt is at most two seconds: a longer time changes nothing, and must not overflow.
    private const long MaxElapsed = 4_000;

    private readonly long _rate;
    private long _level;
    private long _at;

    /// <param name="rate">How many in a second, up to 2^40; 0 is no limit.</param>
    public TokenBucket(long rate, long now)
    {
        _rate = rate;
        _level = rate * Thousandths;
        _at = now;
    }

    public readonly bool IsOff => _rate == 0;

    public readonly long Rate => _rate;

    /// <summary>Milliseconds until the level would be zero again if so many were taken now; 0 if the level is high enough.</summary>
    /// <param name="count">Up to 2^40.</param>
    public long WaitFor(long count, long now)
    {
        if (IsOff)
        {
            return 0;
        }

        // Of a run of requests only the first comes at another time.
        if (now > _at)
        {
            _level = Math.Min(_rate * Thousandths, _level + (Math.Min(now - _at, MaxElapsed) * _rate));
            _at = now;
        }

        long missing = (count * Thousandths) - _level;
        return missing <= 0 ? 0 : (missing + _rate - 1) / _rate;
    }

    /// <summary>Takes so many, whatever the level; returns the milliseconds until that is zero again.</summary>
    public long Take(long count, long now)
    {
        long wait = WaitFor(count, now);
        _level -= IsOff ? 0 : count * Thousandths;
        return wait;
    }
}
