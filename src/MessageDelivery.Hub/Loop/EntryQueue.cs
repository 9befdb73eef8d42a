namespace MessageDelivery.Hub.Loop;

/// <summary>Where an entry keeps the next one of a queue.</summary>
internal interface IEntryLink
{
    static abstract ref LoopEntry? Next(LoopEntry entry);
}

/// <summary>
/// Entries in the order in which they were added, linked through themselves, so that a queue needs no memory of its own. An entry stands
/// in one queue of a link at most. One thread.
/// </summary>
internal struct EntryQueue<TLink>
    where TLink : IEntryLink
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
            TLink.Next(_last) = entry;
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
            ref var next = ref TLink.Next(entry);
            _first = next;
            _last = _first is null ? null : _last;
            next = null;
            Count--;
        }

        return entry;
    }
}

/// <summary>The link of those that have something to send. An entry stands in one loop's queue at most, which its outbound queue sees to.</summary>
internal readonly struct FlushLink : IEntryLink
{
    public static ref LoopEntry? Next(LoopEntry entry) => ref entry.NextToFlush;
}

/// <summary>The link of those that epoll has reported.</summary>
internal readonly struct ReadyLink : IEntryLink
{
    public static ref LoopEntry? Next(LoopEntry entry) => ref entry.NextReady;
}
