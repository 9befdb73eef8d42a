using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Outbound;

/// <summary>
/// What a connection has yet to send, in order and bounded. Any thread may add and flush; one at a time sends. The lock is held for bookkeeping
/// only, which is <see cref="QueueState"/>, never while sending; inside it only that of who waits for an acknowledgement and the pool's are taken.
/// </summary>
/// <remarks>
/// A full queue keeps what senders have for it in line and takes it as soon as there is room, first come, first served. While the peer does not
/// take what is sent, small segments are copied together ("copy on park"), so that a slow receiver does not pin whole receive blocks for small
/// messages. A queue with a <see cref="ReplayBuffer"/> may outlive its connection. A queue in which adding or sending fails, mostly for want of
/// memory, is torn: it is not known what of it stands in it, or was sent. Nothing more of it is sent; its connection ends, or it is closed at
/// once where it has none.
/// </remarks>
internal sealed class OutboundQueue
{
    /// <summary>Segments below this are copied while the peer is not taking what is sent. See docs/adr/0003.</summary>
    public const int ParkCopyBytes = 16 << 10;

    private const int MaxSendsPerFlush = 16;

    private QueueState _state;

    /// <param name="pool">Where copies go.</param>
    /// <param name="limitBytes">Bytes at which it is full.</param>
    /// <param name="owner">The connection it is sent on.</param>
    public OutboundQueue(BlockPool pool, long limitBytes, LoopEntry? owner) => _state = new(pool, limitBytes, owner);

    /// <summary>
    /// The queue's lock, for those who must look and add as one step: the queue itself, since there is one for each idle connection.
    /// </summary>
    public object Gate => this;

    /// <summary>Bytes queued and not yet taken by the kernel.</summary>
    public long PendingBytes => _state.Contents.PendingBytes;

    /// <summary>The same, those that are kept until the peer has acknowledged them, and what is kept for those who wait for that.</summary>
    public long HeldBytes => _state.Contents.HeldBytes;

    /// <summary>Bytes that were ever copied to be held.</summary>
    public long CopiedBytes => _state.Contents.CopiedBytes;

    /// <summary>Whether deliveries have to wait.</summary>
    public bool IsFull => _state.IsFull;

    /// <summary>Whether the peer may be answered.</summary>
    public bool HasRoomToAnswer => _state.HasRoomToAnswer;

    /// <summary>Whether small pieces may be kept where they were received. A hint.</summary>
    public bool IsUnparked => _state.Contents.Replay is { IsUnparked: true };

    /// <summary>Whether nothing was ever put in. Read under <see cref="Gate"/>.</summary>
    public bool IsUntouched => !_state.Send.IsTouched;

    /// <summary>When the peer last took something, or the queue began to fill or became full; the loop's milliseconds.</summary>
    public long LastProgress => _state.Contents.LastProgress;

    /// <summary>Whether a thread is sending on it at this moment: the socket must not be closed under it.</summary>
    public bool IsSendingOn(IOutboundSink sink)
    {
        lock (Gate)
        {
            return _state.Send.IsSendingOn(sink);
        }
    }

    /// <summary>Adds a delivery, unless the queue is full.</summary>
    /// <param name="units">How many the peer counts it as.</param>
    /// <param name="acknowledgement">Who wants to know when the peer has acknowledged it, if it does so.</param>
    /// <param name="waiter">Who waits if it is full; null if nobody is to wait.</param>
    /// <param name="index">Which of the waiters' deliveries this is.</param>
    /// <param name="outlet">Whose thread this is: it flushes at the end of its turn.</param>
    public QueueResult TryAdd(
        ReadOnlySpan<Segment> segments, int units, IAcknowledgementWaiter? acknowledgement, IDeliveryWaiter? waiter, int index, IOutlet outlet)
    {
        var after = new AfterUnlock(outlet);
        QueueResult result;
        lock (Gate)
        {
            result = _state.TryAdd(segments, units, acknowledgement, waiter, index, ref after);
        }

        after.Tell();
        return result;
    }

    /// <summary>Adds what the connection itself has to say, by reference, whatever the limit. The peer does not count it.</summary>
    public void Add(ReadOnlySpan<Segment> segments, IOutlet outlet)
    {
        var after = new AfterUnlock(outlet);
        lock (Gate)
        {
            _state.Add(segments, ref after);
        }

        after.Tell();
    }

