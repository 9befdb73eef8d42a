using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Outbound;

/// <summary>
/// What a queue knows, and how that changes: nothing here sends, waits or calls back, and what is to be told is left in an
/// <see cref="AfterUnlock"/>. Guarded by the queue's lock but for what says otherwise; a mutable struct, so that a queue is one object.
/// </summary>
internal struct QueueState(BlockPool pool, long limitBytes, LoopEntry? owner)
{
    private readonly QueueLimit _limit = new(limitBytes);
    private QueueContents _contents = new(pool);
    private RoomWaiters _waiters;
    private SendState _send;
    private LoopEntry? _owner = owner;

    /// <summary>What it holds. Its numbers are read without the lock, too.</summary>
    [UnscopedRef]
    public ref QueueContents Contents => ref _contents;

    /// <summary>Whether and by whom it is sent.</summary>
    [UnscopedRef]
    public ref SendState Send => ref _send;

    /// <summary>Whether deliveries have to wait.</summary>
    public bool IsFull => _limit.IsMet(ref _contents);

    /// <summary>Whether the peer may be answered. Read without the lock, too.</summary>
    public bool HasRoomToAnswer => _limit.LetsAnswer(ref _contents);

    /// <summary>Whether a peer that takes nothing is to be cut off: others wait for that room, or that memory.</summary>
    public bool HoldsOthersUp =>
        _send.HasConnection && (IsFull || (_contents.HeldBytes > 0 && _contents.Pool.IsShort));

    private readonly ReplayBuffer? Replay => _contents.Replay;

    public QueueResult TryAdd(
        ReadOnlySpan<Segment> segments, int units, IAcknowledgementWaiter? acknowledgement, IDeliveryWaiter? waiter, int index, ref AfterUnlock after)
    {
        if (_send.Phase != QueuePhase.Open)
        {
            return _send.Phase == QueuePhase.Away ? Hold(segments, units, acknowledgement, index, ref after) : QueueResult.Closed;
        }

        if (IsFull)
        {
            return _waiters.TryJoin(waiter, index, segments, units, acknowledgement) ? QueueResult.Waiting : QueueResult.Full;
        }

        Share(segments, units, acknowledgement, index, ref after);
        if (IsFull)
        {
            _contents.LastProgress = after.Outlet.Now;
            after.Watch(_owner);
        }

        ScheduleFlush(ref after);
        return QueueResult.Accepted;
    }

    public void Add(ReadOnlySpan<Segment> segments, ref AfterUnlock after)
    {
        if (_send.Phase == QueuePhase.Open)
        {
            Share(segments, QueuedSegment.Uncounted, null, 0, ref after);
            ScheduleFlush(ref after);
        }
    }

    public void Add(ReadOnlySpan<byte> bytes, bool isLast, ref AfterUnlock after)
    {
        if (_send.Phase != QueuePhase.Open)
        {
            return;
        }

        Copy(bytes, QueuedSegment.Uncounted, ref after);
        if (isLast)
        {
            _send.Complete();
        }

        ScheduleFlush(ref after);
    }

    public QueueResult AddCounted(ReadOnlySpan<byte> bytes, ref AfterUnlock after)
    {
        if (_send.Phase is not (QueuePhase.Open or QueuePhase.Away))
        {
            return QueueResult.Closed;
        }

        if (_send.Phase == QueuePhase.Away && !TryCountAway(bytes.Length, ref after))
        {
            return QueueResult.Overflowed;
        }

        Replay?.CountQueued(1, null, 0);
        Copy(bytes, Replay is null ? QueuedSegment.Uncounted : 1, ref after);
        ScheduleFlush(ref after);
        return _send.Phase == QueuePhase.Closed ? QueueResult.Closed : QueueResult.Accepted;
    }

    public void Uncork(ReadOnlySpan<byte> first, ref AfterUnlock after)
    {
        if (_send.Phase == QueuePhase.Open)
        {
            _send.IsCorked = false;
            _send.IsTouched = true;
            TearIf(_contents.TryCopyToFront(first, after.Outlet), ref after);
            ScheduleFlush(ref after);
        }
    }

    /// <summary>False if the peer may be answered, or never again.</summary>
    public bool TryAwaitRoomToAnswer(IDeliveryWaiter waiter)
    {
        bool waits = _send.Phase == QueuePhase.Open && !HasRoomToAnswer;
        if (waits)
        {
            _waiters.AwaitAnswer(waiter.DeliveryAt(0));
        }

        return waits;
    }

