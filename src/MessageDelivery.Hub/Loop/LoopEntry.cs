namespace MessageDelivery.Hub.Loop;

/// <summary>
/// What an event loop looks after: a connection, a listener. It belongs to one loop, on whose thread all members are called but those
/// that say otherwise. What throws is failed by <see cref="Fail"/>, and the loop goes on.
/// </summary>
internal abstract class LoopEntry(EventLoop loop) : WheelEntry
{
    private int _posted;
    private uint _ready;
    private RecentUse _use;
    private LoopEntry? _nextPosted;
    private LoopEntry? _nextToFlush;
    private LoopEntry? _nextReady;

    public EventLoop Loop => loop;

    /// <summary>What epoll reports it as; 0 until the loop has it.</summary>
    internal ulong Tag { get; set; }

    /// <summary>How much of its loop it has used lately. The loop's thread.</summary>
    internal ref RecentUse Use => ref _use;

    /// <summary>Whether it has used so much that looks pass it over.</summary>
    internal bool IsAside { get; set; }

    /// <summary>What epoll watches, and for what; negative if it is not one that may be set aside.</summary>
    internal virtual (int Descriptor, uint Events) Watched => (-1, 0);

    internal ref LoopEntry? NextToFlush => ref _nextToFlush;

    internal ref LoopEntry? NextReady => ref _nextReady;

    internal ref LoopEntry? NextPosted => ref _nextPosted;

    /// <summary>Leaves work for it, as bits whose meaning is its own. Any thread.</summary>
    protected void Post(int work)
    {
        if (NotePosted(work))
        {
            loop.Post(this);
        }
    }

    /// <summary>Notes work; true if it is not in the loop's mailbox yet. Any thread.</summary>
    internal bool NotePosted(int work) => Interlocked.Or(ref _posted, work) == 0;

    /// <summary>Notes what epoll has reported; true if nothing was noted before. The loop's thread.</summary>
    internal bool NoteReady(uint events)
    {
        uint before = _ready;
        _ready |= events;
        return before == 0;
    }

    internal void RunReady()
    {
        uint events = _ready;
        _ready = 0;
        // It may have ended since: then its descriptor is somebody else's.
        if (ReferenceEquals(loop.Entries.Find(Tag), this))
        {
            OnReady(events);
        }
    }

    internal void RunPosted() => OnPosted(Interlocked.Exchange(ref _posted, 0));

    /// <summary>Its descriptor is ready, as epoll reports it.</summary>
    internal virtual void OnReady(uint events)
    {
    }

    /// <summary>Work was left for it.</summary>
    protected virtual void OnPosted(int work)
    {
    }

    /// <summary>What stood in its way when <see cref="EventLoop.PutsOff"/> was asked has been sent.</summary>
    internal virtual void OnPutOff()
    {
    }

    /// <summary>The turn ends that wanted it flushed. Any loop's thread.</summary>
    internal virtual void OnFlush(EventLoop running)
    {
    }

    /// <inheritdoc/>
    internal override void OnDue()
    {
    }

    /// <summary>There is memory again (<see cref="EventLoop.AwaitMemory"/>).</summary>
    internal virtual void OnMemoryAvailable()
    {
    }

    /// <summary>The loop has time for what need not be done at once (<see cref="EventLoop.AwaitHousekeeping"/>).</summary>
    internal virtual void OnHousekeeping()
    {
    }

    /// <summary>Its queue is full from now on: see that it moves. Any thread.</summary>
    internal virtual void Watch()
    {
    }

    /// <summary>Ends it at the end of the turn: a defect showed in what it has queued. Any thread; does not throw.</summary>
    internal virtual void FailSoon(Exception exception) => loop.NoteFailure(exception);

    /// <summary>It has failed and ends. Any thread; does not throw.</summary>
    internal abstract void Fail();

    /// <summary>It was released: closes its descriptor. False while another thread uses that; asked again in the next turn.</summary>
    internal abstract bool TryClose();
}
