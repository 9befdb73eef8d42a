namespace MessageDelivery.Hub.Loop;

/// <summary>What a loop does about once a second, so that nothing that lies about pins memory. The loop's thread.</summary>
internal sealed class Housekeeping(EventLoop loop)
{
    private const long IntervalMilliseconds = 1_000;

    private readonly List<LoopEntry> _waiting = [];
    private Action? _run;
    private long _next;
    private long _shortSince = long.MaxValue;

    /// <summary>Who else has something to do.</summary>
    public IHousekeeper? Housekeeper { get; set; }

    /// <summary>Milliseconds until something has to be done; -1 if there is nothing.</summary>
    public int UntilNext => loop.Pool.WantsHousekeeping || _waiting.Count > 0 ? (int)Math.Max(0, _next - loop.Now) : -1;

    public void Add(LoopEntry entry) => _waiting.Add(entry);

    public void RunIfDue()
    {
        if (loop.Now < _next)
        {
            return;
        }

        _next = loop.Now + IntervalMilliseconds;
        loop.Failures.Call(_run ??= Run);
    }

    /// <summary>Where somebody waits for memory, what loops keep for themselves may be all that is missing.</summary>
    public void GiveUpBuffersIfShort()
    {
        if (_waiting.Count > 0 && loop.Pool.IsScarce && !loop.Pool.IsLow)
        {
            CallWaiting();
        }

        if (loop.Pool.IsShort)
        {
            loop.ReceiveBuffer.LetGoIfExclusive();
            loop.CopyBuffer.LetGoIfExclusive();
        }
    }

    private void Run()
    {
        loop.Pool.Trim(loop.Now);
        CallWaiting();
        _shortSince = loop.Pool.IsShort ? Math.Min(_shortSince, loop.Now) : long.MaxValue;
        if (_shortSince != long.MaxValue)
        {
            Housekeeper?.KeepHouse(loop.Now - _shortSince);
        }
    }

    private void CallWaiting()
    {
        // Who still has something left to do is added again, for the next time.
        int count = _waiting.Count;
        for (int i = 0; i < count; i++)
        {
            loop.Failures.Call(_waiting[i], Occasion.Housekeeping);
        }

        _waiting.RemoveRange(0, count);
    }
}
