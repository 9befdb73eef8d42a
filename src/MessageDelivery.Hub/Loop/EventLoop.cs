using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Hub.Outside;

namespace MessageDelivery.Hub.Loop;

/// <summary>
/// One thread that moves the bytes of its entries. A turn: take what epoll reports, receive and route it, do what other threads posted,
/// look at due deadlines, and last flush, once each entry that has something to send, however many others it came from. Nothing on this
/// thread blocks but the wait for events.
/// </summary>
internal sealed class EventLoop : IOutlet, IMemoryWaiter, IDisposable
{
    /// <summary>The most segments of one send.</summary>
    public const int MaxVectors = 64;

    // Turns that fail one after the other before the loop gives up: what fails in a turn is caught where it is one entry's.
    private const int MaxFailures = 16;

    private readonly EventWait _wait;
    private readonly Thread _thread;
    private readonly ILoopEvents _events;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly LoopCalls _calls;
    private readonly List<LoopEntry> _starved = [];
    private readonly TurnOrder _order;
    private readonly Housekeeping _housekeeping;
    private readonly ReleasedEntries _released;
    private readonly SlicedWork _unfinished = new();
    private readonly Action _runUnfinished;
    private Mailbox _mailbox;
    private int _threadId;
    private int _memoryAvailable;
    private bool _stopping;
    private bool _hasEnded;

    public EventLoop(int number, BlockPool pool, TimeProvider time, ILoopEvents events, OutsideFailures? failures = null)
    {
        Pool = pool;
        _wait = new(time, failures);
        _events = events;
        Failures = new(this, events);
        _runUnfinished = () => _unfinished.RunTurn(this);
        _calls = new(this);
        _order = new(this, _wait);
        _housekeeping = new(this);
        _released = new(this);
        ReceiveBuffer = new BumpBuffer(pool);
        CopyBuffer = new BumpBuffer(pool);
        Deadlines = new TimingWheel(Now);
        pool.AddWaiter(this);
        _thread = new Thread(Run, ThreadStack.Bytes) { IsBackground = true, Name = $"hub loop {number}" };
        _threadId = _thread.ManagedThreadId;
    }

    public BlockPool Pool { get; }

    public long Now => _wait.Now;

    public LoopCounters Counters { get; } = new();

    public Segment[] SendScratch { get; } = new Segment[MaxVectors];

    /// <summary>What is received, by all connections of this loop one after the other.</summary>
    public BumpBuffer ReceiveBuffer { get; }

    /// <summary>What is copied together for several receivers.</summary>
    public BumpBuffer CopyBuffer { get; }

    /// <summary>Whether this is the loop's thread.</summary>
    public bool IsCurrent => Environment.CurrentManagedThreadId == _threadId;

    /// <summary>All it looks after. The loop's thread.</summary>
    internal EntryTable Entries { get; } = new();

    internal TimingWheel Deadlines { get; }

    internal FailureGuard Failures { get; }

    /// <summary>Who else has something to do about once a second. Set before the start.</summary>
    internal IHousekeeper? Housekeeper { set => _housekeeping.Housekeeper = value; }

    /// <summary>Completes when the thread has ended.</summary>
    public Task Ended => _ended.Task;

    public bool IsStarted { get; private set; }

    public void Start()
    {
        _thread.Start();
        IsStarted = true;
    }

    /// <summary>Ends the thread as soon as there is no entry. The loop's thread.</summary>
    public void Stop() => _stopping = true;

    /// <summary>Runs something on the loop's thread, soon. False if that has ended: nothing is run. Any thread.</summary>
    public bool Call(Action action) => _calls.TryAdd(action);

    /// <summary>The same on behalf of an entry of this loop, which is closed if it fails. Any thread.</summary>
    public bool Call(LoopEntry entry, Action action) => Call(() => Failures.Call(entry, action));

    /// <summary>Whether the thread lives, and waits or began its turn no longer ago than that. Any thread.</summary>
    public bool Turns(long now, long maxMilliseconds) => !_ended.Task.IsCompleted && now - _wait.BusySince <= maxMilliseconds;