    /// <summary>Adds what the connection itself has to say, by copying, whatever the limit. The peer does not count it.</summary>
    public void Add(ReadOnlySpan<byte> bytes, IOutlet outlet) => Add(bytes, isLast: false, outlet);

    /// <summary>Adds what the connection has to say at the end: in the same step, nothing more is taken.</summary>
    public void AddLast(ReadOnlySpan<byte> bytes, IOutlet outlet) => Add(bytes, isLast: true, outlet);

    /// <summary>The same for what the peer counts; while it is away, within what is kept for it.</summary>
    public QueueResult AddCounted(ReadOnlySpan<byte> bytes, IOutlet outlet)
    {
        var after = new AfterUnlock(outlet);
        QueueResult result;
        lock (Gate)
        {
            result = _state.AddCounted(bytes, ref after);
        }

        after.Tell();
        return result;
    }

    /// <summary>Makes the peer's own session wait until there is room to answer. False if there is room. It waits once at a time.</summary>
    public bool TryAwaitRoomToAnswer(IDeliveryWaiter waiter)
    {
        lock (Gate)
        {
            return _state.TryAwaitRoomToAnswer(waiter);
        }
    }

    /// <summary>Keeps everything back until <see cref="Uncork"/>. False if something was ever put in. Under <see cref="Gate"/>.</summary>
    public bool TryCork() => _state.Send.IsCorked = IsUntouched;

    /// <summary>Lets everything out, with these bytes in front. The queue must be corked.</summary>
    public void Uncork(ReadOnlySpan<byte> first, IOutlet outlet)
    {
        var after = new AfterUnlock(outlet);
        lock (Gate)
        {
            _state.Uncork(first, ref after);
        }

        after.Tell();
    }

    /// <summary>Takes nothing more; what is queued is still sent, and deliveries in line are refused. True if nothing is left to send.</summary>
    public bool Complete(IOutlet outlet)
    {
        var after = new AfterUnlock(outlet);
        bool isEmpty;
        lock (Gate)
        {
            isEmpty = _state.Complete(ref after);
        }

        after.Tell();
        return isEmpty;
    }

    /// <summary>Drops everything, at once.</summary>
    public void Close(IOutlet outlet)
    {
        var after = new AfterUnlock(outlet);
        lock (Gate)
        {
            _state.Close(QueueResult.Closed, ref after);
        }

        after.Tell();
    }

    /// <summary>When the peer, if it takes nothing until then, is to be cut off; <see cref="long.MaxValue"/> while it holds nobody up.</summary>
    public long StallDeadline(long stallMilliseconds)
    {
        lock (Gate)
        {
            return _state.HoldsOthersUp ? LastProgress + stallMilliseconds : long.MaxValue;
        }
    }

    /// <summary>The peer has taken something of what the kernel held for it.</summary>
    public void NoteProgress(long now)
    {
        lock (Gate)
        {
            _state.Contents.LastProgress = now;
        }
    }

    /// <summary>From now on, what the peer counts is kept until it has acknowledged it. Before the first of it is sent.</summary>
    public void EnableReplay(ICountedUnits units)
    {
        lock (Gate)
        {
            _state.Contents.EnableReplay(units, Gate);
        }
    }

    /// <summary>What a total that the peer tells means.</summary>
    public ReplayStatus Check(ulong total)
    {
        lock (Gate)
        {
            return _state.Contents.Check(total, _state.Send.IsSending);
        }
    }

    /// <summary>The peer has so many units: lets go of them, and takes deliveries in line for the room they leave.</summary>
    public ReplayStatus Acknowledge(ulong total, IOutlet outlet)
    {
        var after = new AfterUnlock(outlet);
        ReplayStatus check;
        lock (Gate)
        {
            check = _state.Acknowledge(total, ref after);
        }

        after.Tell();
        return check;
    }

    /// <summary>Nobody waits any more for the unit to be acknowledged that has this number: deliveries in line are taken for the room.</summary>
    public void Forget(ulong number, IOutlet outlet)
    {
        var after = new AfterUnlock(outlet);
        lock (Gate)
        {
            _state.Forget(number, ref after);
        }

        after.Tell();
    }

    /// <summary>
    /// What the peer says is not read for now, its acknowledgements neither: what it has not acknowledged fills the queue less, and
    /// deliveries in line are taken for the room. Else two who wait for each other's room would wait for ever.
    /// </summary>
    public void PauseAcknowledgements(IOutlet outlet)
    {
        if (_state.Contents.Replay is null)
        {
            return;
        }

        var after = new AfterUnlock(outlet);
        lock (Gate)
        {
            _state.Contents.Replay.IsUnread = true;
            _state.UseRoom(ref after);
        }

        after.Tell();
    }

