namespace MessageDelivery.Cli.Bench;

/// <summary>
/// How many deliveries of one sender are under way, and a place for the sender to wait until there are fewer. One sender; any
/// number of receivers.
/// </summary>
/// <param name="limit">The most deliveries under way.</param>
/// <param name="resumeAt">A sender that waits is woken when no more than this are left, so that it is not woken for each.</param>
internal sealed class InFlightWindow(long limit, long resumeAt)
{
    private long _inFlight;
    private TaskCompletionSource? _waiting;
    private volatile bool _isClosed;

    /// <summary>Takes room for the deliveries of one relay, if there is.</summary>
    public bool TryEnter(int deliveries)
    {
        if (Volatile.Read(ref _inFlight) + deliveries > limit)
        {
            return false;
        }

        Interlocked.Add(ref _inFlight, deliveries);
        return true;
    }

    /// <summary>Completes when there is room, or when the window is closed.</summary>
    public Task WaitAsync()
    {
        var waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        // The exchange is a barrier on this side, the decrement on the other: one of the two sees what the other did.
        Interlocked.Exchange(ref _waiting, waiting);
        if (Volatile.Read(ref _inFlight) <= resumeAt || _isClosed)
        {
            Wake();
        }

        return waiting.Task;
    }

    /// <summary>One delivery has arrived.</summary>
    public void Leave()
    {
        if (Interlocked.Decrement(ref _inFlight) <= resumeAt && Volatile.Read(ref _waiting) is not null)
        {
            Wake();
        }
    }

    /// <summary>Nobody waits here any more.</summary>
    public void Close()
    {
        _isClosed = true;
        Interlocked.MemoryBarrier();
        Wake();
    }

    private void Wake() => Interlocked.Exchange(ref _waiting, null)?.TrySetResult();
}
