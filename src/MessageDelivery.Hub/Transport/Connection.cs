using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Transport.Layers;

namespace MessageDelivery.Hub.Transport;

/// <summary>
/// A peer's connection: a layer of bytes, what is received, what is to be sent, and what is spoken on it. It belongs to one event loop:
/// everything but the members marked "any thread" is called on that loop's thread. While nothing is under way it holds no buffer.
/// </summary>
internal sealed class Connection : LoopEntry, IOutboundSink, IPausable
{
    private IProtocol? _handler;
    private ReceiveWindow _input;
    private ConnectionLifetime _lifetime;
    private ConnectionDeadlines _deadlines;
    private int _isUntidy;

    /// <param name="layer">Its bytes; the connection's from now on.</param>
    /// <param name="slot">What it takes up as long as it has its descriptor.</param>
    /// <param name="peer">Who is at the other end.</param>
    public Connection(ConnectionHost host, ByteLayer layer, IConnectionSlot slot, PeerAddress peer)
        : base(host.Loop)
    {
        Host = host;
        Layer = layer;
        Peer = peer;
        _lifetime = new(this, slot);
        OpenedAt = Loop.Now;
        _input = new(this);
        Outbound = new(Loop.Pool, host.Settings.QueueLimitBytes, this);
    }

    public ConnectionHost Host { get; }

    /// <summary>Its bytes. One that is laid over it takes its place.</summary>
    public ByteLayer Layer { get; set; }

    /// <summary>What is received.</summary>
    public ref ReceiveWindow Input => ref _input;

    /// <summary>What it has to send. A session that outlives connections brings its own.</summary>
    public OutboundQueue Outbound { get; internal set; }

    /// <summary>How it ends.</summary>
    public ref ConnectionLifetime Lifetime => ref _lifetime;

    public long OpenedAt { get; }

    /// <summary>The peer's address and port, as it was accepted, or as a trusted proxy tells them.</summary>
    public PeerAddress Peer { get; set; }

    /// <summary>What it speaks, once that is known.</summary>
    public string? Protocol { get; set; }

    /// <summary>Who it has proved to be; null is nobody in particular.</summary>
    public string? Subject { get; set; }

    public CloseReason Reason => Lifetime.Reason;

    public bool IsOpen => Lifetime.Phase == ConnectionPhase.Open;

    public bool IsClosed => Lifetime.Phase == ConnectionPhase.Closed;

    /// <summary>Whether the peer is gone.</summary>
    public bool IsBroken => Lifetime.IsBroken;

    public bool IsPaused { get; private set; }

    /// <summary>The conversation; swapped when the first bytes have told which protocol it is.</summary>
    public IProtocol Handler
    {
        get => _handler!;
        set => _handler = value;
    }

    internal bool HasHandler => _handler is not null;

    /// <inheritdoc/>
    internal override (int Descriptor, uint Events) Watched => (Layer.Descriptor, ConnectionHost.SocketEvents);

    /// <summary>Its conversation takes up a slot of some quota, until it ends.</summary>
    public void TakeUp(ISlot slot) => Lifetime.TakeUp(slot);

    /// <summary>Stops receiving until <see cref="Resume"/>. What is queued is still sent.</summary>
    public void Pause()
    {
        IsPaused = true;
        Input.NotePause();
    }

    /// <summary>Goes on receiving. Any thread.</summary>
    public void Resume() => Post(ConnectionWork.Resume);

    /// <summary>Leaves work for its loop. Any thread.</summary>
    public void Post(ConnectionWork work) => base.Post((int)work);

    public void Send(ReadOnlySpan<byte> bytes) => Outbound.Add(bytes, Loop);

    public void Send(ReadOnlySpan<Segment> segments) => Outbound.Add(segments, Loop);

    /// <summary>Sends what is to be the last: nothing is queued behind it. The caller closes.</summary>
    public void SendLast(ReadOnlySpan<byte> bytes) => Outbound.AddLast(bytes, Loop);

    /// <inheritdoc/>
    bool IOutboundSink.HasToSay => Layer.HasToSay;

