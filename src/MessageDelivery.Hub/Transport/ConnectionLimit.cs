namespace MessageDelivery.Hub.Transport;

/// <summary>How many connections may be open at one time. Any thread.</summary>
internal sealed class ConnectionLimit(int most) : IPlace
{
    private int _open;

    public int Most { get; } = most;

    public int Open => Volatile.Read(ref _open);

    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _open) <= Most)
        {
            return true;
        }

        Leave();
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref _open);
}
