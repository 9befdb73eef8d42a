using System.Diagnostics;
using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Outbound;

/// <summary>
/// The bytes a queue holds: segments in order, with a reference for each. What is copied goes into the queue's
/// <see cref="CopyBlocks"/>. Guarded by the queue's lock; a mutable struct, so that a queue is one object.
/// </summary>
internal struct PendingSegments
{
    /// <summary>
    /// Segments up to this size that follow others are copied together: below it the copy costs less than a reference and a
    /// vector of its own. See docs/adr/0006.
    /// </summary>
    public const int CollectCopyBytes = 512;

    private const int MaxJoinedBytes = 16 << 10;

    private SegmentRing _ring;
    private long _bytes;

    // So many at the front need no parking: what was looked at once is not looked at again.
    private int _parked;

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

    /// <summary>Whether there may be small pieces that share their blocks with others.</summary>
    public readonly bool HasUnparked => _parked < _ring.Count;

    /// <summary>Whether the last segment is the beginning of a unit that ends in another.</summary>
    public bool EndsWithinUnit => !IsEmpty && _ring[_ring.Count - 1].Units == 0;

    /// <summary>The segment at a place, whole.</summary>
    public QueuedSegment this[int index] => _ring[index];

    /// <summary>Adds a segment: the last becomes longer if this touches it; else it is shared by reference, unless it is a small one behind others.</summary>
    public void Share(in Segment segment, int units, ref CopyBlocks copies)
    {
        Bytes += segment.Length;
        var shared = new QueuedSegment(segment, units);
        if (TryExtendLast(shared))
        {
            return;
        }

        if (segment.Length <= CollectCopyBytes && !IsEmpty && !copies.Pool.IsLow)
        {
            CopyCore(segment.Span, units, ref copies);
            return;
        }

        Push(shared);
        segment.Block.Retain();
    }

    /// <summary>Adds a segment whose reference it takes over.</summary>
    public void Take(in QueuedSegment queued)
    {
        Bytes += queued.Segment.Length;
        Append(queued);
    }

    /// <summary>Adds bytes by copying them.</summary>
    public void Copy(ReadOnlySpan<byte> bytes, int units, ref CopyBlocks copies)
    {
        Bytes += bytes.Length;
        CopyCore(bytes, units, ref copies);
    }

    /// <summary>Puts bytes that the peer does not count in front of everything, of which nothing may be sent yet.</summary>
    public void CopyToFront(ReadOnlySpan<byte> bytes, ref CopyBlocks copies)
    {
        var others = _ring.TakeFrom(0);
        _parked = 0;
        try
        {
            Copy(bytes, QueuedSegment.Uncounted, ref copies);
        }
        finally
        {
            PushAll(ref others);
        }
    }

    /// <summary>Copies small segments together, out of the blocks they share with others, unless memory is low. Each is looked at once.</summary>
    /// <param name="replay">Where pieces of the first segment go that are sent already; null drops them.</param>
    public void Park(ReplayBuffer? replay, ref CopyBlocks copies)
    {
        if (!HasUnparked || copies.Pool.IsLow)
        {
            return;
        }

        // The first may be in pieces afterwards.
        int sent = _parked == 0 ? SentOfFirst : 0;
        var unparked = _ring.TakeFrom(_parked);
        try
        {
            while (unparked.Count > 0)
            {
                if (unparked[0] is { IsUnparked: true } small)
                {
                    CopyCore(small.Segment.Span, small.Units, ref copies);
                    unparked.Pop().Segment.Block.Release();
                }
                else
                {
                    Append(unparked.Pop());
                }
            }
        }
        finally
        {
            PushAll(ref unparked);
        }

        _parked = _ring.Count;
        if (sent > 0)
        {
            Bytes += sent;
            SentOfFirst = 0;
            Consume(sent, replay);
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

    /// <summary>Removes bytes from the front: segments that are wholly sent go to the replay buffer, or their blocks are let go.</summary>
    public void Consume(long bytes, ReplayBuffer? replay)
    {
        Debug.Assert(bytes <= Bytes, "more was sent than there was");
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
            var sent = Pop();
            if (replay is not null && sent.IsCounted)
            {
                replay.Keep(sent);
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
            var dropped = Pop().Segment;
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
            var cut = Pop().Segment;
            bytes -= cut.Length;
            cut.Block.Release();
        }

        ref var first = ref _ring[0];
        first = first with { Segment = new(first.Segment.Block, first.Segment.Offset + (int)bytes, first.Segment.Length - (int)bytes) };
        _parked = first.IsUnparked ? 0 : _parked;
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
            var moved = Pop();
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
        _parked = 0;
        SentOfFirst = 0;
        Bytes = 0;
    }

    private void CopyCore(ReadOnlySpan<byte> bytes, int units, ref CopyBlocks copies)
    {
        while (!bytes.IsEmpty)
        {
            var copy = copies.Copy(bytes, Bytes);
            bytes = bytes[copy.Length..];
            var queued = new QueuedSegment(copy, units == QueuedSegment.Uncounted || bytes.IsEmpty ? units : 0, IsCopy: true);
            if (!TryExtendLast(queued))
            {
                Push(queued);
                copy.Block.Retain();
            }
        }
    }

    /// <summary>Adds a segment whose reference it takes over, and which is counted already.</summary>
    private void Append(in QueuedSegment queued)
    {
        if (TryExtendLast(queued))
        {
            queued.Segment.Block.Release();
        }
        else
        {
            Push(queued);
        }
    }

    private void Push(in QueuedSegment queued)
    {
        _parked += _parked == _ring.Count && !queued.IsUnparked ? 1 : 0;
        _ring.Push(queued);
    }

    /// <summary>Where there was no memory for a copy, the references are kept all the same.</summary>
    private void PushAll(ref SegmentRing segments)
    {
        while (segments.Count > 0)
        {
            Push(segments.Pop());
        }

        segments.Reset();
    }

    private QueuedSegment Pop()
    {
        _parked -= _parked > 0 ? 1 : 0;
        return _ring.Pop();
    }

    /// <summary>The reference of the last segment covers both.</summary>
    private bool TryExtendLast(in QueuedSegment queued)
    {
        if (IsEmpty)
        {
            return false;
        }

        ref var last = ref _ring[_ring.Count - 1];
        // The beginning of a unit stays apart from whole ones: what is let go ends where units end. And units that become one piece are
        // let go together, so they must not become too many.
        bool staysApart = last.IsCounted
            && ((queued.Units == 0 && last.Units > 0) || last.Segment.Length + queued.Segment.Length > MaxJoinedBytes);
        if (!last.Segment.Touches(queued.Segment) || last.IsCopy != queued.IsCopy || last.IsCounted != queued.IsCounted || staysApart)
        {
            return false;
        }

        int length = last.Segment.Length + queued.Segment.Length;
        last = new(last.Segment with { Length = length }, QueuedSegment.Sum(last.Units, queued.Units), last.IsCopy);
        return true;
    }
}
