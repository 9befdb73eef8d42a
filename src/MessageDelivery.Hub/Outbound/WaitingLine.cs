using System.Diagnostics;

namespace MessageDelivery.Hub.Outbound;

/// <summary>
/// Deliveries in line for room in a queue, first come, first served. Guarded by the queue's lock; a mutable struct of one reference, since
/// every queue has one.
/// </summary>
internal struct WaitingLine
{
    // Its next is the first.
    private WaitingDelivery? _last;

    public readonly WaitingDelivery? First => _last?.Next;

    public void Join(WaitingDelivery delivery)
    {
        Debug.Assert(delivery.Next is null, "it stands in a line already");
        delivery.Next = _last is null ? delivery : _last.Next;
        _last?.Next = delivery;
        _last = delivery;
    }

    /// <summary>Removes the first.</summary>
    public WaitingDelivery Take()
    {
        var first = _last!.Next!;
        if (ReferenceEquals(first, _last))
        {
            _last = null;
        }
        else
        {
            _last.Next = first.Next;
        }

        first.Next = null;
        return first;
    }

    /// <summary>Tells everybody in line what became of it, each once even if one fails. Outside of every lock.</summary>
    public void Tell()
    {
        while (First is not null)
        {
            // From the call on it is its owner's again, and may stand in another line.
            var delivery = Take();
            delivery.LetGo();
            delivery.Waiter.WaitEnded(delivery, delivery.Result);
        }
    }
}
