using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Loop;

/// <summary>The turn of a loop, from waiting for events to closing sockets.</summary>
internal sealed partial class EventLoop
{
    private void Run()
    {
        for (int failures = 0; !(_stopping && _connections.Count == 0);)
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

        // Sockets that were on their way here are closed.
        RunCalls();
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
        foreach (var connection in _connections)
        {
            connection.Fail();
        }

        // Other loops may still be sending on some.
        while (_connections.Count > 0)
        {
            CloseSockets();
            Thread.Yield();
        }
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
                Accept(_listeners[(int)(uint)tag]);
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

    private void Accept(Listener listener)
    {
        try
        {
            listener.Accept(Now);
        }
        catch (Exception exception)
        {
            NoteFailure(exception);
        }
    }

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
        if (Pool.WantsHousekeeping || !_untidy.IsEmpty)
        {
            int housekeeping = (int)Math.Max(0, _nextHousekeeping - Now);
            timeout = timeout < 0 ? housekeeping : Math.Min(timeout, housekeeping);
        }

        return _clock.HasTimer ? WaitByTimer(timeout) : timeout;
    }

    /// <summary>Lets a clock that is not the machine's end the wait.</summary>
    private int WaitByTimer(int timeout)
    {
        if (timeout > 0 && !_clock.TryWakeAfter(timeout))
        {
            return timeout;
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

    /// <summary>A clock that goes back stands still here.</summary>
    private void UpdateNow() => Now = Math.Max(Now, _clock.Milliseconds);

    private void RunPosted()
    {
        var posted = _mailbox.TakeAll();
        while (Mailbox<PostedLink>.TakeFirst(ref posted) is { } connection)
        {
            Attend(connection, Occasion.Posted);
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
                NoteFailure(exception);
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
                NoteFailure(exception);
                FailEntry(entry);
            }
        }

        if (Now >= _nextHousekeeping)
        {
            _nextHousekeeping = Now + HousekeepingMilliseconds;
            try
            {
                KeepHouse();
            }
            catch (Exception exception)
            {
                NoteFailure(exception);
            }
        }
    }

    /// <summary>What was due has failed, and stands in the wheel no more: it must not be forgotten.</summary>
    private void FailEntry(WheelEntry entry)
    {
        try
        {
            entry.Failed();
        }
        catch (Exception second)
        {
            NoteFailure(second);
        }
    }

    private void KeepHouse()
    {
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

    /// <summary>What was sent since the last time and is kept, in small pieces, is not to pin the blocks in which it came.</summary>
    private void Tidy()
    {
        var untidy = _untidy.TakeAll();
        while (Mailbox<UntidyLink>.TakeFirst(ref untidy) is { } connection)
        {
            Attend(connection, Occasion.Tidying);
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
        if (!_untidy.IsEmpty && Pool.IsScarce && !Pool.IsLow)
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
        int left = 0;
        for (int i = 0; i < _closed.Count; i++)
        {
            var connection = _closed[i];
            // Another loop may be sending on it; the number of its descriptor must not be given to anyone else meanwhile.
            if (connection.Outbound.IsSendingOn(connection))
            {
                _closed[left++] = connection;
                continue;
            }

            _connections.Remove(connection);
            Counters.Connections--;
            try
            {
                connection.CloseSocket();
            }
            catch (Exception exception)
            {
                NoteFailure(exception);
            }
        }

        _closed.RemoveRange(left, _closed.Count - left);
    }
}
