using System.Collections.Concurrent;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Outside;
using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Loop;

/// <summary>
/// One thread that moves the bytes of its connections. A turn: take what epoll reports, receive and route it, do what other
/// threads posted, look at due deadlines, and last send, once for each connection that has something to send, however many
/// others it came from. Nothing on this thread blocks but the wait for events.
/// </summary>
internal sealed partial class EventLoop : IOutlet, IMemoryWaiter, IDisposable
{
    // Edges: where a closed socket's duplicate lives on, as in a child that is being started, its events are no more than noise.
    private const uint SocketEvents = Libc.EpollIn | Libc.EpollOut | Libc.EpollRdHup | Libc.EpollEdge;
    private const ulong ListenerBit = 1UL << 63;
    private const long HousekeepingMilliseconds = 1_000;

    // Turns that fail one after the other before the loop gives up: what fails in a turn is caught where it is one connection's.
    private const int MaxFailures = 16;

    // See docs/adr/0006.
    private const int MinBytesPerSend = 8 << 10;
    private const int MaxGatheredBytes = 1 << 20;

    private readonly Epoll _epoll = new();
    private readonly Thread _thread;
    private int _threadId;
    private readonly HubClock _clock;
    private readonly ILoopEvents _events;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConnectionTable _connections = new();
    private readonly List<Listener> _listeners = [];
    private readonly ConcurrentQueue<Action> _calls = new();
    private readonly List<Connection> _starved = [];
    private readonly List<Connection> _closed = [];
    private readonly VanishedPeers? _vanished;
    private readonly SlicedWork _unfinished = new();
    private Mailbox<PostedLink> _mailbox;
    private Mailbox<UntidyLink> _untidy;
    private FlushList _toFlush;
    private int _gatheredBytes;
    private int _memoryAvailable;
    private int _awake = 1;
    private long _nextHousekeeping;
    private long _shortSince = long.MaxValue;
    private bool _stopping;
    private bool _hasEnded;

    public EventLoop(int number, BlockPool pool, EventLoopSettings settings, TimeProvider time, ILoopEvents events, OutsideFailures? failures = null)
    {
        Pool = pool;
        Settings = settings;
        _clock = new(time, failures, Wake);
        _events = events;
        ReceiveBuffer = new BumpBuffer(pool);
        CopyBuffer = new BumpBuffer(pool);
        UpdateNow();
        Deadlines = new TimingWheel(Now);
        _vanished = settings.KeepAliveMilliseconds > 0 ? new(this, _connections, settings.KeepAliveMilliseconds) : null;
        pool.AddWaiter(this);
        _thread = new Thread(Run, ThreadStack.Bytes) { IsBackground = true, Name = $"hub loop {number}" };
        _threadId = _thread.ManagedThreadId;
    }

    public BlockPool Pool { get; }

    public EventLoopSettings Settings { get; }

    public long QueueLimitBytes => Settings.QueueLimitBytes;

    public long StallMilliseconds => Settings.StallMilliseconds;

    public long DrainMilliseconds => Settings.DrainMilliseconds;

    public long Now { get; private set; }

    public LoopCounters Counters { get; } = new();

    public Segment[] SendScratch { get; } = new Segment[OutboundQueue.MaxVectors];

    /// <summary>What is received, by all connections of this loop one after the other.</summary>
    public BumpBuffer ReceiveBuffer { get; }

    /// <summary>What is copied together for several receivers.</summary>
    public BumpBuffer CopyBuffer { get; }

    /// <summary>Whether this is the loop's thread.</summary>
    public bool IsCurrent => Environment.CurrentManagedThreadId == _threadId;

    public bool IsShuttingDown { get; private set; }

    internal TimingWheel Deadlines { get; }

    /// <summary>Lets go of what a failure has left half-made of what the loop's connections share; null for nothing.</summary>
    internal Action? DropUnfinished { get; set; }

    /// <summary>What is kept for peers that were last on this loop and are away. The loop's thread.</summary>
    internal HashSet<IBacklog> Backlogs { get; } = [];

    /// <summary>Completes when the thread has ended.</summary>
    public Task Ended => _ended.Task;

    public bool IsStarted { get; private set; }

    public void Start()
    {
        _thread.Start();
        IsStarted = true;
    }

    /// <summary>Runs something on the loop's thread, soon. Any thread.</summary>
    public void Call(Action action)
    {
        _calls.Enqueue(action);
        Wake();
    }

    /// <summary>The same on behalf of a connection of this loop, which is closed if it fails. Any thread.</summary>
    public void Call(Connection connection, Action action) => Call(() => Attend(connection, action));

