using System.Buffers;
using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Transport;

/// <summary>Told what became of a delivery that had to wait. Called on any thread, and outside every lock unless it says so.</summary>
internal interface IDeliveryWaiter
{
    /// <summary>Where the delivery to the receiver at this place of a relay is kept. Called under the queue's lock.</summary>
    WaitingDelivery Place(int index);

    /// <param name="delivery">The one that waited; the callee's again from now on.</param>
    /// <param name="result">Accepted or held; closed or overflowed if that happened first.</param>
    void WaitEnded(WaitingDelivery delivery, QueueResult result);
}

/// <summary>
/// What one sender has for one receiver whose queue is full. The sender's, and used again; while it waits, the queue's.
/// </summary>
internal sealed class WaitingDelivery(IDeliveryWaiter waiter, int index)
{
    private Segment[] _segments = [];
    private int _count;

    public IDeliveryWaiter Waiter { get; } = waiter;

    /// <summary>The receiver's place among the relay's.</summary>
    public int Index { get; } = index;

    internal WaitingDelivery? Next { get; set; }

    internal ReadOnlySpan<Segment> Segments => _segments.AsSpan(0, _count);

    internal int Units { get; private set; }

    internal IAcknowledgementWaiter? Acknowledgement { get; private set; }

    /// <summary>Keeps the segments, with a reference for each.</summary>
    internal void Hold(ReadOnlySpan<Segment> segments, int units, IAcknowledgementWaiter? acknowledgement)
    {
        Units = units;
        Acknowledgement = acknowledgement;
        _count = segments.Length;
        _segments = ArrayPool<Segment>.Shared.Rent(_count);
        segments.CopyTo(_segments);
        foreach (ref readonly var segment in segments)
        {
            segment.Block.Retain();
        }
    }

    internal void LetGo()
    {
        foreach (var segment in Segments)
        {
            segment.Block.Release();
        }

        ArrayPool<Segment>.Shared.Return(_segments, clearArray: true);
        _segments = [];
        _count = 0;
        Acknowledgement = null;
    }
}

/// <summary>Deliveries in line for room in a queue, first come, first served. Guarded by the queue's lock.</summary>
internal struct WaitingLine
{
    private WaitingDelivery? _first;
    private WaitingDelivery? _last;

    public readonly WaitingDelivery? First => _first;

    public void Join(WaitingDelivery delivery)
    {
        if (_last is null)
        {
            _first = delivery;
        }
        else
        {
            _last.Next = delivery;
        }

        _last = delivery;
    }

    /// <summary>Removes the first and puts it at the end of another line.</summary>
    public void MoveFirst(ref WaitingLine to)
    {
        var first = _first!;
        _first = first.Next;
        _last = _first is null ? null : _last;
        first.Next = null;
        to.Join(first);
    }

    /// <summary>Tells everybody in line what became of it. Outside every lock.</summary>
    public readonly void Tell(QueueResult result)
    {
        for (var delivery = _first; delivery is not null;)
        {
            // From the call on it is its owner's again, and may stand in another line.
            var next = delivery.Next;
            delivery.Next = null;
            delivery.LetGo();
            delivery.Waiter.WaitEnded(delivery, result);
            delivery = next;
        }
    }
}
