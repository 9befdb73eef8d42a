namespace MessageDelivery.Hub.Loop;

/// <summary>A loop's entries, found by the tag that epoll reports. A tag is not used twice, although places in the table are.</summary>
internal sealed class EntryTable
{
    private readonly Stack<int> _free = new();
    private LoopEntry?[] _entries = new LoopEntry?[64];
    private uint _generation;
    private int _used;

    public int Count { get; private set; }

    public void Add(LoopEntry entry)
    {
        if (!_free.TryPop(out int index))
        {
            if (_used == _entries.Length)
            {
                Array.Resize(ref _entries, _used * 2);
            }

            index = _used++;
        }

        // The generation is never 0, nor that of the tag that wakes the loop.
        _generation = (_generation % int.MaxValue) + 1;
        entry.Tag = ((ulong)_generation << 32) | (uint)index;
        _entries[index] = entry;
        Count++;
    }

    public LoopEntry? Find(ulong tag)
    {
        uint index = (uint)tag;
        return index < (uint)_entries.Length && _entries[index] is { } entry && entry.Tag == tag ? entry : null;
    }

    public void Remove(LoopEntry entry)
    {
        int index = (int)(uint)entry.Tag;
        _entries[index] = null;
        _free.Push(index);
        Count--;
    }

    /// <summary>The next entry from an index on, which is moved behind it; null at the end. The table may change between calls.</summary>
    public LoopEntry? Next(ref int index)
    {
        while (index < _entries.Length)
        {
            if (_entries[index++] is { } entry)
            {
                return entry;
            }
        }

        return null;
    }

    public Enumerator GetEnumerator() => new(_entries);

    internal struct Enumerator(LoopEntry?[] entries)
    {
        private int _index = -1;

        public readonly LoopEntry Current => entries[_index]!;

        public bool MoveNext()
        {
            while (++_index < entries.Length)
            {
                if (entries[_index] is not null)
                {
                    return true;
                }
            }

            return false;
        }
    }
}
