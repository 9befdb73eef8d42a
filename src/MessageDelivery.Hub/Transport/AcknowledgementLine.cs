namespace MessageDelivery.Hub.Transport;

/// <summary>Told what became of a delivery after it was queued. Called on any thread; <see cref="Awaits"/> under the queue's lock.</summary>
internal interface IAcknowledgementWaiter
{
    /// <summary>The delivery to the receiver at this place of a relay is queued, and its acknowledgement will be told of.</summary>
    void Awaits(int place);

    /// <summary>The receiver has acknowledged it, or never will.</summary>
    void AwaitEnded(int place, bool isAcknowledged);
}

/// <summary>Those who wait for a peer's acknowledgements, in the order of what they wait for. Guarded by the queue's lock.</summary>
internal struct AcknowledgementLine
{
    private Entry? _first;
    private Entry? _last;

    /// <summary>Stands in line until the peer's total is <paramref name="total"/>.</summary>
    public void Join(IAcknowledgementWaiter waiter, int place, ulong total)
    {
        waiter.Awaits(place);
        Append(new(waiter, place, total));
    }

    /// <summary>Takes those for whom the total is enough.</summary>
    public AcknowledgementLine TakeUpTo(ulong total)
    {
        var taken = default(AcknowledgementLine);
        while (_first is { } first && first.Total <= total)
        {
            _first = first.Next;
            _last = _first is null ? null : _last;
            first.Next = null;
            taken.Append(first);
        }

        return taken;
    }

    /// <summary>Tells everybody in line. Outside every lock.</summary>
    public readonly void Tell(bool isAcknowledged)
    {
        for (var entry = _first; entry is not null; entry = entry.Next)
        {
            entry.Waiter.AwaitEnded(entry.Place, isAcknowledged);
        }
    }

    private void Append(Entry entry)
    {
        if (_last is null)
        {
            _first = entry;
        }
        else
        {
            _last.Next = entry;
        }

        _last = entry;
    }

    private sealed record Entry(IAcknowledgementWaiter Waiter, int Place, ulong Total)
    {
        public Entry? Next { get; set; }
    }
}
