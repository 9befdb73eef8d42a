namespace MessageDelivery.Integration.Tests.Failures;

/// <summary>How something that was given to the hub fails.</summary>
public enum FaultKind
{
    /// <summary>One call throws.</summary>
    Throws,

    /// <summary>One call throws, and all after it.</summary>
    ThrowsFromThenOn,

    /// <summary>One call does not return before the test is over.</summary>
    Hangs,
}

/// <summary>Counts calls, and fails at one of them. Any thread.</summary>
/// <param name="at">Which call fails, from 1; none if it is 0.</param>
internal sealed class Fault(FaultKind kind, int at) : IDisposable
{
    private readonly ManualResetEventSlim _isOver = new();
    private int _calls;

    /// <summary>Calls so far.</summary>
    public int Calls => Volatile.Read(ref _calls);

    /// <summary>Whether a call has failed, or fails at this moment.</summary>
    public bool HasStruck => at > 0 && Calls >= at;

    public void Call()
    {
        int call = Interlocked.Increment(ref _calls);
        if (at == 0 || call < at || (call > at && kind != FaultKind.ThrowsFromThenOn))
        {
            return;
        }

        if (kind == FaultKind.Hangs)
        {
            _isOver.Wait();
        }
        else
        {
            throw new InvalidTimeZoneException("What was given to the hub fails.");
        }
    }

    /// <summary>Lets a call that hangs return.</summary>
    public void Dispose() => _isOver.Set();
}
