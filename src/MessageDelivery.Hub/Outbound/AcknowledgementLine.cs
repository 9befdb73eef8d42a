using System.Diagnostics;
using System.Runtime.InteropServices;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Outbound;

/// <summary>Who waits until peers have acknowledged what they were sent. Any thread.</summary>
internal interface IAcknowledgementWaiter
{
    /// <summary>A handle of this object, which is good while anything stands in a line for it.</summary>
    nint Handle { get; }

    /// <summary>
    /// The delivery to the receiver at this index of a relay is queued, and its acknowledgement will be told of. Under the queue's lock.
    /// </summary>
    /// <param name="number">The peer has acknowledged it when its total is so much.</param>
    /// <returns>What is told at the end of the wait; 0 if nobody waits any more.</returns>
    nint Await(int index, ulong number);

    /// <summary>The receiver has acknowledged it, or is not waited for any more. Once for each wait, outside every lock.</summary>
    void AwaitEnded(nint wait, bool isAcknowledged, IOutlet outlet);
}

/// <summary>
/// Those who wait for a peer's acknowledgements, in the order of what they wait for. They are kept in message memory, and refer to no
/// session. Guarded by the queue's lock, but for telling, which is done outside of it and in slices: there may be very many.
/// </summary>
internal sealed unsafe class AcknowledgementLine(BlockPool pool, object gate) : ISlicedWork
{
    /// <summary>What one costs in all, with its sender's part, and what it counts in its receiver's queue.</summary>
    public const int EntryBytes = 128;

    private const int BatchLength = 64;
    private const int BatchesPerSlice = 4;
    private static readonly int s_perBlock = BlockSizes.SmallBytes / sizeof(Entry);

    private readonly List<Block> _blocks = [];
    private ulong _acknowledged;
    private bool _isOver;
    private bool _isUnfinished;

    // Places from the start of the first block: the first entry, the first that is not acknowledged, and the end.
    private int _head;
    private int _unacknowledged;
    private int _end;
    private int _living;

    /// <summary>What the entries that are not acknowledged count. Read without the lock, too.</summary>
    public long Bytes => (long)Math.Max(0, Volatile.Read(ref _end) - Volatile.Read(ref _unacknowledged)) * EntryBytes;

    /// <summary>Sees to it that one more can join. False if the machine gives no memory for that.</summary>
    public bool TryReserve()
    {
        if (_end < _blocks.Count * s_perBlock)
        {
            return true;
        }

        try
        {
            _blocks.EnsureCapacity(_blocks.Count + 1);
            _blocks.Add(pool.Rent(BlockSize.Small));
            return true;
        }
        catch (InsufficientMemoryException)
        {
            return false;
        }
    }

    /// <summary>Stands in line, where there is room, until the peer's total is <paramref name="number"/>, which is more than of those before.</summary>
    public void Join(IAcknowledgementWaiter waiter, int index, ulong number)
    {
        Debug.Assert(!_isOver && (_head == _end || number > At(_end - 1)->Number), "numbers ascend, until the line is over");
        nint wait = waiter.Await(index, number);
        if (wait == 0)
        {
            ClearIfEmpty();
            return;
        }

        *At(_end) = new(number, waiter.Handle, wait);
        Volatile.Write(ref _end, _end + 1);
        _living++;
    }

    /// <summary>The peer's total has grown: those whom it covers count no more, and are to be told.</summary>
    public void Acknowledge(ulong total)
    {
        Debug.Assert(total >= _acknowledged, "a total never goes back");
        _acknowledged = total;
        Volatile.Write(ref _unacknowledged, Math.Max(_unacknowledged, FirstFrom(total + 1)));
    }

    /// <summary>The peer will acknowledge nothing any more: all are to be told.</summary>
    public void End() => _isOver = true;

    /// <summary>Takes out the one who waits for this number. False if nobody does any more.</summary>
    public bool TryRemove(ulong number, out AcknowledgementWait removed)
    {
        int place = FirstFrom(number);
        removed = default;
        if (place == _end || At(place)->Number != number || At(place)->IsGone)
        {
            return false;
        }

        removed = new(*At(place), isAcknowledged: false);
        *At(place) = At(place)->Gone;
        _living--;
        DropGone();
        return true;
    }

    /// <summary>Tells those whose wait has ended, the first at once and the rest in later turns. Outside every lock.</summary>
    public void Tell(IOutlet outlet)
    {
        if (DoSlice(outlet) && TryBeUnfinished())
        {
            outlet.DoLater(this);
        }
    }

