using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Outbound;

/// <summary>
/// What a connection has yet to send, in order and bounded. Any thread may add and flush; one at a time sends. The lock is
/// held for bookkeeping only, never while sending or calling back; inside it only the pool's lock is taken.
/// </summary>
/// <remarks>
/// A full queue keeps what senders have for it in line and takes it as soon as there is room, first come, first served.
/// While the peer does not take what is sent, small segments are copied together ("copy on park"), so that a slow receiver
/// does not pin whole receive blocks for small messages.
/// </remarks>
internal sealed partial class OutboundQueue
{
    /// <summary>Segments below this are copied while the peer is not taking what is sent. See docs/adr/0003.</summary>
    public const int ParkCopyBytes = 16 << 10;

    private const int MaxSendsPerFlush = 16;

    private readonly BlockPool _pool;
    private readonly QueueLimit _limit;
    private PendingSegments _pending;
    private CopyBlocks _copies;
    private WaitingLine _line;
    private LoopEntry? _owner;
    private IOutboundSink? _sendingOn;
    private State _state;
    private bool _blocked;
    private bool _becameWritable;
    private bool _flushScheduled;
    private bool _corked;

    /// <param name="pool">Where copies go.</param>
    /// <param name="limitBytes">Bytes at which it is full.</param>
    /// <param name="owner">The connection it is sent on.</param>
    public OutboundQueue(BlockPool pool, long limitBytes, LoopEntry? owner)
    {
        _pool = pool;
        _limit = new(limitBytes, pool.LimitBytes);
        _copies = new(pool);
        _owner = owner;
    }

    private enum State : byte
    {
        Open,
        Completing,
        /// <summary>There is no connection, but there may be one again.</summary>
        Away,
        Closed,
    }

    /// <summary>The queue's lock, for those who must look and add as one step. A leaf.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Bytes queued and not yet taken by the kernel.</summary>
    public long PendingBytes => _pending.Bytes;

    /// <summary>The same, those that are kept until the peer has acknowledged them, and what is kept for those who wait for that.</summary>
    public long HeldBytes => _pending.Bytes + (_retained is { } retained ? retained.Bytes + retained.AwaitedBytes : 0);

    /// <summary>Bytes that were ever copied to be held.</summary>
    public long CopiedBytes => _copies.TotalBytes;

    /// <summary>Whether deliveries have to wait.</summary>
    public bool IsFull => _limit.IsMet(PendingBytes, HeldBytes, _isUnheard);

    /// <summary>Whether nothing was ever put in. Read under <see cref="Gate"/>.</summary>
    public bool IsUntouched { get; private set; } = true;

    /// <summary>When the peer last took something, or the queue began to fill or became full; the loop's milliseconds.</summary>
    public long LastProgress { get; private set; }

    private bool IsSending => _sendingOn is not null;

    /// <summary>Whether a thread is sending on it at this moment: the socket must not be closed under it.</summary>
    public bool IsSendingOn(IOutboundSink sink)
    {
        lock (Gate)
        {
            return ReferenceEquals(_sendingOn, sink);
        }
    }

    /// <summary>Adds a delivery, unless the queue is full.</summary>
    /// <param name="units">How many the peer counts it as.</param>
    /// <param name="acknowledgement">Who wants to know when the peer has acknowledged it, if it does so.</param>
    /// <param name="waiter">Who waits if it is full; null if nobody is to wait.</param>
    /// <param name="place">Which of the waiters' deliveries this is.</param>
    /// <param name="outlet">Whose thread this is: it flushes at the end of its turn.</param>
    public QueueResult TryAdd(
        ReadOnlySpan<Segment> segments, int units, IAcknowledgementWaiter? acknowledgement, IDeliveryWaiter? waiter, int place, IOutlet outlet)
    {
        bool schedule;
        bool becameFull;
        LoopEntry? owner;
        lock (Gate)
        {
            if (_state != State.Open)
            {
                return _state == State.Away ? Hold(segments, units, acknowledgement, place, outlet) : QueueResult.Closed;
            }

            if (IsFull)
            {
                if (waiter is null)
                {
                    return QueueResult.Full;
                }

                var waiting = waiter.Place(place);
                waiting.Hold(segments, units, acknowledgement);
                _line.Join(waiting);
                return QueueResult.Waiting;
            }

            Share(segments, units, acknowledgement, place, outlet);
            becameFull = IsFull;
            LastProgress = becameFull ? outlet.Now : LastProgress;
            schedule = WantsFlush();
            owner = _owner;
        }

        if (becameFull)
        {
            outlet.Watch(owner!);
        }

        ScheduleFlush(schedule, outlet, owner);
        return QueueResult.Accepted;
    }

    /// <summary>Adds what the connection itself has to say, by reference, whatever the limit. The peer does not count it.</summary>
    public void Add(ReadOnlySpan<Segment> segments, IOutlet outlet)
    {
        bool schedule = false;
        LoopEntry? owner;
        lock (Gate)
        {
            owner = _owner;
            if (_state == State.Open)
            {
                Share(segments, QueuedSegment.Uncounted, null, 0, outlet);
                schedule = WantsFlush();
            }
        }

        ScheduleFlush(schedule, outlet, owner);
    }

    /// <summary>Adds what the connection itself has to say, by copying, whatever the limit. The peer does not count it.</summary>
    public void Add(ReadOnlySpan<byte> bytes, IOutlet outlet) => Add(bytes, isLast: false, outlet);

