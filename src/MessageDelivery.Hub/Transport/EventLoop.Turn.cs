namespace MessageDelivery.Hub.Transport;

/// <summary>The turn of a loop, from waiting for events to closing sockets.</summary>
internal sealed partial class EventLoop
{
    private enum Occasion
    {
        Ready,
        Posted,
        MemoryAvailable,
        Deadline,
        Silence,
        Flush,
    }

    private void Run()
    {
        try
        {
            while (!(_stopping && _connections.Count == 0))
            {
                Turn();
            }
        }
        catch (Exception exception)
        {
            _events.LoopFailed(exception);
        }

        // Sockets that were on their way here are closed.
        RunCalls();
        _hasEnded = true;
        _unfinished.RunAll(this);
        ReceiveBuffer.Dispose();
        CopyBuffer.Dispose();
        _ended.SetResult();
    }

    /// <summary>Takes one turn on the calling thread, which is the loop's from then on; the loop must not have been started.</summary>
    internal void TurnHere()
    {
        _threadId = Environment.CurrentManagedThreadId;
        Turn();
    }

    private void Turn()
    {
        int count = _epoll.Wait(Timeout());
        Volatile.Write(ref _awake, 1);
        UpdateNow();
        for (int i = 0; i < count; i++)
        {
            var (events, tag) = _epoll[i];
            if (_connections.Find(tag) is { } connection)
            {
                Attend(connection, Occasion.Ready, events);
            }
            else if ((tag & ListenerBit) != 0 && tag != Epoll.WakeTag)
            {
                _listeners[(int)(uint)tag].Accept(Now);
            }
        }

        RunPosted();
        RunCalls();
        FeedStarved();
        RunDeadlines();
        RunUnfinished();
        FlushTouched();
        LetGoOfBuffersIfShort();
        CloseSockets();
    }

    /// <summary>A defect that one peer can set off must not take everybody's hub down.</summary>
    private void Attend(Connection connection, Occasion occasion, uint events = 0)
    {
        try
        {
            switch (occasion)
            {
                case Occasion.Ready:
                    connection.OnReady(events);
                    break;
                case Occasion.Posted:
                    connection.OnPosted();
                    break;
                case Occasion.MemoryAvailable:
                    connection.OnMemoryAvailable();
                    break;
                case Occasion.Deadline:
                    connection.OnDeadline();
                    break;
                case Occasion.Silence:
                    connection.EndIfVanished(Settings.KeepAliveMilliseconds);
                    break;
                default:
                    connection.Flush(this, scheduled: true);
                    break;
            }
        }
        catch (Exception exception)
        {
            Fail(connection, exception);
        }
    }

    /// <summary>A defect showed on a connection: it is closed, and the loop goes on.</summary>
    internal void Fail(Connection connection, Exception exception)
    {
        _events.ConnectionFailed(exception);
        connection.Fail();
    }

    internal void AttendDeadline(Connection connection) => Attend(connection, Occasion.Deadline);

    internal void AttendSilence(Connection connection) => Attend(connection, Occasion.Silence);

    /// <summary>How long to wait for events: not at all if there is something to do.</summary>
    private int Timeout()
    {
        Interlocked.Exchange(ref _awake, 0);
        if (_closed.Count > 0 || !_toFlush.IsEmpty || !_calls.IsEmpty || !_unfinished.IsEmpty
            || !_mailbox.IsEmpty || Volatile.Read(ref _memoryAvailable) != 0)
        {
            return 0;
        }

        UpdateNow();
        int timeout = Deadlines.UntilNext(Now);
        if (Pool.WantsHousekeeping || Volatile.Read(ref _untidy) != 0)
        {
            int housekeeping = (int)Math.Max(0, _nextHousekeeping - Now);
            timeout = timeout < 0 ? housekeeping : Math.Min(timeout, housekeeping);
        }

        return _fakeTimer is null ? timeout : WaitByTimer(timeout);
    }

    /// <summary>Lets a clock that is not the machine's end the wait.</summary>
    private int WaitByTimer(int timeout)
    {
        if (timeout > 0)
        {
            _fakeTimer!.Change(TimeSpan.FromMilliseconds(timeout), Never);
        }

        long before = Now;
        UpdateNow();
        return Now != before || timeout == 0 ? 0 : -1;
    }

    private void Wake()
    {
        if (Interlocked.Exchange(ref _awake, 1) == 0)
        {
            _epoll.Wake();
        }
    }

    private void UpdateNow() => Now = _time.GetTimestamp() / (_time.TimestampFrequency / 1_000);

    private void RunPosted()
    {
        for (var connection = _mailbox.TakeAll(); connection is not null;)
        {
            var next = connection.NextPosted;
            connection.NextPosted = null;
            Attend(connection, Occasion.Posted);
            connection = next;
        }
    }

    private void RunCalls()
    {
        // Not those that come meanwhile: one that finds that it is too early is called again in the next turn.
        for (int count = _calls.Count; count > 0 && _calls.TryDequeue(out var call); count--)
        {
            try
            {
                call();
            }
            catch (Exception exception)
            {
                _events.ConnectionFailed(exception);
            }
        }
    }

    private void RunUnfinished()
    {
        try
        {
            _unfinished.RunTurn(this);
        }
        catch (Exception exception)
        {
            _events.ConnectionFailed(exception);
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
            Attend(_starved[i], Occasion.MemoryAvailable);
        }

        _starved.RemoveRange(0, count);
    }

    private void RunDeadlines()
    {
        while (Deadlines.Next(Now) is { } entry)
        {
            try
            {
                entry.OnDue();
            }
            catch (Exception exception)
            {
                _events.ConnectionFailed(exception);
            }
        }

        if (Now >= _nextHousekeeping)
        {
            _nextHousekeeping = Now + HousekeepingMilliseconds;
            Pool.Trim(Now);
            Tidy();
            if (Pool.IsShort)
            {
                _shortSince = Math.Min(_shortSince, Now);
                MemoryRelief.Seek(this, _connections, Now - _shortSince);
            }
            else
            {
                _shortSince = long.MaxValue;
            }
        }
    }

    /// <summary>What was sent since the last time and is kept, in small pieces, is not to pin the blocks in which it came.</summary>
    private void Tidy()
    {
        if (Interlocked.Exchange(ref _untidy, 0) == 0)
        {
            return;
        }

        foreach (var connection in _connections)
        {
            if (connection.Outbound.IsUnparked)
            {
                connection.Outbound.Park();
            }
        }
    }

    private void FlushTouched()
    {
        _gatheredBytes = 0;
        while (_toFlush.Take() is { } connection)
        {
            Attend(connection, Occasion.Flush);
        }
    }

    /// <summary>Where somebody waits for memory, what loops keep for themselves may be all that is missing.</summary>
    private void LetGoOfBuffersIfShort()
    {
        if (Volatile.Read(ref _untidy) != 0 && Pool.IsScarce)
        {
            Tidy();
        }

        if (Pool.IsShort)
        {
            ReceiveBuffer.LetGoIfExclusive();
            CopyBuffer.LetGoIfExclusive();
        }
    }

    private void CloseSockets()
    {
        for (int i = _closed.Count - 1; i >= 0; i--)
        {
            var connection = _closed[i];
            // Another loop may be sending on it; the number of its descriptor must not be given to anyone else meanwhile.
            if (connection.Outbound.IsSendingOn(connection))
            {
                continue;
            }

            _closed.RemoveAt(i);
            _connections.Remove(connection);
            connection.CloseSocket();
            Counters.Connections--;
        }
    }
}
