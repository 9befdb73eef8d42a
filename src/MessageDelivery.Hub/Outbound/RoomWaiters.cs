using System.Diagnostics;
using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Outbound;

/// <summary>
/// Who waits for room in a queue: deliveries in line, and the peer's own session, which has to answer it. That does not stand in line behind
/// deliveries: these may wait for an acknowledgement that stands behind what it is to answer. Guarded by the queue's lock; a mutable struct.
/// </summary>
internal struct RoomWaiters
{
    private WaitingLine _deliveries;
    private WaitingDelivery? _answer;

    public readonly WaitingDelivery? First => _deliveries.First;

    /// <summary>Has a delivery wait. False if it has no waiter.</summary>
    public bool TryJoin(IDeliveryWaiter? waiter, int index, ReadOnlySpan<Segment> segments, int units, IAcknowledgementWaiter? acknowledgement)
    {
        if (waiter is null)
        {
            return false;
        }

        var delivery = waiter.DeliveryAt(index);
        delivery.Hold(segments, units, acknowledgement);
        _deliveries.Join(delivery);
        return true;
    }

    public WaitingDelivery TakeFirst() => _deliveries.Take();

    public void AwaitAnswer(WaitingDelivery answer)
    {
        Debug.Assert(_answer is null, "a session waits twice");
        _answer = answer;
    }

    public void EndAnswer(QueueResult result, ref AfterUnlock after)
    {
        if (_answer is not null)
        {
            after.End(_answer, result);
            _answer = null;
        }
    }

    /// <summary>Nobody waits any more.</summary>
    public void End(QueueResult result, ref AfterUnlock after)
    {
        EndAnswer(result, ref after);
        while (First is not null)
        {
            after.End(TakeFirst(), result);
        }
    }
}
