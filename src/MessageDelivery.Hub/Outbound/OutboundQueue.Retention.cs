using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Outbound;

/// <content>
/// What outlives a connection: units that the peer counts are kept until it has acknowledged them, and are sent again on the
/// connection with which it comes back.
/// </content>
internal sealed partial class OutboundQueue
{
    private RetainedUnits? _retained;
    private long _awayLimitBytes;
    private volatile bool _isUnheard;

    /// <summary>Whether small pieces may be kept where they were received. A hint, read without the lock.</summary>
    public bool IsUnparked => _retained is { IsUnparked: true };

    /// <summary>From now on, what the peer counts is kept until it has acknowledged it. Before the first of it is sent.</summary>
    public void Retain(ICountedUnits units)
    {
        lock (Gate)
        {
            _retained = new(_pool, units, Gate);
            _retained.CountQueued(_pending.Units, null, 0);
        }
    }

    /// <summary>
    /// Adds, by copying, what the connection itself has to say and the peer counts, whatever the limit; while the peer is away,
    /// within what is kept for it.
    /// </summary>
    public QueueResult AddCounted(ReadOnlySpan<byte> bytes, IOutlet outlet)
    {
        bool schedule;
        LoopEntry? owner;
        lock (Gate)
        {
            if (_state == State.Away && !TryCountAway(bytes.Length))
            {
                _state = State.Closed;
                return QueueResult.Overflowed;
            }

            if (_state is not (State.Open or State.Away))
            {
                return QueueResult.Closed;
            }

            Append(bytes, outlet);
            schedule = _state == State.Open && WantsFlush();
            owner = _owner;
        }

        ScheduleFlush(schedule, outlet, owner);
        return QueueResult.Accepted;
    }

    /// <summary>What a total that the peer tells means.</summary>
    public TotalCheck Check(ulong total)
    {
        lock (Gate)
        {
            return _retained!.Check(total, ref _pending, IsSending);
        }
    }

    /// <summary>The peer has so many units: lets go of them, and takes deliveries in line for the room they leave.</summary>
    public TotalCheck Acknowledge(ulong total, IOutlet outlet)
    {
        WaitingLine accepted;
        LoopEntry? owner;
        bool schedule;
        lock (Gate)
        {
            if (_retained!.Check(total, ref _pending, IsSending) is var check and not TotalCheck.Held)
            {
                return check;
            }

            long before = _retained.Bytes;
            _retained.Acknowledge(total);
            outlet.Counters.RetainedBytes += _retained.Bytes - before;
            LetGoOfCopiesIfUnused();
            LastProgress = outlet.Now;
            accepted = _state == State.Open ? TakeAccepted(outlet) : default;
            schedule = !_pending.IsEmpty && WantsFlush();
            owner = _owner;
        }

        ScheduleFlush(schedule, outlet, owner);
        _retained.Awaited?.Tell(outlet);
        accepted.Tell(QueueResult.Accepted);
        return TotalCheck.Held;
    }

    /// <summary>Nobody waits any more for the unit to be acknowledged that has this number: deliveries in line are taken for the room.</summary>
    public void Forget(ulong number, IOutlet outlet)
    {
        AcknowledgementWait forgotten;
        WaitingLine accepted;
        LoopEntry? owner;
        bool schedule;
        lock (Gate)
        {
            if (_retained?.Awaited is not { } line || !line.TryRemove(number, out forgotten))
            {
                return;
            }

            accepted = _state == State.Open ? TakeAccepted(outlet) : default;
            schedule = accepted.First is not null && WantsFlush();
            owner = _owner;
        }

        ScheduleFlush(schedule, outlet, owner);
        forgotten.Tell(outlet);
        accepted.Tell(QueueResult.Accepted);
    }

    /// <summary>
    /// The connection is lost: keeps what the peer has not acknowledged, and what comes for it up to a limit. Those in line wait
    /// no longer. False if they have more than the limit: then nothing is kept.
    /// </summary>
    /// <param name="limitsLine">Whether those in line count; not if the peer has another connection already.</param>
    public bool GoAway(long limitBytes, bool limitsLine, IOutlet outlet)
    {
        WaitingLine held = default;
        WaitingLine refused = default;
        lock (Gate)
        {
            if (_state != State.Open || _isTorn)
            {
                return false;
            }

            _state = State.Away;
            _owner = null;
            _awayLimitBytes = limitBytes + _retained!.AwaitedBytes;
            _blocked = false;
            held = TakeAnswer();
            while (_line.First is { } waiting)
            {
                if (limitsLine && !TryCountAway(Segment.TotalBytes(waiting.Segments)))
                {
                    refused = TakeLine();
                    CloseCore(outlet);
                    break;
                }

                Share(waiting.Segments, waiting.Units, waiting.Acknowledgement, waiting.Index, outlet);
                _line.MoveFirst(ref held);
            }

            SettleAway(outlet);
        }

        held.Tell(QueueResult.Held);
        refused.Tell(QueueResult.Overflowed);
        _retained.Awaited?.Tell(outlet);
        return refused.First is null;
    }

