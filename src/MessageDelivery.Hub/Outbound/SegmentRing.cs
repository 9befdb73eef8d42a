using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Outbound;

/// <summary>A segment of a queue.</summary>
/// <param name="Segment">The bytes; the queue holds a reference.</param>
/// <param name="Units">How many units end in it that the peer counts, or <see cref="Uncounted"/>. A unit may begin in a segment before.</param>
/// <param name="IsCopy">Whether it stands in the queue's own <see cref="CopyBlocks"/>.</param>
internal readonly record struct QueuedSegment(Segment Segment, int Units, bool IsCopy = false)
{
    /// <summary>What the peer does not count: it is never sent again.</summary>
    public const int Uncounted = -1;

    public bool IsCounted => Units != Uncounted;

    /// <summary>Whether it is a small piece of a block that it shares with others.</summary>
    public bool IsUnparked => !IsCopy && Segment.Length < OutboundQueue.ParkCopyBytes;

    /// <summary>The number of units of two segments that become one.</summary>
    public static int Sum(int units, int more) => units == Uncounted ? Uncounted : units + more;
}

/// <summary>
/// Segments in the order in which they are to be sent. It holds one reference for each. Two have room in the ring itself, which
/// is what a run and the small messages behind it need; more are in an array from a pool, which goes back when the ring is empty, so
/// that a quiet connection keeps none.
/// </summary>
internal struct SegmentRing
{
    private const int MinArrayLength = 16;
    private const int MaxPooledLength = 64;

    // A relay fills the queues of up to 255 receivers before any is sent, and several relays of large bodies may be gathered: the
    // shared pool keeps too few arrays for that, and would allocate for every relay.
    private static readonly ArrayPool<QueuedSegment> SmallArrays = ArrayPool<QueuedSegment>.Create(MaxPooledLength, maxArraysPerBucket: 1_024);

    private QueuedSegment[]? _items;
    private TwoSegments _own;
    private int _head;

    public int Count { get; private set; }

    private readonly int Capacity => _items?.Length ?? TwoSegments.Length;

    [UnscopedRef]
    public ref QueuedSegment this[int index]
    {
        get
        {
            int place = (_head + index) & (Capacity - 1);
            return ref _items is null ? ref _own[place] : ref _items[place];
        }
    }

    /// <summary>Adds a segment whose reference the ring takes over.</summary>
    public void Push(in QueuedSegment segment)
    {
        if (Count == Capacity)
        {
            Grow();
        }

        Count++;
        this[Count - 1] = segment;
    }

    /// <summary>Removes the first segment, whose reference goes to the caller.</summary>
    public QueuedSegment Pop()
    {
        ref var first = ref this[0];
        var segment = first;
        first = default;
        _head = (_head + 1) & (Capacity - 1);
        Count--;
        return segment;
    }

    /// <summary>Takes out the segments from a place on; the references go along.</summary>
    public SegmentRing TakeFrom(int index)
    {
        var taken = default(SegmentRing);
        if (index == 0)
        {
            taken = this;
            this = default;
            return taken;
        }

        for (int i = index; i < Count; i++)
        {
            ref var segment = ref this[i];
            taken.Push(segment);
            segment = default;
        }

        Count = index;
        return taken;
    }

    /// <summary>Gives the array back. The ring must be empty.</summary>
    public void Reset()
    {
        if (_items is not null)
        {
            PoolOf(_items.Length).Return(_items);
            _items = null;
        }

        _head = 0;
    }

    private static ArrayPool<QueuedSegment> PoolOf(int length) => length <= MaxPooledLength ? SmallArrays : ArrayPool<QueuedSegment>.Shared;

    private void Grow()
    {
        int length = Math.Max(MinArrayLength, Capacity * 2);
        var grown = PoolOf(length).Rent(length);
        for (int i = 0; i < Count; i++)
        {
            grown[i] = this[i];
        }

        if (_items is not null)
        {
            PoolOf(_items.Length).Return(_items, clearArray: true);
        }

        _items = grown;
        _own = default;
        _head = 0;
    }

    [InlineArray(Length)]
    private struct TwoSegments
    {
        public const int Length = 2;

        private QueuedSegment _first;
    }
}
