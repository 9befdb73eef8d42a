using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Transport;

/// <summary>What became of an attempt to queue a delivery.</summary>
internal enum QueueResult
{
    /// <summary>It will be sent.</summary>
    Accepted,
    /// <summary>The queue is at its limit and the delivery was not to wait.</summary>
    Full,
    /// <summary>The queue is at its limit; the waiter will be told.</summary>
    Waiting,
    /// <summary>Nothing is taken any more.</summary>
    Closed,
}

/// <summary>Where a queue sends to.</summary>
internal interface IOutboundSink
{
    /// <summary>Sends what it can without blocking: bytes taken, or a negative number if the connection is broken.</summary>
    long Send(ReadOnlySpan<Segment> segments, LoopCounters counters);
}

/// <summary>
/// What a connection has yet to send, in order and bounded. Any thread may add and flush; one at a time sends. The lock is
/// held for bookkeeping only, never while sending or calling back; inside it only the pool's lock is taken.
/// </summary>
/// <remarks>
/// A full queue keeps what senders have for it in line and takes it as soon as there is room, first come, first served.
/// While the peer does not take what is sent, small segments are copied together ("copy on park"), so that a slow receiver
/// does not pin whole receive blocks for small messages.
/// </remarks>
internal sealed class OutboundQueue(BlockPool pool, long limitBytes)
{
    /// <summary>Segments below this are copied while the peer is not taking what is sent. See docs/adr/0003.</summary>
    public const int ParkCopyBytes = 16 << 10;

    public const int MostVectors = 64;
    private const int MostSendsPerFlush = 16;

    private SegmentRing _ring;
    private Block? _tail;
    private int _tailUsed;
    private long _pending;
    private WaitingDelivery? _firstWaiting;
    private WaitingDelivery? _lastWaiting;
    private State _state;
    private bool _sending;
    private bool _blocked;
    private bool _flushScheduled;
    private bool _corked;

    private enum State : byte
    {
        Open,
        Completing,
        Closed,
    }

    /// <summary>The queue's lock, for those who must look and add as one step. A leaf.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Bytes queued and not yet taken by the kernel.</summary>
    public long PendingBytes => Volatile.Read(ref _pending);

    /// <summary>Whether deliveries have to wait.</summary>
    public bool IsFull => PendingBytes >= limitBytes;

    /// <summary>Whether anything was ever put in. Read under <see cref="Gate"/>.</summary>
    public bool IsUntouched { get; private set; } = true;

    /// <summary>When the peer last took something, or the queue began to fill or became full; the loop's milliseconds.</summary>
    public long LastProgress { get; private set; }

    /// <summary>Adds a delivery, unless the queue is full.</summary>
    /// <param name="waiter">Who waits if it is full; null if nobody is to wait.</param>
    /// <param name="place">Which of the waiter's deliveries this is.</param>
    /// <param name="outlet">Whose thread this is: it flushes at the end of its turn.</param>
    public QueueResult TryAdd(
        ReadOnlySpan<Segment> segments, IDeliveryWaiter? waiter, int place, IOutlet outlet, Connection owner)
    {
        bool schedule;
        bool becameFull;
        lock (Gate)
        {
            if (_state != State.Open)
            {
                return QueueResult.Closed;
            }

            if (_pending >= limitBytes)
            {
                if (waiter is null)
                {
                    return QueueResult.Full;
                }

                var waiting = waiter.Place(place);
                waiting.Hold(segments);
                StandInLine(waiting);
                return QueueResult.Waiting;
            }

            AddCore(segments, outlet);
            becameFull = _pending >= limitBytes;
            if (becameFull)
            {
                LastProgress = outlet.Now;
            }

            schedule = WantsFlush();
        }

        if (becameFull)
        {
            outlet.Watch(owner);
        }

        if (schedule)
        {
            outlet.ScheduleFlush(owner);
        }

        return QueueResult.Accepted;
    }

    /// <summary>Adds what the connection itself has to say, by reference, whatever the limit.</summary>
    public void Add(ReadOnlySpan<Segment> segments, IOutlet outlet, Connection owner)
    {
        bool schedule;
        lock (Gate)
        {
            if (_state != State.Open)
            {
                return;
            }

            AddCore(segments, outlet);
            schedule = WantsFlush();
        }

        if (schedule)
        {
            outlet.ScheduleFlush(owner);
        }
    }

    /// <summary>Adds what the connection itself has to say, by copying, whatever the limit.</summary>
    public void Add(ReadOnlySpan<byte> bytes, IOutlet outlet, Connection owner)
    {
        bool schedule;
        lock (Gate)
        {
            if (_state != State.Open)
            {
                return;
            }

            IsUntouched = false;
            Count(bytes.Length, outlet);
            Copy(bytes);
            schedule = WantsFlush();
        }

        if (schedule)
        {
            outlet.ScheduleFlush(owner);
        }
    }