    /// <summary>
    /// The peer is back with another connection and its total: sends what came after that again, behind <paramref name="first"/>.
    /// Null, and nothing has changed, while another thread is still sending on the connection before.
    /// </summary>
    public TotalCheck? ComeBack(LoopEntry owner, ulong total, ReadOnlySpan<byte> first, IOutlet outlet)
    {
        lock (Gate)
        {
            if (IsSending)
            {
                return null;
            }

            var check = _state == State.Away ? _retained!.Check(total, ref _pending, isSending: false) : TotalCheck.LetGo;
            if (check != TotalCheck.Held)
            {
                return check;
            }

            var counters = outlet.Counters;
            counters.QueuedBytes -= _pending.Bytes;
            counters.RetainedBytes -= _retained!.Bytes;
            // Who comes back without having taken anything has not moved.
            LastProgress = total > _retained.Acknowledged ? outlet.Now : LastProgress;
            _retained.Acknowledge(total);
            _retained.Rewind(ref _pending);
            counters.QueuedBytes += _pending.Bytes;
            counters.RetainedBytes += _retained.Bytes;
            _state = State.Open;
            _owner = owner;
            _isUnheard = false;
            _blocked = false;
            _flushScheduled = false;
            counters.QueuedBytes += first.Length;
            _pending.CopyToFront(first, ref _copies);
            WantsFlush();
        }

        outlet.ScheduleFlush(owner);
        _retained.Awaited?.Tell(outlet);
        return TotalCheck.Held;
    }

    /// <summary>
    /// What is queued, with a reference for each piece, so that the connection can end behind it; for who comes back it stays. False
    /// while another thread is sending on the connection, or has it in its list of those to flush.
    /// </summary>
    public bool TryCopyTo(SegmentList list)
    {
        lock (Gate)
        {
            if (IsSending || _flushScheduled)
            {
                return false;
            }

            _pending.CopyTo(list);
            _retained?.NoteAllSent();
            return true;
        }
    }

    /// <summary>
    /// What the peer says is not read for now, its acknowledgements neither: what it has not acknowledged fills the queue less, and
    /// deliveries in line are taken for the room. Else two who wait for each other's room would wait for ever.
    /// </summary>
    public void Unhear(IOutlet outlet)
    {
        if (_retained is null)
        {
            return;
        }

        WaitingLine accepted;
        LoopEntry? owner;
        bool schedule;
        lock (Gate)
        {
            _isUnheard = true;
            accepted = _state == State.Open ? TakeAccepted(outlet) : default;
            schedule = !_pending.IsEmpty && WantsFlush();
            owner = _owner;
        }

        ScheduleFlush(schedule, outlet, owner);
        accepted.Tell(QueueResult.Accepted);
    }

    /// <summary>What the peer says is read again.</summary>
    public void Hear() => _isUnheard = false;

    /// <summary>Copies small pieces together that were sent and are kept, out of the blocks they share with others.</summary>
    public void Park()
    {
        lock (Gate)
        {
            _retained?.Park(ref _copies);
        }
    }

    private QueueResult Hold(
        ReadOnlySpan<Segment> segments, int units, IAcknowledgementWaiter? acknowledgement, int place, IOutlet outlet)
    {
        if (TryCountAway(Segment.TotalBytes(segments)))
        {
            Share(segments, units, acknowledgement, place, outlet);
            return QueueResult.Held;
        }

        // The session ends for this, and closes the queue outside the lock.
        _state = State.Closed;
        return QueueResult.Overflowed;
    }

    private void Append(ReadOnlySpan<byte> bytes, IOutlet outlet)
    {
        _retained?.CountQueued(1, null, 0);
        Begin(bytes.Length, outlet);
        try
        {
            _pending.Copy(bytes, _retained is null ? QueuedSegment.Uncounted : 1, ref _copies);
        }
        catch (Exception exception)
        {
            Tear(exception);
        }
    }

    private bool TryCountAway(long bytes)
    {
        if (_retained!.AddedBytes + _retained.AwaitedBytes + bytes > _awayLimitBytes)
        {
            return false;
        }

        _retained.CountAway(bytes);
        return true;
    }

    /// <summary>Once nobody sends any more: nothing that is kept pins more memory than it is.</summary>
    private void SettleAway(IOutlet outlet)
    {
        if (!IsSending && _state == State.Away)
        {
            long before = _retained!.Bytes;
            _retained.NoteSentInPart(ref _pending);
            _pending.Park(_retained, ref _copies);
            _retained.Park(ref _copies);
            outlet.Counters.RetainedBytes += _retained.Bytes - before;
        }
    }
}