    /// <summary>True if nothing is left to send.</summary>
    public bool Complete(ref AfterUnlock after)
    {
        _send.Complete();
        EndWaits(QueueResult.Closed, ref after);
        ScheduleFlush(ref after);
        return _contents.IsEmpty && !_send.IsSending;
    }

    /// <param name="result">What those in line are told.</param>
    public void Close(QueueResult result, ref AfterUnlock after)
    {
        _send.Phase = QueuePhase.Closed;
        EndWaits(result, ref after);
        if (!_send.IsSending)
        {
            _contents.Clear(after.Outlet);
        }
    }

    public ReplayStatus Acknowledge(ulong total, ref AfterUnlock after)
    {
        var check = _contents.Check(total, _send.IsSending);
        if (check == ReplayStatus.Available)
        {
            _contents.Acknowledge(total, after.Outlet);
            after.End(Replay!.Awaited);
            UseRoom(ref after);
        }

        return check;
    }

    public void Forget(ulong number, ref AfterUnlock after)
    {
        if (Replay?.Awaited is { } line && line.TryRemove(number, out var forgotten))
        {
            after.End(forgotten);
            UseRoom(ref after);
        }
    }

    /// <summary>There may be room: who waits to answer need wait no longer, and deliveries in line are taken.</summary>
    public void UseRoom(ref AfterUnlock after)
    {
        if (_send.Phase == QueuePhase.Open && HasRoomToAnswer)
        {
            _waiters.EndAnswer(QueueResult.Accepted, ref after);
        }

        while (_send.Phase == QueuePhase.Open && _waiters.First is not null && !IsFull)
        {
            TakeFirst(QueueResult.Accepted, ref after);
        }

        ScheduleFlush(ref after);
    }

    /// <summary>False if there is more than the limit, or what there is cannot be sent: then nothing is kept.</summary>
    public bool Detach(long limitBytes, bool limitsLine, ref AfterUnlock after)
    {
        if (_send.Phase != QueuePhase.Open || _send.IsTorn)
        {
            return false;
        }

        _send.Detach();
        _owner = null;
        Replay!.BeginAway(limitBytes);
        _waiters.EndAnswer(QueueResult.Held, ref after);
        while (_send.Phase == QueuePhase.Away && _waiters.First is { } first
            && (!limitsLine || TryCountAway(Segment.TotalBytes(first.Segments), ref after)))
        {
            TakeFirst(QueueResult.Held, ref after);
        }

        ParkIfAway(ref after);
        return _send.Phase == QueuePhase.Away;
    }

    /// <summary>Null, and nothing has changed, while a loop still sends on the connection before, or has that in its list of those to flush.</summary>
    public ReplayStatus? Attach(LoopEntry connection, ulong total, ReadOnlySpan<byte> first, ref AfterUnlock after)
    {
        if (_send.IsSending || _send.IsScheduled)
        {
            return null;
        }

        var check = _send.Phase == QueuePhase.Away ? _contents.Check(total, isSending: false) : ReplayStatus.Released;
        if (check != ReplayStatus.Available)
        {
            return check;
        }

        _contents.Rewind(total, after.Outlet);
        after.End(Replay!.Awaited);
        if (_contents.TryCopyToFront(first, after.Outlet) is { } failure)
        {
            ExceptionDispatchInfo.Throw(failure);
        }

        Replay.IsUnread = false;
        _send.Attach();
        _owner = connection;
        ScheduleFlush(ref after);
        return ReplayStatus.Available;
    }

    /// <summary>Whether the caller is to send, as the only one. Only on the connection that the queue is for.</summary>
    public bool TryBeginSending(IOutboundSink sink, bool scheduled)
    {
        if (_owner is not null && !ReferenceEquals(sink, _owner) && sink is LoopEntry)
        {
            return false;
        }

        if (scheduled)
        {
            _send.NoteFlush();
        }

        return (!_contents.IsEmpty || sink.HasToSay) && _send.TryBegin(sink);
    }

    /// <summary>How the flush ends; null if it goes on.</summary>
    public FlushResult? EndSend(long sent, long offered, bool isLast, ref AfterUnlock after)
    {
        if (!_send.HasConnection || sent < 0)
        {
            return EndLastSend(sent, ref after);
        }

        if (sent > 0)
        {
            _contents.LastProgress = after.Outlet.Now;
            _contents.Consume(sent, after.Outlet);
            UseRoom(ref after);
        }

        var result = _send.EndSend(tookAll: sent == offered, _contents.IsEmpty, isLast);
        if (result == FlushResult.Blocked)
        {
            TearIf(_contents.TryPark(isAway: false, after.Outlet), ref after);
        }

        return result;
    }