    /// <summary>Makes a connection of an accepted socket, which takes up <paramref name="place"/>. Any thread.</summary>
    public void Adopt(int socket, PeerAddress peer, IDescriptorPlace place, Func<Connection, IConnectionHandler> converse)
    {
        if (IsCurrent)
        {
            AdoptHere(socket, peer, place, converse);
        }
        else
        {
            Call(() => AdoptHere(socket, peer, place, converse));
        }
    }

    /// <summary>Accepts on this loop. The loop's thread.</summary>
    public void Listen(Listener listener)
    {
        _listeners.Add(listener);
        _epoll.Add(listener.Descriptor, Libc.EpollIn, ListenerBit | (uint)(_listeners.Count - 1));
    }

    /// <summary>Accepts nobody any more. Any thread; completes when it is so.</summary>
    public Task StopListeningAsync()
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Call(() =>
        {
            try
            {
                foreach (var listener in _listeners)
                {
                    // A service manager keeps the sockets that it has passed.
                    _epoll.Remove(listener.Descriptor);
                    listener.Dispose();
                }
            }
            finally
            {
                done.SetResult();
            }
        });
        return Task.WhenAny(done.Task, Ended);
    }

    /// <summary>Lets every connection say goodbye. The loop's thread.</summary>
    public void ShutDown()
    {
        IsShuttingDown = true;
        foreach (var connection in _connections)
        {
            Post(connection, LoopWork.ShutDown);
        }

        _stopping = true;
    }

    /// <summary>Closes every connection at once. The loop's thread.</summary>
    public void AbortAll()
    {
        foreach (var connection in _connections)
        {
            Attend(connection, () => connection.Abort(CloseReason.ShuttingDown));
        }
    }

    /// <summary>Leaves work for a connection of this loop. Any thread.</summary>
    public void Post(Connection connection, LoopWork work)
    {
        if (!connection.NotePosted(work))
        {
            return;
        }

        _mailbox.Put(connection);
        Wake();
    }

    public void ScheduleFlush(Connection connection) => _toFlush.Add(connection);

    public void Watch(Connection connection) => connection.Loop.Post(connection, LoopWork.Reschedule);

    public void DoLater(ISlicedWork work)
    {
        _unfinished.Add(work);
        if (_hasEnded)
        {
            _unfinished.RunAll(this);
        }
    }

    public void MemoryLow() => Wake();

    public void MemoryAvailable()
    {
        Volatile.Write(ref _memoryAvailable, 1);
        Wake();
    }

    /// <summary>
    /// Makes room to receive into. What is ready is sent first, since that may free the block in use; but not while it is
    /// little for each receiver, since a send costs as much as dozens of small messages.
    /// </summary>
    internal bool TryReserveReceiveBuffer(int bytes)
    {
        if (ReceiveBuffer.IsExhausted(bytes))
        {
            _gatheredBytes += BlockSizes.LargeBytes;
            bool pays = _gatheredBytes >= Math.Min(MaxGatheredBytes, (long)_toFlush.Count * MinBytesPerSend);
            if (pays || Pool.IsScarce)
            {
                FlushTouched();
            }
        }

        return ReceiveBuffer.TryReserve(bytes);
    }

    /// <summary>A connection of this loop keeps small pieces of what was received: see to it within a second. Any thread.</summary>
    internal void WantTidying(Connection connection)
    {
        if (connection.NoteUntidy() && _untidy.Put(connection))
        {
            Wake();
        }
    }

    internal void AddStarved(Connection connection)
    {
        _starved.Add(connection);
        if (!Pool.AwaitMemory())
        {
            _memoryAvailable = 1;
        }
    }

    /// <summary>The connection is over: close its socket when the turn ends and nobody sends on it.</summary>
    internal void Release(Connection connection)
    {
        _closed.Add(connection);
        Deadlines.Remove(connection);
    }

    public void Dispose()
    {
        _clock.Stop();
        _epoll.Dispose();
    }

    private void AdoptHere(int socket, PeerAddress peer, IDescriptorPlace place, Func<Connection, IConnectionHandler> converse)
    {
        Connection? connection = null;
        try
        {
            connection = _connections.Add(tag => new Connection(this, socket, peer, tag, place));
            if (!_stopping && _epoll.TryAdd(socket, SocketEvents, connection.Tag))
            {
                // Closing it must not need memory.
                _closed.EnsureCapacity(_connections.Count);
                connection.Handler = converse(connection);
                Counters.Connections++;
                connection.Reschedule();
                _vanished?.Begin();
                return;
            }
        }
        catch (Exception exception)
        {
            NoteFailure(exception);
        }

        if (connection is { HasHandler: true })
        {
            connection.Fail();
            return;
        }

        if (connection is not null)
        {
            _connections.Remove(connection);
        }

        Libc.Close(socket);
        place.Leave();
    }
}
