using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Transport.Layers;

namespace MessageDelivery.Hub.Transport;

/// <summary>
/// A socket, its receiving and its sending. It belongs to one event loop: everything but the members marked "any thread" is
/// called on that loop's thread. While nothing is under way it holds no buffer.
/// </summary>
internal sealed partial class Connection : WheelEntry, IOutboundSink, IClaimOwner, IPausable
{
    private const int LingerMilliseconds = 2_000;
    private const int ShutdownLingerMilliseconds = 250;
    private const int ProgressChecksPerStall = 8;

    private readonly int _socket;
    private readonly IDescriptorPlace _place;
    private IPlace? _share;
    private IConnectionHandler? _handler;
    private Phase _phase;
    private bool _broken;
    private bool _paused;
    private long _closeDeadline = long.MaxValue;
    private int _posted;
    private int _unacknowledged;
    private bool _watched;
    private PeerLife _life;
    private int _isUntidy;
    private Connection? _nextPosted;
    private Connection? _nextUntidy;

    public Connection(EventLoop loop, int socket, in PeerAddress peer, ulong tag, IDescriptorPlace place)
    {
        Loop = loop;
        _socket = socket;
        Peer = peer;
        Tag = tag;
        _place = place;
        Outbound = new OutboundQueue(loop.Pool, loop.QueueLimitBytes, this);
        OpenedAt = LastReceived = loop.Now;
    }

    private enum Phase : byte
    {
        /// <summary>Receiving and sending.</summary>
        Open,
        /// <summary>Sending what is queued, then closing.</summary>
        Draining,
        /// <summary>Everything is sent. Closing a socket with unread input resets it and takes our last words along, so that input is read and dropped for a while.</summary>
        Lingering,
        /// <summary>Over; the loop closes the socket at the end of its turn.</summary>
        Closed,
    }

    public EventLoop Loop { get; }

    /// <summary>What it has to send. A session that outlives connections brings its own.</summary>
    public OutboundQueue Outbound { get; private set; }

    /// <summary>What epoll reports it as.</summary>
    public ulong Tag { get; }

    public long OpenedAt { get; }

    /// <summary>When bytes last came, or when receiving went on after a pause.</summary>
    public long LastReceived { get; private set; }

    /// <summary>Bytes that have come in all.</summary>
    public long ReceivedBytes { get; private set; }

    /// <summary>When receiving last went on after the hub had stopped it.</summary>
    public long HeldUpUntil { get; private set; }

    /// <summary>The peer sends nothing more, and everything it sent is in front of the handler.</summary>
    public bool InputIsFinal { get; private set; }

    public bool IsOpen => _phase == Phase.Open;

    public bool IsPaused => _paused;

    public CloseReason Reason { get; private set; }

    /// <summary>The conversation; swapped when the first bytes have told which protocol it is.</summary>
    public IConnectionHandler Handler
    {
        get => _handler!;
        set => _handler = value;
    }

    internal bool HasHandler => _handler is not null;

    private long NextProgressCheck => Loop.Now + Math.Max(1, Loop.StallMilliseconds / ProgressChecksPerStall);

    internal ref Connection? NextPosted => ref _nextPosted;

    internal ref Connection? NextUntidy => ref _nextUntidy;

    internal Connection? NextToFlush { get; set; }

    internal bool IsClosed => _phase == Phase.Closed;

    /// <summary>Its conversation takes up a place, until it ends.</summary>
    public void TakeUp(IPlace place) => _share = _share is null ? place : new BothPlaces(_share, place);

    /// <summary>Stops receiving until <see cref="Resume"/>. What is queued is still sent.</summary>
    public void Pause()
    {
        _paused = true;
        _readBytes = MinReadBytes;
    }

    /// <summary>Goes on receiving. Any thread.</summary>
    public void Resume() => Loop.Post(this, LoopWork.Resume);

    public void Send(ReadOnlySpan<byte> bytes) => Outbound.Add(bytes, Loop);

    /// <summary>Sends what is to be the last: nothing is queued behind it. The caller closes.</summary>
    public void SendLast(ReadOnlySpan<byte> bytes) => Outbound.AddLast(bytes, Loop);

    public void Send(ReadOnlySpan<Segment> segments) => Outbound.Add(segments, Loop);

    /// <inheritdoc/>
    public long Send(ReadOnlySpan<Segment> segments, LoopCounters counters)
    {
        long sent;
        if (_tls is not null)
        {
            sent = _tls.Send(_socket, segments, counters);
        }
        else
        {
            sent = StreamSocket.Send(_socket, segments);
            counters.BytesSent += Math.Max(sent, 0);
        }

        _life.NoteSent();
        return sent;
    }

    /// <summary>Sends what is queued. Any loop's thread; <paramref name="running"/> is the one whose it is.</summary>
    internal void Flush(EventLoop running, bool scheduled)
    {
        switch (Outbound.Flush(this, running, scheduled))
        {
            case FlushResult.Drained:
                Loop.Post(this, LoopWork.Drained);
                break;
            case FlushResult.Broken:
                Loop.Post(this, LoopWork.Broken);
                break;
            case FlushResult.More:
                Loop.Post(this, LoopWork.Flush);
                break;
            default:
                break;
        }

        if (Outbound.IsUnparked)
        {
            Loop.WantTidying(this);
        }
    }