    /// <summary>
    /// Takes nothing more; what is queued is still sent. Deliveries in line end as not accepted. True if nothing is left to
    /// send.
    /// </summary>
    public bool Complete(IOutlet outlet, Connection owner)
    {
        WaitingDelivery? refused;
        bool empty;
        bool schedule;
        lock (Gate)
        {
            if (_state == State.Open)
            {
                _state = State.Completing;
            }

            _corked = false;

            refused = TakeWaiting();
            empty = _ring.Count == 0 && !_sending;
            schedule = !empty && WantsFlush();
        }

        if (schedule)
        {
            outlet.ScheduleFlush(owner);
        }

        Tell(refused, accepted: false);
        return empty;
    }

    /// <summary>Drops everything, at once.</summary>
    public void Close(IOutlet outlet)
    {
        WaitingDelivery? refused;
        lock (Gate)
        {
            _state = State.Closed;
            refused = TakeWaiting();
            if (!_sending)
            {
                Drop(outlet);
            }
        }

        Tell(refused, accepted: false);
    }

    /// <summary>
    /// When the peer, if it takes nothing until then, is to be cut off; <see cref="long.MaxValue"/> while the queue is not
    /// full, or, with memory low, while it is empty.
    /// </summary>
    public long StallDeadline(long stallMilliseconds)
    {
        lock (Gate)
        {
            bool holdsOthersUp = _pending >= limitBytes || (_pending > 0 && pool.IsLow);
            return holdsOthersUp && _state != State.Closed ? LastProgress + stallMilliseconds : long.MaxValue;
        }
    }

    /// <summary>Whether a thread is sending at this moment: the socket must not be closed under it.</summary>
    public bool IsSending
    {
        get
        {
            lock (Gate)
            {
                return _sending;
            }
        }
    }

    /// <summary>Keeps everything back until <see cref="Uncork"/>. False if something was ever put in. Under <see cref="Gate"/>.</summary>
    public bool TryCork() => _corked = IsUntouched;

    /// <summary>Lets everything out, with these bytes in front. The queue must be corked.</summary>
    public void Uncork(ReadOnlySpan<byte> first, IOutlet outlet, Connection owner)
    {
        bool schedule;
        lock (Gate)
        {
            _corked = false;
            var kept = _ring;
            _ring = default;
            IsUntouched = false;
            Count(first.Length, outlet);
            Copy(first);
            while (kept.Count > 0)
            {
                _ring.Push(kept.Pop());
            }

            kept.Reset();
            schedule = WantsFlush();
        }

        if (schedule)
        {
            outlet.ScheduleFlush(owner);
        }
    }

    /// <summary>The peer takes bytes again.</summary>
    public void Unblock()
    {
        lock (Gate)
        {
            _blocked = false;
        }
    }

    /// <summary>Sends until there is nothing more or the peer takes no more.</summary>
    /// <param name="scheduled">Whether this is the flush that was scheduled, so that another may be.</param>
    public FlushResult Flush(IOutboundSink sink, IOutlet outlet, bool scheduled)
    {
        lock (Gate)
        {
            _flushScheduled &= !scheduled;
            if (_sending || _blocked || _corked || _state == State.Closed || _ring.Count == 0)
            {
                return FlushResult.Nothing;
            }

            _sending = true;
        }

        Span<Segment> batch = outlet.SendScratch.AsSpan(0, MostVectors);
        var result = FlushResult.Nothing;
        for (int sends = 0; result == FlushResult.Nothing; sends++)
        {
            int count = 0;
            lock (Gate)
            {
                while (count < MostVectors && count < _ring.Count)
                {
                    batch[count] = _ring[count];
                    count++;
                }
            }

            long offered = Segment.TotalBytes(batch[..count]);
            long sent = sink.Send(batch[..count], outlet.Counters);
            result = AfterSend(sent, offered, sends, outlet, out var accepted);
            Tell(accepted, accepted: true);
        }

        batch.Clear();
        return result;
    }

    private FlushResult AfterSend(long sent, long offered, int sends, IOutlet outlet, out WaitingDelivery? accepted)
    {
        accepted = null;
        lock (Gate)
        {
            if (_state == State.Closed || sent < 0)
            {
                _sending = false;
                Drop(outlet);
                return sent < 0 ? FlushResult.Broken : FlushResult.Drained;
            }

            if (sent > 0)
            {
                LastProgress = outlet.Now;
                Consume(sent, outlet);
                accepted = TakeAccepted(outlet);
            }

            if (sent < offered)
            {
                // The kernel remembers that we wanted to write, and will report when it can (epoll(7), edge-triggered).
                _blocked = true;
                _sending = false;
                Park();
                return FlushResult.Blocked;
            }

            if (_ring.Count == 0)
            {
                _sending = false;
                _ring.Reset();
                ReleaseTail();
                return _state == State.Completing ? FlushResult.Drained : FlushResult.Sent;
            }

            if (sends >= MostSendsPerFlush)
            {
                _sending = false;
                return _flushScheduled ? FlushResult.Sent : FlushResult.More;
            }

            return FlushResult.Nothing;
        }
    }