    /// <summary>What the peer says is read again.</summary>
    public void ResumeAcknowledgements() => _state.Contents.Replay?.IsUnread = false;

    /// <summary>Copies small pieces together that were sent and are kept, out of the blocks they share with others.</summary>
    public void Park()
    {
        lock (Gate)
        {
            _state.Contents.ParkReplay();
        }
    }

    /// <summary>
    /// The connection is lost: keeps what the peer has not acknowledged, and what comes for it up to a limit. Those in line wait
    /// no longer. False if they have more than the limit: then nothing is kept.
    /// </summary>
    /// <param name="limitsLine">Whether those in line count; not if the peer has another connection already.</param>
    public bool Detach(long limitBytes, bool limitsLine, IOutlet outlet)
    {
        var after = new AfterUnlock(outlet);
        bool isKept;
        lock (Gate)
        {
            isKept = _state.Detach(limitBytes, limitsLine, ref after);
        }

        after.Tell();
        return isKept;
    }

    /// <summary>
    /// The peer is back with another connection and its total: sends what came after that again, behind <paramref name="first"/>.
    /// Null, and nothing has changed, while a loop still sends on the connection before, or has that in its list of those to flush: a
    /// connection that is let out of the queue may be in no list.
    /// </summary>
    public ReplayStatus? Attach(LoopEntry owner, ulong total, ReadOnlySpan<byte> first, IOutlet outlet)
    {
        var after = new AfterUnlock(outlet);
        ReplayStatus? check;
        lock (Gate)
        {
            check = _state.Attach(owner, total, first, ref after);
        }

        after.Tell();
        return check;
    }

    /// <summary>
    /// Adds what is to be sent to a list, with a reference for each piece, so that the connection can end behind it; for who comes back it
    /// stays. False while another thread is sending on the connection, or has it in its list of those to flush.
    /// </summary>
    public bool TryCopyTo(SegmentList list)
    {
        lock (Gate)
        {
            bool isAtRest = !_state.Send.IsSending && !_state.Send.IsScheduled;
            if (isAtRest)
            {
                _state.Contents.CopyTo(list);
            }

            return isAtRest;
        }
    }

    /// <summary>The peer takes bytes again. True if there is something that waited for it.</summary>
    public bool Unblock()
    {
        lock (Gate)
        {
            return _state.Send.Unblock();
        }
    }

    /// <summary>Sends until there is nothing more or the peer takes no more.</summary>
    /// <param name="sink">The connection; another than the queue is for gets nothing.</param>
    /// <param name="scheduled">Whether this is the flush that was scheduled, so that another may be.</param>
    public FlushResult Flush(IOutboundSink sink, IOutlet outlet, bool scheduled)
    {
        lock (Gate)
        {
            if (!_state.TryBeginSending(sink, scheduled))
            {
                return FlushResult.Nothing;
            }
        }

        var after = new AfterUnlock(outlet);
        try
        {
            return SendAll(sink, outlet, ref after);
        }
        catch
        {
            lock (Gate)
            {
                _state.FailSending(ref after);
            }

            after.Tell();
            throw;
        }
    }

    private FlushResult SendAll(IOutboundSink sink, IOutlet outlet, ref AfterUnlock after)
    {
        for (int sends = 1; ; sends++)
        {
            int count;
            lock (Gate)
            {
                _state.Send.BeginSend();
                count = _state.Contents.Peek(outlet.SendScratch);
            }

            var batch = outlet.SendScratch.AsSpan(0, count);
            long offered = Segment.TotalBytes(batch);
            long sent = sink.Send(batch, outlet.Counters);
            batch.Clear();
            FlushResult? result;
            lock (Gate)
            {
                result = _state.EndSend(sent, offered, isLast: sends == MaxSendsPerFlush, ref after);
            }

            after.Tell();
            if (result is { } ended)
            {
                return ended;
            }
        }
    }

    private void Add(ReadOnlySpan<byte> bytes, bool isLast, IOutlet outlet)
    {
        var after = new AfterUnlock(outlet);
        lock (Gate)
        {
            _state.Add(bytes, isLast, ref after);
        }

        after.Tell();
    }
}
