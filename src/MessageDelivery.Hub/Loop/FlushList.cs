namespace MessageDelivery.Hub.Loop;

/// <summary>
/// Entries that have something to send when the turn ends, linked through themselves, in the order in which they were touched. An
/// entry is in one loop's list at most, which its queue sees to. One thread.
/// </summary>
internal struct FlushList
{
    private LoopEntry? _first;
    private LoopEntry? _last;

    public readonly bool IsEmpty => _first is null;

    public int Count { get; private set; }

    public void Add(LoopEntry entry)
    {
        if (_last is null)
        {
            _first = entry;
        }
        else
        {
            _last.NextToFlush = entry;
        }

        _last = entry;
        Count++;
    }

    /// <summary>Takes the entry that was added first; null if there is none.</summary>
    public LoopEntry? Take()
    {
        var entry = _first;
        if (entry is not null)
        {
            _first = entry.NextToFlush;
            _last = _first is null ? null : _last;
            entry.NextToFlush = null;
            Count--;
        }

        return entry;
    }
}