    private void StandInLine(WaitingDelivery waiting)
    {
        if (_lastWaiting is null)
        {
            _firstWaiting = waiting;
        }
        else
        {
            _lastWaiting.Next = waiting;
        }

        _lastWaiting = waiting;
    }

    private static void Tell(WaitingDelivery? waiting, bool accepted)
    {
        while (waiting is not null)
        {
            var next = waiting.Next;
            waiting.Next = null;
            waiting.LetGo();
            waiting.Waiter.WaitEnded(waiting, accepted);
            waiting = next;
        }
    }

    private bool WantsFlush()
    {
        if (_sending || _blocked || _corked || _flushScheduled)
        {
            return false;
        }

        return _flushScheduled = true;
    }

    private void AddCore(ReadOnlySpan<Segment> segments, IOutlet outlet)
    {
        foreach (ref readonly var segment in segments)
        {
            IsUntouched = false;
            Count(segment.Length, outlet);
            if (TryExtendLast(segment))
            {
                continue;
            }

            if (_blocked && segment.Length < ParkCopyBytes)
            {
                Copy(segment.Span);
            }
            else
            {
                segment.Block.Retain();
                _ring.Push(segment);
            }
        }
    }

    private void Count(int bytes, IOutlet outlet)
    {
        if (_pending == 0)
        {
            LastProgress = outlet.Now;
        }

        _pending += bytes;
        outlet.Counters.QueuedBytes += bytes;
    }

    private void Copy(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_tail is null || _tailUsed == _tail.Capacity)
            {
                ReleaseTail();
                _tail = pool.Rent(BlockSizes.For(_blocked ? Math.Max(_pending, bytes.Length) : bytes.Length));
            }

            int length = Math.Min(bytes.Length, _tail.Capacity - _tailUsed);
            var copy = new Segment(_tail, _tailUsed, length);
            bytes[..length].CopyTo(copy.Span);
            _tailUsed += length;
            bytes = bytes[length..];
            if (!TryExtendLast(copy))
            {
                _tail.Retain();
                _ring.Push(copy);
            }
        }
    }

    /// <summary>Copies small segments out of the blocks they share with others.</summary>
    private void Park()
    {
        var unparked = _ring;
        _ring = default;
        while (unparked.Count > 0)
        {
            var segment = unparked.Pop();
            if (segment.Length < ParkCopyBytes && !ReferenceEquals(segment.Block, _tail))
            {
                Copy(segment.Span);
                segment.Block.Release();
            }
            else if (TryExtendLast(segment))
            {
                segment.Block.Release();
            }
            else
            {
                _ring.Push(segment);
            }
        }

        unparked.Reset();
    }

    /// <summary>Makes the last segment longer if this one begins where it ends; the reference of the last covers both.</summary>
    private bool TryExtendLast(in Segment segment)
    {
        if (_ring.Count == 0 || !_ring[_ring.Count - 1].Touches(segment))
        {
            return false;
        }

        ref var last = ref _ring[_ring.Count - 1];
        last = last with { Length = last.Length + segment.Length };
        return true;
    }

    private void Consume(long bytes, IOutlet outlet)
    {
        _pending -= bytes;
        outlet.Counters.QueuedBytes -= bytes;
        while (bytes > 0)
        {
            ref var first = ref _ring[0];
            if (first.Length > bytes)
            {
                first = first with { Offset = first.Offset + (int)bytes, Length = first.Length - (int)bytes };
                return;
            }

            bytes -= first.Length;
            _ring.Pop().Block.Release();
        }
    }

    /// <summary>Takes deliveries in line while there is room; returns them, linked.</summary>
    private WaitingDelivery? TakeAccepted(IOutlet outlet)
    {
        var first = _firstWaiting;
        WaitingDelivery? last = null;
        while (_firstWaiting is { } waiting && _pending < limitBytes)
        {
            AddCore(waiting.Segments, outlet);
            last = waiting;
            _firstWaiting = waiting.Next;
        }

        if (_firstWaiting is null)
        {
            _lastWaiting = null;
        }

        if (last is null)
        {
            return null;
        }

        last.Next = null;
        return first;
    }

    private WaitingDelivery? TakeWaiting()
    {
        var first = _firstWaiting;
        _firstWaiting = _lastWaiting = null;
        return first;
    }

    private void Drop(IOutlet outlet)
    {
        while (_ring.Count > 0)
        {
            _ring.Pop().Block.Release();
        }

        _ring.Reset();
        ReleaseTail();
        outlet.Counters.QueuedBytes -= _pending;
        _pending = 0;
    }

    private void ReleaseTail()
    {
        _tail?.Release();
        _tail = null;
        _tailUsed = 0;
    }
}
