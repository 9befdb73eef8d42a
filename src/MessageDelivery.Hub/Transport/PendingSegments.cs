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

    private SegmentRing _ring;
    private Block? _tail;
    private int _tailUsed;
    private long _bytes;
    private long _copiedBytes;

    public readonly bool IsEmpty => _ring.Count == 0;

    /// <summary>Bytes in all.</summary>
    public long Bytes
    {
        readonly get => Volatile.Read(in _bytes);
        private set => Volatile.Write(ref _bytes, value);
    }

    /// <summary>
    /// Adds a segment: one that begins where the last ends makes that longer; another is shared by reference, unless it is a
    /// small one behind others.
    /// </summary>
    public void Share(in Segment segment)
    {
        Bytes += segment.Length;
        if (TryExtendLast(segment))
        {
            return;
        }

        if (segment.Length <= CollectCopyBytes && !IsEmpty && !pool.IsLow)
        {
            CopyCore(segment.Span);
            return;
        }

        segment.Block.Retain();
        _ring.Push(segment);
    }

    /// <summary>Adds bytes by copying them, into blocks that grow with what has been copied.</summary>
    public void Copy(ReadOnlySpan<byte> bytes)
    {
        Bytes += bytes.Length;
        CopyCore(bytes);
    }

    /// <summary>Puts bytes in front of everything.</summary>
    public void CopyToFront(ReadOnlySpan<byte> bytes)
    {
        var others = _ring;
        _ring = default;
        Copy(bytes);
        while (others.Count > 0)
        {
            _ring.Push(others.Pop());
        }

        others.Reset();
    }

    /// <summary>Copies segments below a size together, out of the blocks they share with others, unless memory is low.</summary>
    public void Park(int belowBytes)
    {
        if (pool.IsLow)
        {
            return;
        }

        var unparked = _ring;
        _ring = default;
        while (unparked.Count > 0)
        {
            var segment = unparked.Pop();
            if (segment.Length < belowBytes && !ReferenceEquals(segment.Block, _tail))
            {
                CopyCore(segment.Span);
                segment.Block.Release();
            }
            else if (TryExtendLast(segment))
            {
                segment.Block.Release();
            }
            else
            {
                _ring.Push(segment);
            }
        }

        unparked.Reset();
    }

    /// <summary>The first segments, as many as there is room for; they stay.</summary>
    public int Peek(Span<Segment> destination)
    {
        int count = Math.Min(destination.Length, _ring.Count);
        for (int i = 0; i < count; i++)
        {
            destination[i] = _ring[i];
        }

        return count;
    }

    /// <summary>Removes bytes from the front and lets go of the blocks that are done with.</summary>
    public void Consume(long bytes)
    {
        Bytes -= bytes;
        while (bytes > 0)
        {
            ref var first = ref _ring[0];
            if (first.Length > bytes)
            {
                first = first with { Offset = first.Offset + (int)bytes, Length = first.Length - (int)bytes };
                return;
            }

            bytes -= first.Length;
            _ring.Pop().Block.Release();
        }

        if (IsEmpty)
        {
            Clear();
        }
    }

    /// <summary>Lets go of everything, the room for more included: a quiet connection holds none.</summary>
    public void Clear()
    {
        while (_ring.Count > 0)
        {
            _ring.Pop().Block.Release();
        }

        _ring.Reset();
        _tail?.Release();
        _tail = null;
        _tailUsed = 0;
        _copiedBytes = 0;
        Bytes = 0;
    }

    private void CopyCore(ReadOnlySpan<byte> bytes)
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
            if (!TryExtendLast(copy))
            {
                _tail.Retain();
                _ring.Push(copy);
            }
        }
    }

    /// <summary>The reference of the last segment covers both.</summary>
    private bool TryExtendLast(in Segment segment)
    {
        if (IsEmpty || !_ring[_ring.Count - 1].Touches(segment))
        {
            return false;
        }

        ref var last = ref _ring[_ring.Count - 1];
        last = last with { Length = last.Length + segment.Length };
        return true;
    }
}
