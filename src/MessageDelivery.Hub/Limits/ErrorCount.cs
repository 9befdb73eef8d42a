namespace MessageDelivery.Hub.Limits;

/// <summary>The errors of one connection within a minute.</summary>
internal sealed class ErrorCount
{
    private const long MinuteMilliseconds = 60_000;

    private long _since;
    private int _errors;

    /// <summary>Counts one more, or several. True if that is more than <paramref name="most"/>; 0 is no limit.</summary>
    public bool IsOneTooMany(int most, long now, int errors = 1)
    {
        if (_errors == 0 || now - _since >= MinuteMilliseconds)
        {
            (_since, _errors) = (now, 0);
        }

        _errors = (int)Math.Min(int.MaxValue, (long)_errors + errors);
        return _errors > most && most > 0;
    }
}