    /// <inheritdoc/>
    public bool DoSlice(IOutlet outlet)
    {
        Span<AcknowledgementWait> ended = stackalloc AcknowledgementWait[BatchLength];
        for (int batch = 0; batch < BatchesPerSlice; batch++)
        {
            int count;
            lock (gate)
            {
                count = Take(ended);
                _isUnfinished &= count == ended.Length;
            }

            foreach (ref readonly var wait in ended[..count])
            {
                wait.Tell(outlet);
            }

            if (count < ended.Length)
            {
                return false;
            }
        }

        return true;
    }

    private bool TryBeUnfinished()
    {
        lock (gate)
        {
            return !_isUnfinished && (_isUnfinished = true);
        }
    }

    private int Take(Span<AcknowledgementWait> ended)
    {
        int count = 0;
        while (count < ended.Length && _head < _end)
        {
            var entry = *At(_head);
            bool isAcknowledged = entry.Number <= _acknowledged;
            if (!isAcknowledged && !_isOver && !entry.IsGone)
            {
                break;
            }

            if (!entry.IsGone)
            {
                ended[count++] = new(entry, isAcknowledged);
                _living--;
            }

            DropFirst();
        }

        Debug.Assert(_living >= 0, "somebody was told twice");
        ClearIfEmpty();
        return count;
    }

    private void DropGone()
    {
        while (_head < _end && At(_head)->IsGone)
        {
            DropFirst();
        }

        if (_end - _head > (2 * _living) + s_perBlock)
        {
            CloseRanks();
        }

        ClearIfEmpty();
    }

    private void DropFirst()
    {
        Volatile.Write(ref _unacknowledged, Math.Max(_unacknowledged, _head + 1));
        if (++_head < s_perBlock)
        {
            return;
        }

        _blocks[0].Release();
        _blocks.RemoveAt(0);
        _head = 0;
        Volatile.Write(ref _unacknowledged, _unacknowledged - s_perBlock);
        Volatile.Write(ref _end, _end - s_perBlock);
    }

    /// <summary>Moves those that are left together, so that those that have gone from between them take no memory.</summary>
    private void CloseRanks()
    {
        int end = _head;
        int unacknowledged = _end;
        for (int place = _head; place < _end; place++)
        {
            if (At(place)->IsGone)
            {
                continue;
            }

            unacknowledged = At(place)->Number > _acknowledged ? Math.Min(unacknowledged, end) : unacknowledged;
            *At(end++) = *At(place);
        }

        Volatile.Write(ref _end, end);
        Volatile.Write(ref _unacknowledged, Math.Min(unacknowledged, end));
        while (_blocks.Count * s_perBlock >= _end + s_perBlock)
        {
            _blocks[^1].Release();
            _blocks.RemoveAt(_blocks.Count - 1);
        }
    }

    private void ClearIfEmpty()
    {
        if (_living > 0)
        {
            return;
        }

        foreach (var block in _blocks)
        {
            block.Release();
        }

        _blocks.Clear();
        _head = 0;
        Volatile.Write(ref _unacknowledged, 0);
        Volatile.Write(ref _end, 0);
    }

    /// <summary>The place of the first that waits for this number or a larger one.</summary>
    private int FirstFrom(ulong number)
    {
        int low = _head;
        for (int high = _end; low < high;)
        {
            int middle = low + ((high - low) / 2);
            (low, high) = At(middle)->Number < number ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    private Entry* At(int place) => (Entry*)_blocks[place / s_perBlock].Address(place % s_perBlock * sizeof(Entry));

    /// <summary>One who waits. It lies outside of the collected heap, and so has a handle of the waiter.</summary>
    internal readonly record struct Entry(ulong Number, nint Waiter, nint Wait)
    {
        public bool IsGone => Waiter == 0;

        public Entry Gone => this with { Waiter = 0 };
    }
}

/// <summary>A wait that has ended, and is to be told.</summary>
internal readonly struct AcknowledgementWait(in AcknowledgementLine.Entry entry, bool isAcknowledged)
{
    private readonly nint _waiter = entry.Waiter;
    private readonly nint _wait = entry.Wait;

    public bool IsNone => _waiter == 0;

    public void Tell(IOutlet outlet) => ((IAcknowledgementWaiter)GCHandle.FromIntPtr(_waiter).Target!).AwaitEnded(_wait, isAcknowledged, outlet);
}