    /// <inheritdoc/>
    long IOutboundSink.Send(ReadOnlySpan<Segment> segments, LoopCounters counters) => Layer.Send(segments, counters);

    /// <summary>Where epoll watches nothing, the layer tells what happens.</summary>
    public void BeginReceiving()
    {
        if (Layer.Descriptor < 0)
        {
            Layer.Attach(() => Post(ConnectionWork.Readable), () => Post(ConnectionWork.Writable));
            Post(ConnectionWork.Readable);
        }
    }

    /// <summary>A layer that was being set up brings what is inside from now on.</summary>
    public void LayerIsReady()
    {
        Input.NoteReady(isEnd: false);
        if (Outbound.Unblock())
        {
            Flush(Loop, scheduled: false);
        }

        Receive();
    }

    /// <summary>Takes nothing more from the peer, sends what is queued and then the last words, and closes.</summary>
    public void Close(CloseReason reason, ReadOnlySpan<byte> lastWords = default) => Lifetime.Close(reason, lastWords);

    /// <summary>Closes at once; what is queued is dropped.</summary>
    public void Abort(CloseReason reason) => Lifetime.Abort(reason);

    /// <summary>Ends for the memory it holds. Here, since a delegate of a struct's method works on a copy of the struct.</summary>
    public void GiveUp() => Lifetime.GiveUp();

    /// <summary>The connection broke.</summary>
    public void PeerIsGone() => Lifetime.Break();

    /// <summary>Takes another queue in place of its own, such as that of a session whose connection is lost. Who brings it lets it out.</summary>
    public void Adopt(OutboundQueue queue)
    {
        Outbound.Close(Loop);
        Outbound = queue;
    }

    /// <inheritdoc/>
    internal override void FailSoon(Exception exception)
    {
        base.FailSoon(exception);
        Post(ConnectionWork.Failed);
    }

    /// <inheritdoc/>
    internal override void Watch() => Post(ConnectionWork.Reschedule);

    /// <summary>From now on the peer has to take something.</summary>
    public void BeginWatch() => _deadlines.BeginWatch(this);

    /// <summary>Receives what is there, or drops it.</summary>
    public void Receive(bool isPutOff = false)
    {
        if (Lifetime.Phase == ConnectionPhase.Lingering)
        {
            Lifetime.Closing!.DropInput();
            return;
        }

        Input.Receive(isPutOff);
        if (Layer.HasToSay && IsOpen)
        {
            Flush(Loop, scheduled: false);
        }

        Reschedule();
    }

    /// <summary>Sends what is queued. Any loop's thread; <paramref name="running"/> is the one whose it is.</summary>
    public void Flush(EventLoop running, bool scheduled)
    {
        switch (Outbound.Flush(this, running, scheduled))
        {
            case FlushResult.Drained:
                Post(ConnectionWork.Drained);
                break;
            case FlushResult.Broken:
            case FlushResult.Blocked when Layer.IsBroken:
                Post(ConnectionWork.Broken);
                break;
            case FlushResult.More:
            case FlushResult.Nothing when Layer.HasToSay && Outbound.IsSendingOn(this):
                Post(ConnectionWork.Flush);
                break;
            default:
                break;
        }

        WantTidyingIfUnparked();
    }

    /// <summary>Sees that the loop looks at the connection in time.</summary>
    public void Reschedule() => _deadlines.Reschedule(this);

    /// <inheritdoc/>
    internal override void OnFlush(EventLoop running) => Flush(running, scheduled: true);

    /// <inheritdoc/>
    internal override void OnMemoryAvailable()
    {
        Input.NoteMemory();
        Receive();
        Reschedule();
    }

    /// <summary>Copies small pieces together that were sent and are kept; later, if memory is too low for that.</summary>
    internal override void OnHousekeeping()
    {
        Volatile.Write(ref _isUntidy, 0);
        Outbound.Park();
        WantTidyingIfUnparked();
    }

