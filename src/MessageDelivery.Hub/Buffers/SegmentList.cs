namespace MessageDelivery.Hub.Buffers;

/// <summary>Segments in sequence, used again and again: its array grows to what was needed and stays. One thread.</summary>
internal sealed class SegmentList
{
    private Segment[] _items = new Segment[4];

    public int Count { get; private set; }

    public ReadOnlySpan<Segment> Items => _items.AsSpan(0, Count);

    /// <summary>Adds a segment, counting no reference.</summary>
    public void Add(in Segment segment)
    {
        if (Count == _items.Length)
        {
            Array.Resize(ref _items, Count * 2);
        }

        _items[Count++] = segment;
    }

    /// <summary>Makes the last segment longer if this one begins where it ends.</summary>
    public bool TryExtendLast(in Segment segment)
    {
        if (Count == 0 || !_items[Count - 1].Touches(segment))
        {
            return false;
        }

        ref var last = ref _items[Count - 1];
        last = last with { Length = last.Length + segment.Length };
        return true;
    }

    /// <summary>Forgets the segments.</summary>
    public void Clear()
    {
        _items.AsSpan(0, Count).Clear();
        Count = 0;
    }

    /// <summary>Releases the block of each segment and forgets them.</summary>
    public void ReleaseAll()
    {
        foreach (ref readonly var segment in Items)
        {
            segment.Block.Release();
        }

        Clear();
    }
}