    /// <summary>Completes once the thread has run what was left for it; fails if it has ended. Any thread.</summary>
    public Task RespondAsync()
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return Call(turn.SetResult) ? turn.Task : Task.FromException(new InvalidOperationException("A thread of the hub has ended."));
    }

    /// <summary>Puts an entry with posted work into the mailbox. Any thread.</summary>
    internal void Post(LoopEntry entry)
    {
        _mailbox.Put(entry);
        _wait.Wake();
    }

    /// <summary>Looks after an entry from now on. False if the loop stops, or the kernel does not watch its descriptor. The loop's thread.</summary>
    /// <param name="descriptor">What epoll watches; negative if there is nothing to watch.</param>
    /// <param name="events">Epoll's events.</param>
    public bool TryAdd(LoopEntry entry, int descriptor, uint events)
    {
        if (_stopping)
        {
            return false;
        }

        // Closing it must not need memory.
        _released.Reserve(Entries.Count + 1);
        Entries.Add(entry);
        if (descriptor < 0 || _wait.TryAdd(descriptor, events, entry.Tag))
        {
            return true;
        }

        Entries.Remove(entry);
        return false;
    }

    /// <inheritdoc cref="EventWait.Remove"/>
    public void Unwatch(int descriptor) => _wait.Remove(descriptor);

    /// <summary>Looks no more after an entry whose descriptor lives on elsewhere, and is not watched. The loop's thread.</summary>
    public void Remove(LoopEntry entry)
    {
        Deadlines.Remove(entry);
        Entries.Remove(entry);
    }

    /// <summary>The entry is over: close its descriptor when the turn ends and nobody sends on it. The loop's thread.</summary>
    public void Release(LoopEntry entry)
    {
        _released.Add(entry);
        Deadlines.Remove(entry);
    }

    /// <inheritdoc/>
    public void ScheduleFlush(LoopEntry entry) => _order.ScheduleFlush(entry);

    /// <inheritdoc/>
    public void Watch(LoopEntry entry) => entry.Watch();

    /// <inheritdoc/>
    public void DoLater(ISlicedWork work)
    {
        _unfinished.Add(work);
        if (_hasEnded)
        {
            _unfinished.RunAll(this);
        }
    }

    /// <summary>Calls <see cref="LoopEntry.OnMemoryAvailable"/> when there is memory again. The loop's thread.</summary>
    public void AwaitMemory(LoopEntry entry)
    {
        _starved.Add(entry);
        if (!Pool.AwaitMemory())
        {
            _memoryAvailable = 1;
        }
    }

    /// <summary>Calls <see cref="LoopEntry.OnHousekeeping"/> within a second. The loop's thread.</summary>
    public void AwaitHousekeeping(LoopEntry entry) => _housekeeping.Add(entry);

    /// <inheritdoc/>
    public void MemoryLow() => _wait.Wake();

    /// <inheritdoc/>
    public void MemoryAvailable()
    {
        Volatile.Write(ref _memoryAvailable, 1);
        _wait.Wake();
    }

    /// <summary>Whether the entry has to wait with receiving until what is ready was sent; then it is called again.</summary>
    /// <param name="bytes">What it wants room for.</param>
    internal bool PutsOff(LoopEntry entry, int bytes) => _order.PutsOff(entry, bytes);

    /// <summary>A defect showed on an entry: it is closed, and the loop goes on.</summary>
    internal void Fail(LoopEntry entry, Exception exception) => Failures.Fail(entry, exception);

    /// <summary>Tells of a defect. Any thread.</summary>
    internal void NoteFailure(Exception exception) => Failures.Note(exception);

    public void Dispose() => _wait.Dispose();

    /// <summary>Takes one turn on the calling thread, which is the loop's from then on; the loop must not have been started.</summary>
    internal void TurnHere()
    {
        _threadId = Environment.CurrentManagedThreadId;
        Turn();
    }

    private void Run()
    {
        for (int failures = 0; !(_stopping && Entries.Count == 0);)
        {
            try
            {
                Turn();
                failures = 0;
            }
            catch (Exception exception) when (++failures < MaxFailures)
            {
                NoteFailure(exception);
            }
            catch (Exception exception)
            {
                _events.LoopFailed(exception);
                CloseAll();
                break;
            }
        }

        // Connections that were on their way here are closed.
        _calls.End();
        _hasEnded = true;
        _unfinished.RunAll(this);
        ReceiveBuffer.Dispose();
        CopyBuffer.Dispose();
        _ended.SetResult();
    }

    /// <summary>The loop cannot go on: nobody is left with a socket that nobody reads.</summary>
    private void CloseAll()
    {
        _stopping = true;
        foreach (var entry in Entries)
        {
            entry.Fail();
        }

        // Other loops may still be sending on some. What does not end for a failure, as a listener, is for its owner to stop.
        while (!_released.IsEmpty)
        {
            _released.Close();
            Thread.Yield();
        }
    }

    private void Turn()
    {
        _order.ServeReady(_wait.Wait(Timeout()));
        RunPosted();
        FeedStarved();
        RunDeadlines();
        _housekeeping.RunIfDue();
        Failures.Call(_runUnfinished);
        _order.Flush();
        _housekeeping.GiveUpBuffersIfShort();
        _released.Close();
    }

    /// <summary>How long to wait for events: not at all if there is something to do.</summary>
    private int Timeout()
    {
        _wait.Prepare();
        if (!_released.IsEmpty || !_order.IsEmpty || !_unfinished.IsEmpty || !_mailbox.IsEmpty || Volatile.Read(ref _memoryAvailable) != 0)
        {
            return 0;
        }

        _wait.UpdateNow();
        int timeout = Deadlines.UntilNext(Now);
        int housekeeping = _housekeeping.UntilNext;
        if (housekeeping >= 0)
        {
            timeout = timeout < 0 ? housekeeping : Math.Min(timeout, housekeeping);
        }

        return timeout;
    }

    private void RunPosted()
    {
        var posted = _mailbox.TakeAll();
        while (Mailbox.TakeFirst(ref posted) is { } entry)
        {
            _order.Serve(entry, Occasion.Posted);
        }
    }

    private void FeedStarved()
    {
        if (Interlocked.Exchange(ref _memoryAvailable, 0) == 0)
        {
            return;
        }

        int count = _starved.Count;
        for (int i = 0; i < count; i++)
        {
            _order.Serve(_starved[i], Occasion.MemoryAvailable);
        }

        _starved.RemoveRange(0, count);
    }

    private void RunDeadlines()
    {
        // As of now: what is due later, or again, has another turn.
        long now = Now;
        while (Deadlines.Next(now) is { } due)
        {
            Failures.CallDue(due);
            _order.EndCall();
        }
    }
}
