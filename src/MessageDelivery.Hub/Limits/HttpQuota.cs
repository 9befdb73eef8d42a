namespace MessageDelivery.Hub.Limits;

/// <summary>How many connections may be served as HTTP at one time. Any thread.</summary>
/// <param name="max">0 is no limit.</param>
internal sealed class HttpQuota(int max)
{
    private int _taken;

    public int Max => max;

    /// <summary>Connections that are served.</summary>
    public int Taken => Volatile.Read(ref _taken);

    /// <summary>Takes a place. False if there is none.</summary>
    public bool TryTake()
    {
        if (Interlocked.Increment(ref _taken) <= max || max == 0)
        {
            return true;
        }

        Release();
        return false;
    }

    public void Release() => Interlocked.Decrement(ref _taken);
}