    /// <summary>A send has failed: nobody sends any more.</summary>
    public void FailSending(ref AfterUnlock after)
    {
        _send.IsTorn = true;
        _send.End();
        Close(QueueResult.Closed, ref after);
    }

    /// <summary>The connection was lost meanwhile, or broke at this send.</summary>
    private FlushResult EndLastSend(long sent, ref AfterUnlock after)
    {
        _send.End();
        if (_send.Phase == QueuePhase.Away)
        {
            // The peer may have got it all the same, and says so when it is back.
            _contents.Consume(Math.Max(sent, 0), after.Outlet);
            ParkIfAway(ref after);
            return FlushResult.Sent;
        }

        if (Replay is null || _send.Phase == QueuePhase.Closed)
        {
            _contents.Clear(after.Outlet);
        }

        return sent < 0 ? FlushResult.Broken : FlushResult.Drained;
    }

    private void ScheduleFlush(ref AfterUnlock after)
    {
        if (!_contents.IsEmpty && _send.TrySchedule())
        {
            after.Flush(_owner);
        }
    }

    private void Share(ReadOnlySpan<Segment> segments, int units, IAcknowledgementWaiter? waiter, int index, ref AfterUnlock after)
    {
        // While it is corked it is not known yet whether the peer counts.
        bool isCounted = units > 0 && (Replay is not null || _send.IsCorked);
        if (isCounted)
        {
            Replay?.CountQueued(units, waiter, index);
        }

        // If it fails, the sender has done nothing wrong, and the receiver must not get a part of it.
        _send.IsTouched = true;
        bool parks = _send.IsBlocked || _send.Phase == QueuePhase.Away;
        TearIf(_contents.TryShare(segments, isCounted ? units : QueuedSegment.Uncounted, parks, after.Outlet), ref after);
    }

    private void Copy(ReadOnlySpan<byte> bytes, int units, ref AfterUnlock after)
    {
        _send.IsTouched = true;
        TearIf(_contents.TryCopy(bytes, units, after.Outlet), ref after);
    }

    /// <summary>If a part of something was added, and the rest could not be, nothing more is sent.</summary>
    private void TearIf(Exception? failure, ref AfterUnlock after)
    {
        _send.IsTorn |= failure is not null;
        if (failure is not null && _owner is not null)
        {
            after.Fail(_owner, failure);
        }
        else if (failure is not null)
        {
            // Whoever comes back to it finds that it cannot be had.
            Close(QueueResult.Closed, ref after);
        }
    }

    private QueueResult Hold(ReadOnlySpan<Segment> segments, int units, IAcknowledgementWaiter? waiter, int index, ref AfterUnlock after)
    {
        if (!TryCountAway(Segment.TotalBytes(segments), ref after))
        {
            return QueueResult.Overflowed;
        }

        Share(segments, units, waiter, index, ref after);
        return _send.Phase == QueuePhase.Closed ? QueueResult.Closed : QueueResult.Held;
    }

    /// <summary>Counts what is added while the peer is away. False if it is too much: then nothing is kept any more.</summary>
    private bool TryCountAway(long bytes, ref AfterUnlock after)
    {
        bool fits = Replay!.TryCountAway(bytes);
        if (!fits)
        {
            Close(QueueResult.Overflowed, ref after);
        }

        return fits;
    }

    /// <summary>Once nobody sends any more: nothing that is kept pins more memory than it is.</summary>
    private void ParkIfAway(ref AfterUnlock after)
    {
        if (!_send.IsSending && _send.Phase == QueuePhase.Away)
        {
            TearIf(_contents.TryPark(isAway: true, after.Outlet), ref after);
        }
    }

    private void TakeFirst(QueueResult result, ref AfterUnlock after)
    {
        var first = _waiters.TakeFirst();
        after.End(first, result);
        Share(first.Segments, first.Units, first.Acknowledgement, first.Index, ref after);
    }

    /// <summary>Nobody waits any more, for room or for an acknowledgement.</summary>
    private void EndWaits(QueueResult result, ref AfterUnlock after)
    {
        _waiters.End(result, ref after);
        Replay?.Awaited?.End();
        after.End(Replay?.Awaited);
    }
}
