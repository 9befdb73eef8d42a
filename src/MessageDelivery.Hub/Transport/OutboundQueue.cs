using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Transport;

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

    /// <summary>The most segments of one send.</summary>
    public const int MostVectors = 64;

    private const int MostSendsPerFlush = 16;

    private PendingSegments _pending = new(pool);
    private WaitingLine _line;
    private State _state;
    private bool _sending;
    private bool _blocked;
    private bool _becameWritable;
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
    public long PendingBytes => _pending.Bytes;

    /// <summary>Whether deliveries have to wait.</summary>
    public bool IsFull => PendingBytes >= limitBytes;

    /// <summary>Whether nothing was ever put in. Read under <see cref="Gate"/>.</summary>
    public bool IsUntouched { get; private set; } = true;

    /// <summary>When the peer last took something, or the queue began to fill or became full; the loop's milliseconds.</summary>
    public long LastProgress { get; private set; }

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

            if (IsFull)
            {
                if (waiter is null)
                {
                    return QueueResult.Full;
                }

                var waiting = waiter.Place(place);
                waiting.Hold(segments);
                _line.Join(waiting);
                return QueueResult.Waiting;
            }

            Share(segments, outlet);
            becameFull = IsFull;
            LastProgress = becameFull ? outlet.Now : LastProgress;
            schedule = WantsFlush();
        }

        if (becameFull)
        {
            outlet.Watch(owner);
        }

        ScheduleFlush(schedule, outlet, owner);

        return QueueResult.Accepted;
    }

    /// <summary>Adds what the connection itself has to say, by reference, whatever the limit.</summary>
    public void Add(ReadOnlySpan<Segment> segments, IOutlet outlet, Connection owner)
    {
        bool schedule = false;
        lock (Gate)
        {
            if (_state == State.Open)
            {
                Share(segments, outlet);
                schedule = WantsFlush();
            }
        }

        ScheduleFlush(schedule, outlet, owner);
    }

    /// <summary>Adds what the connection itself has to say, by copying, whatever the limit.</summary>
    public void Add(ReadOnlySpan<byte> bytes, IOutlet outlet, Connection owner) => Add(bytes, isLast: false, outlet, owner);

    /// <summary>Adds what the connection has to say at the end: in the same step, nothing more is taken.</summary>
    public void AddLast(ReadOnlySpan<byte> bytes, IOutlet outlet, Connection owner) => Add(bytes, isLast: true, outlet, owner);

    private void Add(ReadOnlySpan<byte> bytes, bool isLast, IOutlet outlet, Connection owner)
    {
        bool schedule = false;
        lock (Gate)
        {
            if (_state == State.Open)
            {
                Begin(bytes.Length, outlet);
                _pending.Copy(bytes);
                _corked &= !isLast;
                _state = isLast ? State.Completing : State.Open;
                schedule = WantsFlush();
            }
        }

        ScheduleFlush(schedule, outlet, owner);
    }

    /// <summary>
    /// Takes nothing more; what is queued is still sent, and deliveries in line end as not accepted. True if nothing is left
    /// to send.
    /// </summary>
    public bool Complete(IOutlet outlet, Connection owner)
    {
        WaitingLine refused;
        bool isEmpty;
        bool schedule;
        lock (Gate)
        {
            _state = _state == State.Open ? State.Completing : _state;
            _corked = false;
            refused = TakeLine();
            isEmpty = _pending.IsEmpty && !_sending;
            schedule = !isEmpty && WantsFlush();
        }

        ScheduleFlush(schedule, outlet, owner);

        refused.Tell(accepted: false);
        return isEmpty;
    }

    /// <summary>Drops everything, at once.</summary>
    public void Close(IOutlet outlet)
    {
        WaitingLine refused;
        lock (Gate)
        {
            _state = State.Closed;
            refused = TakeLine();
            if (!_sending)
            {
                Drop(outlet);
            }
        }

        refused.Tell(accepted: false);
    }

    /// <summary>
    /// When the peer, if it takes nothing until then, is to be cut off; <see cref="long.MaxValue"/> while the queue is not
    /// full, or, with memory short, while it is empty.
    /// </summary>
    public long StallDeadline(long stallMilliseconds)
    {
        lock (Gate)
        {
            bool holdsOthersUp = IsFull || (!_pending.IsEmpty && pool.IsShort);
            return holdsOthersUp && _state != State.Closed ? LastProgress + stallMilliseconds : long.MaxValue;
        }
    }

    /// <summary>The peer has taken something of what the kernel held for it.</summary>
    public void NoteProgress(long now)
    {
        lock (Gate)
        {
            LastProgress = now;
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
            if (_state != State.Open)
            {
                return;
            }

            _corked = false;
            Begin(first.Length, outlet);
            _pending.CopyToFront(first);
            schedule = WantsFlush();
        }

        ScheduleFlush(schedule, outlet, owner);
    }

    /// <summary>The peer takes bytes again. True if there is something that waited for it.</summary>
    public bool Unblock()
    {
        lock (Gate)
        {
            bool wasBlocked = _blocked;
            _blocked = false;
            // The send under way, on another thread, may have found no room a moment before this.
            _becameWritable = _sending;
            return wasBlocked;
        }
    }

    /// <summary>Sends until there is nothing more or the peer takes no more.</summary>
    /// <param name="scheduled">Whether this is the flush that was scheduled, so that another may be.</param>
    public FlushResult Flush(IOutboundSink sink, IOutlet outlet, bool scheduled)
    {
        lock (Gate)
        {
            _flushScheduled &= !scheduled;
            if (_sending || _blocked || _corked || _state == State.Closed || _pending.IsEmpty)
            {
                return FlushResult.Nothing;
            }

            _sending = true;
        }

        FlushResult? result = null;
        for (int sends = 1; result is null; sends++)
        {
            int count;
            lock (Gate)
            {
                _becameWritable = false;
                count = _pending.Peek(outlet.SendScratch);
            }

            var batch = outlet.SendScratch.AsSpan(0, count);
            long offered = Segment.TotalBytes(batch);
            long sent = sink.Send(batch, outlet.Counters);
            batch.Clear();
            result = AfterSend(sent, offered, isLast: sends == MostSendsPerFlush, outlet, out var accepted);
            accepted.Tell(accepted: true);
        }

        return result.Value;
    }

    /// <summary>How the flush ends; null if it goes on.</summary>
    private FlushResult? AfterSend(long sent, long offered, bool isLast, IOutlet outlet, out WaitingLine accepted)
    {
        accepted = default;
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
                outlet.Counters.QueuedBytes -= sent;
                _pending.Consume(sent);
                accepted = _state == State.Open ? TakeAccepted(outlet) : default;
            }

            if (sent < offered && !_becameWritable)
            {
                // The kernel remembers that we wanted to write, and will report when we can (epoll(7), edge-triggered).
                _blocked = true;
                _sending = false;
                _pending.Park(ParkCopyBytes);
                return FlushResult.Blocked;
            }

            if (_pending.IsEmpty)
            {
                _sending = false;
                return _state == State.Completing ? FlushResult.Drained : FlushResult.Sent;
            }

            if (isLast)
            {
                _sending = false;
                return _flushScheduled ? FlushResult.Sent : FlushResult.More;
            }

            return null;
        }
    }

    private static void ScheduleFlush(bool wanted, IOutlet outlet, Connection owner)
    {
        if (wanted)
        {
            outlet.ScheduleFlush(owner);
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

    private void Share(ReadOnlySpan<Segment> segments, IOutlet outlet)
    {
        foreach (ref readonly var segment in segments)
        {
            Begin(segment.Length, outlet);
            if (_blocked && segment.Length < ParkCopyBytes && !pool.IsLow)
            {
                _pending.Copy(segment.Span);
            }
            else
            {
                _pending.Share(segment);
            }
        }
    }

    private void Begin(int bytes, IOutlet outlet)
    {
        IsUntouched = false;
        LastProgress = _pending.IsEmpty ? outlet.Now : LastProgress;
        outlet.Counters.QueuedBytes += bytes;
    }

    /// <summary>Takes deliveries in line while there is room, and returns them.</summary>
    private WaitingLine TakeAccepted(IOutlet outlet)
    {
        var accepted = default(WaitingLine);
        while (_line.First is { } waiting && !IsFull)
        {
            Share(waiting.Segments, outlet);
            _line.MoveFirst(ref accepted);
        }

        return accepted;
    }

    private WaitingLine TakeLine()
    {
        var line = _line;
        _line = default;
        return line;
    }

    private void Drop(IOutlet outlet)
    {
        outlet.Counters.QueuedBytes -= _pending.Bytes;
        _pending.Clear();
    }
}
