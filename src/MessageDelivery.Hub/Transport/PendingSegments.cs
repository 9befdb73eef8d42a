using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Transport;

/// <summary>
/// The bytes a queue holds: segments in order, with a reference for each. What is copied goes into blocks of the queue's
/// own, filled one after the other. Guarded by the queue's lock; a mutable struct, so that a queue is one object.
/// </summary>
internal struct PendingSegments(BlockPool pool)
{
    /// <summary>
    /// Segments up to this size that follow others are copied together: below it the copy costs less than a reference and a
    /// vector of its own. See docs/adr/0006.
    /// </summary>
    public const int CollectCopyBytes = 512;

    private const int MostJoinedBytes = 16 << 10;

    private SegmentRing _ring;
    private Block? _tail;
    private int _tailUsed;
    private long _bytes;
    private long _copiedBytes;

    public readonly bool IsEmpty => _ring.Count == 0;

    /// <summary>Bytes in all, without those of the first segment that are sent.</summary>
    public long Bytes
    {
        readonly get => Volatile.Read(in _bytes);
        private set => Volatile.Write(ref _bytes, value);
    }

    /// <summary>Bytes of the first segment that are sent. It stays whole, because it may have to be sent again.</summary>
    public int SentOfFirst { get; private set; }

    /// <summary>Units in all.</summary>
    public int Units
    {
        get
        {
            int units = 0;
            for (int i = 0; i < _ring.Count; i++)
            {
                units += Math.Max(0, _ring[i].Units);
            }

            return units;
        }
    }

    /// <summary>Whether the last segment is the beginning of a unit that ends in another.</summary>
    public bool EndsWithinUnit => !IsEmpty && _ring[_ring.Count - 1].Units == 0;

    /// <summary>The segment at a place, whole.</summary>
    public QueuedSegment this[int index] => _ring[index];

    /// <summary>
    /// Adds a segment: one that begins where the last ends makes that longer; another is shared by reference, unless it is a
    /// small one behind others.
    /// </summary>
    public void Share(in Segment segment, int units)
    {
        Bytes += segment.Length;
        if (TryExtendLast(segment, units))
        {
            return;
        }

        if (segment.Length <= CollectCopyBytes && !IsEmpty && !pool.IsLow)
        {
            CopyCore(segment.Span, units);
            return;
        }

        segment.Block.Retain();
        _ring.Push(new(segment, units));
    }

    /// <summary>Adds a segment whose reference it takes over.</summary>
    public void Take(in QueuedSegment queued)
    {
        Bytes += queued.Segment.Length;
        if (TryExtendLast(queued.Segment, queued.Units))
        {
            queued.Segment.Block.Release();
        }
        else
        {
            _ring.Push(queued);
        }
    }

    /// <summary>Adds bytes by copying them, into blocks that grow with what has been copied.</summary>
    public void Copy(ReadOnlySpan<byte> bytes, int units)
    {
        Bytes += bytes.Length;
        CopyCore(bytes, units);
    }

    /// <summary>Puts bytes that the peer does not count in front of everything, of which nothing may be sent yet.</summary>
    public void CopyToFront(ReadOnlySpan<byte> bytes)
    {
        var others = _ring;
        _ring = default;
        Copy(bytes, QueuedSegment.Uncounted);
        while (others.Count > 0)
        {
            _ring.Push(others.Pop());
        }

        others.Reset();
    }

    /// <summary>Copies segments below a size together, out of the blocks they share with others, unless memory is low.</summary>
    /// <param name="belowBytes">The size.</param>
    /// <param name="retained">Where pieces of the first segment go that are sent already; null drops them.</param>
    public void Park(int belowBytes, RetainedUnits? retained)
    {
        if (pool.IsLow)
        {
            return;
        }

        var unparked = _ring;
        int sent = SentOfFirst;
        _ring = default;
        while (unparked.Count > 0)
        {
            var queued = unparked.Pop();
            var segment = queued.Segment;
            if (segment.Length < belowBytes && !ReferenceEquals(segment.Block, _tail))
            {
                CopyCore(segment.Span, queued.Units);
                segment.Block.Release();
            }
            else if (TryExtendLast(segment, queued.Units))
            {
                segment.Block.Release();
            }
            else
            {
                _ring.Push(queued);
            }
        }

        unparked.Reset();
        if (sent > 0)
        {
            // The first may be in pieces now.
            Bytes += sent;
            SentOfFirst = 0;
            Consume(sent, retained);
        }
    }

    /// <summary>The first segments, as many as there is room for; they stay.</summary>
    public int Peek(Span<Segment> destination)
    {
        int count = Math.Min(destination.Length, _ring.Count);
        for (int i = 0; i < count; i++)
        {
            destination[i] = _ring[i].Segment;
        }

        if (SentOfFirst > 0)
        {
            ref var first = ref destination[0];
            first = first with { Offset = first.Offset + SentOfFirst, Length = first.Length - SentOfFirst };
        }

        return count;
    }

    /// <summary>Removes bytes from the front: wholly sent segments go to those that are retained, or their blocks are let go.</summary>
    public void Consume(long bytes, RetainedUnits? retained)
    {
        Bytes -= bytes;
        bytes += SentOfFirst;
        SentOfFirst = 0;
        while (bytes > 0)
        {
            int length = _ring[0].Segment.Length;
            if (length > bytes)
            {
                SentOfFirst = (int)bytes;
                return;
            }

            bytes -= length;
            var sent = _ring.Pop();
            if (retained is not null && sent.IsCounted)
            {
                retained.Keep(sent);
            }
            else
            {
                sent.Segment.Block.Release();
            }
        }

        if (IsEmpty)
        {
            Clear();
        }
    }

