using System.Buffers;
using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Transport;

/// <summary>
/// Segments in the order in which they are to be sent. It holds one reference for each. Its array comes from the shared
/// array pool and goes back when it is empty, so that a quiet connection keeps none.
/// </summary>
internal struct SegmentRing
{
    private const int LeastCapacity = 16;

    private Segment[]? _items;
    private int _head;

    public int Count { get; private set; }

    public readonly ref Segment this[int index] => ref _items![(_head + index) & (_items.Length - 1)];

    /// <summary>Adds a segment whose reference the ring takes over.</summary>
    public void Push(in Segment segment)
    {
        if (_items is null || Count == _items.Length)
        {
            Grow();
        }

        Count++;
        this[Count - 1] = segment;
    }

    /// <summary>Removes the first segment, whose reference goes to the caller.</summary>
    public Segment Pop()
    {
        ref var first = ref this[0];
        var segment = first;
        first = default;
        _head = (_head + 1) & (_items!.Length - 1);
        Count--;
        return segment;
    }

    /// <summary>Gives the array back. The ring must be empty.</summary>
    public void Reset()
    {
        if (_items is not null)
        {
            ArrayPool<Segment>.Shared.Return(_items);
            _items = null;
            _head = 0;
        }
    }

    private void Grow()
    {
        int capacity = _items is null ? LeastCapacity : _items.Length * 2;
        var grown = ArrayPool<Segment>.Shared.Rent(capacity);
        for (int i = 0; i < Count; i++)
        {
            grown[i] = this[i];
        }

        if (_items is not null)
        {
            ArrayPool<Segment>.Shared.Return(_items, clearArray: true);
        }

        _items = grown;
        _head = 0;
    }
}