    /// <inheritdoc/>
    internal override void OnReady(uint events)
    {
        if ((events & Libc.EpollOut) != 0)
        {
            OnWritable();
        }

        if ((events & Libc.EpollErr) != 0)
        {
            Input.NoteReady(isEnd: true);
            PeerIsGone();
        }
        else if ((events & (Libc.EpollIn | Libc.EpollRdHup | Libc.EpollHup)) != 0)
        {
            Input.NoteReady((events & (Libc.EpollRdHup | Libc.EpollHup)) != 0);
            Receive();
        }
    }

    /// <inheritdoc/>
    internal override void OnPutOff() => Receive(isPutOff: true);

    /// <inheritdoc/>
    internal override void OnDue() => _deadlines.OnDue(this);

    /// <summary>A failure while another loop was sending on it is left to its own. Any thread; does not throw.</summary>
    internal override void Fail()
    {
        if (Loop.IsCurrent)
        {
            Lifetime.Fail();
        }
        else
        {
            Post(ConnectionWork.Failed);
        }
    }

    /// <inheritdoc/>
    internal override bool TryClose()
    {
        if (Outbound.IsSendingOn(this))
        {
            return false;
        }

        Loop.Counters.Connections--;
        Lifetime.CloseLayer();
        return true;
    }

    /// <inheritdoc/>
    protected override void OnPosted(int work)
    {
        var posted = (ConnectionWork)work;
        if (IsClosed)
        {
            return;
        }

        if (posted.HasFlag(ConnectionWork.Failed))
        {
            Fail();
            return;
        }

        if (posted.HasFlag(ConnectionWork.GiveWay) && !IsOpen)
        {
            Abort(Reason);
            return;
        }

        RunOwnWork(posted);
        RunInputWork(posted);
        Reschedule();
    }

    private void RunOwnWork(ConnectionWork posted)
    {
        if (posted.HasFlag(ConnectionWork.Untidy))
        {
            Loop.AwaitHousekeeping(this);
        }

        if (posted.HasFlag(ConnectionWork.Broken) || (posted.HasFlag(ConnectionWork.Layer) && !Layer.OnPosted(Loop.Counters)))
        {
            PeerIsGone();
        }

        if (posted.HasFlag(ConnectionWork.ShutDown))
        {
            Lifetime.ShutDown();
        }

        if (posted.HasFlag(ConnectionWork.Writable))
        {
            OnWritable();
        }

        if (posted.HasFlag(ConnectionWork.Drained))
        {
            Lifetime.Closing?.Linger();
        }

        if (posted.HasFlag(ConnectionWork.HandOver) && Lifetime.IsHandingOver)
        {
            Lifetime.Closing!.HandOver();
        }
    }

    private void RunInputWork(ConnectionWork posted)
    {
        if (posted.HasFlag(ConnectionWork.Resume) && IsPaused)
        {
            IsPaused = false;
            Input.NoteHeldUp();
            if (IsOpen)
            {
                Handler.Resumed();
            }
        }

        if (posted.HasFlag(ConnectionWork.Flush))
        {
            Flush(Loop, scheduled: false);
        }

        if (posted.HasFlag(ConnectionWork.Readable))
        {
            Input.NoteReady(isEnd: false);
        }

        if (posted.HasFlag(ConnectionWork.ClaimGranted) && IsOpen)
        {
            OnMemoryAvailable();
        }
        else if ((posted & (ConnectionWork.Resume | ConnectionWork.Receive | ConnectionWork.Readable)) != 0)
        {
            Receive();
        }
    }

    private void OnWritable()
    {
        if (!Lifetime.QueueIsKept && (Outbound.Unblock() || Layer.HasToSay))
        {
            Flush(Loop, scheduled: false);
        }

        if (!IsClosed && !Layer.OnWritable(Loop.Counters))
        {
            PeerIsGone();
        }

        // What the layer had to say at the end may have waited for room.
        if (Lifetime.Closing is { IsFinishing: true } closing)
        {
            closing.Linger();
            Reschedule();
        }
    }

    private void WantTidyingIfUnparked()
    {
        if (Outbound.IsUnparked && Volatile.Read(ref _isUntidy) == 0 && Interlocked.Exchange(ref _isUntidy, 1) == 0)
        {
            Post(ConnectionWork.Untidy);
        }
    }
}