    /// <summary>Units of the first segments up to the next at which units end; 0 if there is none.</summary>
    /// <param name="segments">How many segments those are.</param>
    public int FirstUnits(out int segments)
    {
        for (segments = 1; segments <= _ring.Count; segments++)
        {
            if (_ring[segments - 1].Units > 0)
            {
                return _ring[segments - 1].Units;
            }
        }

        return 0;
    }

    /// <summary>Lets go of the first segments, of which nothing may be sent in part; returns their bytes.</summary>
    public long DropFirst(int segments)
    {
        long bytes = 0;
        for (; segments > 0; segments--)
        {
            var dropped = _ring.Pop().Segment;
            bytes += dropped.Length;
            dropped.Block.Release();
        }

        Bytes -= bytes;
        if (IsEmpty)
        {
            Clear();
        }

        return bytes;
    }

    /// <summary>Cuts the first units off, which are so many bytes of the segments up to the next at which units end.</summary>
    public void CutFirst(int units, long bytes)
    {
        Bytes -= bytes;
        while (bytes >= _ring[0].Segment.Length)
        {
            var cut = _ring.Pop().Segment;
            bytes -= cut.Length;
            cut.Block.Release();
        }

        ref var first = ref _ring[0];
        first = first with { Segment = new(first.Segment.Block, first.Segment.Offset + (int)bytes, first.Segment.Length - (int)bytes) };
        FirstUnits(out int segments);
        ref var last = ref _ring[segments - 1];
        last = last with { Units = last.Units - units };
    }

    /// <summary>Copies bytes from a place, counted from the start of the first segment; there must be as many.</summary>
    public void CopyTo(Span<byte> destination, long from)
    {
        for (int i = 0; !destination.IsEmpty; i++)
        {
            var bytes = _ring[i].Segment.Span;
            if (from >= bytes.Length)
            {
                from -= bytes.Length;
                continue;
            }

            bytes = bytes[(int)from..];
            bytes = bytes[..Math.Min(bytes.Length, destination.Length)];
            bytes.CopyTo(destination);
            destination = destination[bytes.Length..];
            from = 0;
        }
    }

    /// <summary>Adds what is not sent to a list, with a reference for each segment.</summary>
    public void CopyTo(SegmentList list)
    {
        int sent = SentOfFirst;
        for (int i = 0; i < _ring.Count; i++)
        {
            var segment = _ring[i].Segment;
            segment.Block.Retain();
            list.Add(new(segment.Block, segment.Offset + sent, segment.Length - sent));
            sent = 0;
        }
    }

    /// <summary>Moves the segments that the peer counts to the end of others, and lets go of the rest.</summary>
    public void MoveCountedTo(ref PendingSegments others)
    {
        SentOfFirst = 0;
        while (_ring.Count > 0)
        {
            var moved = _ring.Pop();
            if (moved.IsCounted)
            {
                others.Take(moved);
            }
            else
            {
                moved.Segment.Block.Release();
            }
        }

        Clear();
    }

    /// <summary>Lets go of everything, the room for more included: a quiet connection holds none.</summary>
    public void Clear()
    {
        while (_ring.Count > 0)
        {
            _ring.Pop().Segment.Block.Release();
        }

        _ring.Reset();
        _tail?.Release();
        _tail = null;
        _tailUsed = 0;
        _copiedBytes = 0;
        SentOfFirst = 0;
        Bytes = 0;
    }

    private void CopyCore(ReadOnlySpan<byte> bytes, int units)
    {
        while (!bytes.IsEmpty)
        {
            if (_tail is null || _tailUsed == _tail.Capacity)
            {
                _tail?.Release();
                _tail = pool.Rent(BlockSizes.For(Math.Max(_copiedBytes, bytes.Length)));
                _tailUsed = 0;
            }

            var copy = new Segment(_tail, _tailUsed, Math.Min(bytes.Length, _tail.Capacity - _tailUsed));
            bytes[..copy.Length].CopyTo(copy.Span);
            _tailUsed += copy.Length;
            _copiedBytes += copy.Length;
            bytes = bytes[copy.Length..];
            int unitsHere = units == QueuedSegment.Uncounted || bytes.IsEmpty ? units : 0;
            if (!TryExtendLast(copy, unitsHere))
            {
                _tail.Retain();
                _ring.Push(new(copy, unitsHere));
            }
        }
    }

    /// <summary>The reference of the last segment covers both.</summary>
    private bool TryExtendLast(in Segment segment, int units)
    {
        if (IsEmpty)
        {
            return false;
        }

        ref var last = ref _ring[_ring.Count - 1];
        // The beginning of a unit stays apart from whole ones: what is let go ends where units end. And units that become one piece are
        // let go together, so they must not become too many.
        bool staysApart = last.IsCounted
            && ((units == 0 && last.Units > 0) || last.Segment.Length + segment.Length > MostJoinedBytes);
        if (!last.Segment.Touches(segment) || last.IsCounted != (units != QueuedSegment.Uncounted) || staysApart)
        {
            return false;
        }

        last = new(last.Segment with { Length = last.Segment.Length + segment.Length }, QueuedSegment.Sum(last.Units, units));
        return true;
    }
}