    /// <summary>Notes that it keeps small pieces; true if the connection is not in the loop's list of these yet. Any thread.</summary>
    internal bool NoteUntidy() => Volatile.Read(ref _isUntidy) == 0 && Interlocked.Exchange(ref _isUntidy, 1) == 0;

    /// <summary>Copies small pieces together that were sent and are kept; later, if memory is too low for that.</summary>
    internal void Tidy()
    {
        Volatile.Write(ref _isUntidy, 0);
        Outbound.Park();
        if (Outbound.IsUnparked)
        {
            Loop.WantTidying(this);
        }
    }

    /// <summary>Notes work for the loop; true if the connection is not in the loop's list yet. Any thread.</summary>
    internal bool NotePosted(LoopWork work) => Interlocked.Or(ref _posted, (int)work) == 0;

    internal void OnPosted()
    {
        var work = (LoopWork)Interlocked.Exchange(ref _posted, 0);
        if (_phase == Phase.Closed)
        {
            return;
        }

        if (work.HasFlag(LoopWork.Failed))
        {
            Fail();
            return;
        }

        if (work.HasFlag(LoopWork.GiveWay) && _phase != Phase.Open)
        {
            Abort(Reason);
            return;
        }

        if (work.HasFlag(LoopWork.Broken))
        {
            PeerIsGone();
        }

        if (work.HasFlag(LoopWork.ShutDown))
        {
            ShutDown();
        }

        if (work.HasFlag(LoopWork.Tls))
        {
            AttendHandshake();
        }

        if (work.HasFlag(LoopWork.Drained) && _phase == Phase.Draining)
        {
            Linger();
        }

        if (work.HasFlag(LoopWork.HandOver))
        {
            HandOver();
        }

        if (work.HasFlag(LoopWork.Resume) && _paused)
        {
            _paused = false;
            LastReceived = HeldUpUntil = Loop.Now;
            if (_phase == Phase.Open)
            {
                Handler.Resumed();
            }
        }

        if (work.HasFlag(LoopWork.Flush))
        {
            Flush(Loop, scheduled: false);
        }

        if (work.HasFlag(LoopWork.Admitted) && _phase == Phase.Open)
        {
            OnMemoryAvailable();
        }
        else if ((work & (LoopWork.Resume | LoopWork.Receive)) != 0)
        {
            Receive();
        }

        Reschedule();
    }

    /// <summary>Readiness, as epoll reports it.</summary>
    internal void OnReady(uint events)
    {
        if ((events & Libc.EpollOut) != 0)
        {
            if (!_queueIsKept && Outbound.Unblock())
            {
                Flush(Loop, scheduled: false);
            }

            if (_tls is not null)
            {
                WriteReady();
            }
        }

        if ((events & (Libc.EpollIn | Libc.EpollRdHup | Libc.EpollHup | Libc.EpollErr)) != 0)
        {
            _readable = true;
            _inputEnds |= (events & (Libc.EpollRdHup | Libc.EpollHup | Libc.EpollErr)) != 0;
            if ((events & Libc.EpollErr) != 0)
            {
                PeerIsGone();
            }
            else
            {
                Receive();
            }
        }
    }

    internal override void OnDue() => Loop.AttendDeadline(this);

    internal void OnDeadline()
    {
        long now = Loop.Now;
        if (_phase == Phase.Draining && !Loop.IsShuttingDown)
        {
            // A peer that still takes something gets all of it, however long that is.
            NoteProgress(now);
            _closeDeadline = Outbound.LastProgress + Loop.StallMilliseconds;
        }

        if (now >= _closeDeadline)
        {
            Abort(Reason);
            return;
        }

        if (_phase == Phase.Open && HasStalled(now))
        {
            Handler.Stalled();
        }

        if (_phase == Phase.Open && now >= Handler.Deadline)
        {
            Handler.DeadlineReached();
        }

        Reschedule();
    }

    /// <summary>Sees that the loop looks at the connection in time.</summary>
    internal void Reschedule()
    {
        if (_phase == Phase.Closed)
        {
            return;
        }

        long due = _closeDeadline;
        if (_phase == Phase.Open)
        {
            long stall = Outbound.StallDeadline(Loop.StallMilliseconds);
            if (stall != long.MaxValue && !_watched)
            {
                BeginWatch();
                stall = Outbound.StallDeadline(Loop.StallMilliseconds);
            }

            due = Math.Min(Handler.Deadline, stall == long.MaxValue ? stall : Math.Min(stall, NextProgressCheck));
        }
        else if (_phase == Phase.Draining)
        {
            due = Math.Min(due, NextProgressCheck);
        }

        // A deadline that only moved away is found out when the old one comes.
        if (due != long.MaxValue && (Slot == None || due < Due))
        {
            Loop.Deadlines.Set(this, due);
        }
    }
}
