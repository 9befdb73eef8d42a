using System.Buffers;
using System.Diagnostics;
using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Outbound;

/// <summary>Told what became of a delivery that had to wait. Called on any thread, and outside every lock unless it says so.</summary>
internal interface IDeliveryWaiter
{
    /// <summary>The delivery to the receiver at this index of a relay. Called under the queue's lock.</summary>
    WaitingDelivery DeliveryAt(int index);

    /// <summary>What deliveries of the relay that wait already hold: one for each form in which receivers get it. The sender's thread.</summary>
    Span<HeldSegments?> Recent { get; }

    /// <param name="delivery">The one that waited; the callee's again from now on.</param>
    /// <param name="result">Accepted or held; closed or overflowed if that happened first.</param>
    void WaitEnded(WaitingDelivery delivery, QueueResult result);
}

/// <summary>
/// The pieces of a delivery that waits for several receivers, once for all of them, with a reference for each piece.
/// </summary>
internal sealed class HeldSegments
{
    // Nobody holds it, and it holds nothing.
    private const int Free = -1;

    private Segment[] _segments = [];
    private int _count;
    private int _holders = Free;

    public ReadOnlySpan<Segment> Items => _segments.AsSpan(0, _count);

    /// <summary>Holds segments: together with those who hold the same already, as far as the sender remembers.</summary>
    /// <param name="recent">What was held of late. The sender's thread.</param>
    public static HeldSegments Hold(ReadOnlySpan<Segment> segments, Span<HeldSegments?> recent)
    {
        foreach (var held in recent)
        {
            if (held is not null && held.TryJoin(segments))
            {
                return held;
            }
        }

        var added = TakeFree(recent);
        added.Begin(segments);
        return added;
    }

    /// <summary>One holder less; the last lets go of the pieces. Any thread.</summary>
    public void LetGo()
    {
        int left = Interlocked.Decrement(ref _holders);
        Debug.Assert(left >= 0, "let go of more often than held");
        if (left > 0)
        {
            return;
        }

        foreach (ref readonly var segment in Items)
        {
            segment.Block.Release();
        }

        ArrayPool<Segment>.Shared.Return(_segments, clearArray: true);
        _segments = [];
        _count = 0;
        Volatile.Write(ref _holders, Free);
    }

    private static HeldSegments TakeFree(Span<HeldSegments?> recent)
    {
        foreach (ref var held in recent)
        {
            if (held is null || Volatile.Read(ref held._holders) == Free)
            {
                return held ??= new();
            }
        }

        // All are still held, or being let go of at this moment.
        recent[..^1].CopyTo(recent[1..]);
        return recent[0] = new();
    }

    private void Begin(ReadOnlySpan<Segment> segments)
    {
        _segments = ArrayPool<Segment>.Shared.Rent(segments.Length);
        segments.CopyTo(_segments);
        _count = segments.Length;
        foreach (ref readonly var segment in segments)
        {
            segment.Block.Retain();
        }

        Volatile.Write(ref _holders, 1);
    }

    private bool TryJoin(ReadOnlySpan<Segment> segments)
    {
        int holders = Volatile.Read(ref _holders);
        while (holders > 0)
        {
            int seen = Interlocked.CompareExchange(ref _holders, holders + 1, holders);
            if (seen == holders)
            {
                // Looked at only now: until then another could have let go of them.
                if (Items.SequenceEqual(segments))
                {
                    return true;
                }

                LetGo();
                return false;
            }

            holders = seen;
        }

        return false;
    }
}

/// <summary>
/// What one sender has for one receiver whose queue is full. The sender's, and used again; while it waits, the queue's.
/// </summary>
internal sealed class WaitingDelivery(IDeliveryWaiter waiter, int index)
{
    private HeldSegments? _held;

    public IDeliveryWaiter Waiter { get; } = waiter;

    /// <summary>The receiver's index among the relay's.</summary>
    public int Index { get; } = index;

    /// <summary>The next in its line; the last's is the first.</summary>
    internal WaitingDelivery? Next { get; set; }

    /// <summary>What became of it, once it is to be told.</summary>
    internal QueueResult Result { get; set; }

    internal ReadOnlySpan<Segment> Segments => _held is null ? [] : _held.Items;

    internal int Units { get; private set; }

    internal IAcknowledgementWaiter? Acknowledgement { get; private set; }

    /// <summary>Keeps the segments, with a reference for each.</summary>
    internal void Hold(ReadOnlySpan<Segment> segments, int units, IAcknowledgementWaiter? acknowledgement)
    {
        Units = units;
        Acknowledgement = acknowledgement;
        _held = segments.IsEmpty ? null : HeldSegments.Hold(segments, Waiter.Recent);
    }

    internal void LetGo()
    {
        _held?.LetGo();
        _held = null;
        Acknowledgement = null;
    }
}