    /// <summary>Adds what the connection has to say at the end: in the same step, nothing more is taken.</summary>
    public void AddLast(ReadOnlySpan<byte> bytes, IOutlet outlet) => Add(bytes, isLast: true, outlet);

    private void Add(ReadOnlySpan<byte> bytes, bool isLast, IOutlet outlet)
    {
        bool schedule = false;
        LoopEntry? owner;
        lock (Gate)
        {
            owner = _owner;
            if (_state == State.Open)
            {
                Begin(bytes.Length, outlet);
                try
                {
                    _pending.Copy(bytes, QueuedSegment.Uncounted, ref _copies);
                }
                catch (Exception exception)
                {
                    Tear(exception);
                }

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
    public bool Complete(IOutlet outlet)
    {
        WaitingLine refused;
        LoopEntry? owner;
        bool isEmpty;
        bool schedule;
        lock (Gate)
        {
            _state = _state == State.Open ? State.Completing : _state;
            _corked = false;
            owner = _owner;
            refused = TakeLine();
            _retained?.Awaited?.End();
            isEmpty = _pending.IsEmpty && !IsSending;
            schedule = !isEmpty && WantsFlush();
        }

        ScheduleFlush(schedule, outlet, owner);
        refused.Tell(QueueResult.Closed);
        _retained?.Awaited?.Tell(outlet);
        return isEmpty;
    }

    /// <summary>Drops everything, at once.</summary>
    public void Close(IOutlet outlet)
    {
        WaitingLine refused;
        lock (Gate)
        {
            refused = TakeLine();
            CloseCore(outlet);
        }

        refused.Tell(QueueResult.Closed);
        _retained?.Awaited?.Tell(outlet);
    }

    /// <summary>
    /// When the peer, if it takes nothing until then, is to be cut off; <see cref="long.MaxValue"/> while the queue is not
    /// full, or, with memory short, while it is empty.
    /// </summary>
    public long StallDeadline(long stallMilliseconds)
    {
        lock (Gate)
        {
            bool holdsOthersUp = IsFull || (HeldBytes > 0 && _pool.IsShort);
            return holdsOthersUp && _state is State.Open or State.Completing ? LastProgress + stallMilliseconds : long.MaxValue;
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
    public void Uncork(ReadOnlySpan<byte> first, IOutlet outlet)
    {
        bool schedule;
        LoopEntry? owner;
        lock (Gate)
        {
            if (_state != State.Open)
            {
                return;
            }

            owner = _owner;
            _corked = false;
            Begin(first.Length, outlet);
            try
            {
                _pending.CopyToFront(first, ref _copies);
            }
            catch (Exception exception)
            {
                Tear(exception);
            }

            schedule = WantsFlush();
        }

        ScheduleFlush(schedule, outlet, owner);
    }

    private static void ScheduleFlush(bool wanted, IOutlet outlet, LoopEntry? owner)
    {
        if (wanted)
        {
            outlet.ScheduleFlush(owner!);
        }
    }

    private bool WantsFlush()
    {
        if (IsSending || _blocked || _corked || _flushScheduled)
        {
            return false;
        }

        return _flushScheduled = true;
    }

    private void Share(
        ReadOnlySpan<Segment> segments, int units, IAcknowledgementWaiter? acknowledgement, int place, IOutlet outlet)
    {
        // While it is corked it is not known yet whether the peer counts.
        bool isCounted = units > 0 && (_retained is not null || _corked);
        if (isCounted)
        {
            _retained?.CountQueued(units, acknowledgement, place);
        }

        try
        {
            ShareCore(segments, isCounted ? units : QueuedSegment.Uncounted, outlet);
        }
        catch (Exception exception)
        {
            // The sender has done nothing wrong, and the receiver must not get a part of it.
            Tear(exception);
        }
    }

    private void ShareCore(ReadOnlySpan<Segment> segments, int units, IOutlet outlet)
    {
        bool park = (_blocked || _state == State.Away) && !_pool.IsLow;
        for (int i = 0; i < segments.Length; i++)
        {
            ref readonly var segment = ref segments[i];
            int unitsHere = units == QueuedSegment.Uncounted || i == segments.Length - 1 ? units : 0;
            Begin(segment.Length, outlet);
            if (park && segment.Length < ParkCopyBytes)
            {
                _pending.Copy(segment.Span, unitsHere, ref _copies);
            }
            else
            {
                _pending.Share(segment, unitsHere, ref _copies);
            }
        }
    }

    private void Begin(int bytes, IOutlet outlet)
    {
        IsUntouched = false;
        LastProgress = _pending.IsEmpty ? outlet.Now : LastProgress;
        outlet.Counters.QueuedBytes += bytes;
    }

    private void CloseCore(IOutlet outlet)
    {
        _state = State.Closed;
        if (!IsSending)
        {
            Drop(outlet);
        }

        _retained?.Awaited?.End();
    }

    private void Drop(IOutlet outlet)
    {
        outlet.Counters.QueuedBytes -= _pending.Bytes;
        outlet.Counters.RetainedBytes -= _retained?.Bytes ?? 0;
        _pending.Clear();
        _retained?.Clear();
        _copies.LetGo();
    }

    /// <summary>A quiet connection holds no block for copies.</summary>
    private void LetGoOfCopiesIfUnused()
    {
        if (_pending.IsEmpty)
        {
            _copies.LetGoIfUnused();
        }
    }
}
