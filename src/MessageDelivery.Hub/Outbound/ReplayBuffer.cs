using System.Diagnostics;
using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Outbound;

/// <summary>What a peer counts: the sessions know how long one is.</summary>
internal interface ICountedUnits
{
    /// <summary>Bytes at its start that tell its length.</summary>
    int HeadBytes { get; }

    long LengthOf(ReadOnlySpan<byte> head);
}

/// <summary>Whether what follows a total that the peer has acknowledged can be sent again.</summary>
internal enum ReplayStatus
{
    /// <summary>All of it is kept.</summary>
    Available,
    /// <summary>Some of it was released: the peer has acknowledged more before.</summary>
    Released,
    /// <summary>More than was ever sent.</summary>
    NeverSent,
}

/// <summary>
/// What was sent and the peer has not acknowledged, kept so that it can be sent again on another connection. Units are let go
/// together where they stand in one piece of memory. Guarded by the queue's lock but for what says otherwise.
/// </summary>
internal sealed class ReplayBuffer(BlockPool pool, ICountedUnits units, object gate)
{
    private PendingSegments _kept;
    private volatile bool _isUnread;
    private long _addedAway;
    private long _awayLimitBytes;

    // Units before the first that is kept, and the most that was ever sent.
    private ulong _before;
    private ulong _sent;
    private ulong _everSent;

    /// <summary>Bytes that are kept.</summary>
    public long Bytes => _kept.Bytes;

    /// <summary>Who waits for acknowledgements; null if nobody ever did.</summary>
    public AcknowledgementLine? Awaited { get; private set; }

    /// <summary>What they count.</summary>
    public long AwaitedBytes => Awaited?.Bytes ?? 0;

    /// <summary>Units that the peer has acknowledged.</summary>
    public ulong Acknowledged { get; private set; }

    /// <summary>Units that were ever added to the queue.</summary>
    public ulong Queued { get; private set; }

    /// <summary>
    /// Whether what the peer says is not read for now, its acknowledgements among it: what it has not acknowledged fills the queue less.
    /// Read and written without the lock, too.
    /// </summary>
    public bool IsUnread
    {
        get => _isUnread;
        set => _isUnread = value;
    }

    /// <summary>Whether small pieces may be kept where they were received, and so more memory than they are.</summary>
    public bool IsUnparked => _kept.HasUnparked;

    /// <summary>Counts units that are added to the queue.</summary>
    /// <param name="waiter">Who is told when they are acknowledged. Where there is no memory to remember that, it does not wait.</param>
    public void CountQueued(int added, IAcknowledgementWaiter? waiter, int index)
    {
        Queued += (ulong)added;
        if (waiter is not null && (Awaited ??= new(pool, gate)).TryReserve())
        {
            Awaited.Join(waiter, index, Queued);
        }
    }

    /// <summary>The peer is away from now on, and so much may be added until it is back.</summary>
    public void BeginAway(long limitBytes)
    {
        _addedAway = 0;
        _awayLimitBytes = limitBytes + AwaitedBytes;
    }

    /// <summary>Counts bytes that are added while the peer is away. False if that is more than may be.</summary>
    public bool TryCountAway(long bytes)
    {
        if (_addedAway + AwaitedBytes + bytes > _awayLimitBytes)
        {
            return false;
        }

        _addedAway += bytes;
        return true;
    }

    /// <summary>Keeps a segment that was wholly sent, and its reference.</summary>
    public void Keep(in QueuedSegment sent)
    {
        Debug.Assert(sent.IsCounted && _sent + (ulong)sent.Units <= Queued, "more was sent than was ever queued");
        _sent += (ulong)sent.Units;
        _everSent = Math.Max(_everSent, _sent);
        _kept.Take(sent);
        LetGo();
    }

    /// <summary>What the total means, as far as is known; what is being sent at this moment is not.</summary>
    /// <param name="pending">What is not wholly sent.</param>
    /// <param name="isSending">Whether it is being sent at this moment.</param>
    public ReplayStatus Check(ulong total, ref PendingSegments pending, bool isSending)
    {
        if (total > _everSent)
        {
            NoteSentInPart(ref pending);
        }

        return total < Acknowledged ? ReplayStatus.Released
            : total <= (isSending ? Queued : _everSent) ? ReplayStatus.Available
            : ReplayStatus.NeverSent;
    }

    /// <summary>
    /// Notes the peer's total, which must have been checked, and lets go of what it covers. Who waited for it is to be told outside the
    /// lock.
    /// </summary>
    public void Acknowledge(ulong total)
    {
        Debug.Assert(total >= Acknowledged && total <= Queued, "an unchecked total");
        Acknowledged = total;
        LetGo();
        Awaited?.Acknowledge(total);
    }

    /// <summary>Notes that the peer may have got units of the piece that is being sent: which, only the peer knows.</summary>
    public void NoteSentInPart(ref PendingSegments pending)
    {
        if (!pending.IsEmpty && pending[0].IsCounted && (pending.SentOfFirst > 0 || _kept.EndsWithinUnit))
        {
            _everSent = Math.Max(_everSent, _sent + (ulong)pending.FirstUnits(out _));
        }
    }

    /// <summary>Notes that the peer may get everything that is queued by another way.</summary>
    public void NoteAllSent() => _everSent = Queued;

    /// <summary>Copies small pieces together, out of the blocks they share with others.</summary>
    public void Park(ref CopyBlocks copies) => _kept.Park(null, ref copies);

    /// <summary>Puts what the peer has not got, by its total, in front of what is pending: all of that is to be sent, as if nothing had been.</summary>
    public void Rewind(ref PendingSegments pending)
    {
        pending.MoveCountedTo(ref _kept);
        (pending, _kept) = (_kept, pending);
        while (pending.FirstUnits(out int segments) is var count and > 0 && _before + (ulong)count <= Acknowledged)
        {
            pending.DropFirst(segments);
            _before += (ulong)count;
        }

        Debug.Assert(_before <= Acknowledged, "what the peer has not got was let go");
        int got = (int)(Acknowledged - _before);
        if (got > 0)
        {
            pending.CutFirst(got, BytesOf(ref pending, got));
            _before += (ulong)got;
        }

        _sent = _before;
    }

    public void Clear() => _kept.Clear();

    private void LetGo()
    {
        while (_kept.FirstUnits(out int segments) is var count and > 0 && _before + (ulong)count <= Acknowledged)
        {
            _kept.DropFirst(segments);
            _before += (ulong)count;
        }
    }

    private long BytesOf(ref PendingSegments segments, int count)
    {
        Span<byte> head = stackalloc byte[units.HeadBytes];
        long bytes = 0;
        for (; count > 0; count--)
        {
            segments.CopyTo(head, bytes);
            bytes += units.LengthOf(head);
        }

        return bytes;
    }
}
