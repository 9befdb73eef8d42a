namespace MessageDelivery.Hub.Loop;

/// <summary>Entries for which there is work, linked through themselves. Any thread puts, the loop takes; no lock.</summary>
internal struct Mailbox
{
    private LoopEntry? _last;

    public bool IsEmpty => Volatile.Read(ref _last) is null;

    /// <summary>Puts an entry that is in no mailbox.</summary>
    public void Put(LoopEntry entry)
    {
        var last = Volatile.Read(ref _last);
        while (true)
        {
            entry.NextPosted = last;
            var seen = Interlocked.CompareExchange(ref _last, entry, last);
            if (ReferenceEquals(seen, last))
            {
                return;
            }

            last = seen;
        }
    }

    /// <summary>Empties it; <see cref="TakeFirst"/> takes them from what this returns.</summary>
    public LoopEntry? TakeAll()
    {
        LoopEntry? first = null;
        for (var entry = Interlocked.Exchange(ref _last, null); entry is not null;)
        {
            var putBefore = entry.NextPosted;
            entry.NextPosted = first;
            first = entry;
            entry = putBefore;
        }

        return first;
    }

    /// <summary>Takes the entry that was put first; from then on it may be put again. Null if there is none.</summary>
    public static LoopEntry? TakeFirst(ref LoopEntry? taken)
    {
        var first = taken;
        if (first is not null)
        {
            taken = first.NextPosted;
            first.NextPosted = null;
        }

        return first;
    }
}
