using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Loop;

/// <summary>
/// Who is served when, within a turn. What is ready is served first come, first served, and flushed at the end of the turn, so that what
/// came of several for one receiver leaves together. A flood makes such a turn long; so every half millisecond it is interrupted: events
/// are looked for, and entries that have used little of the loop lately are served, and their receivers flushed, at once. While others wait,
/// these quiet entries get no more than half of the time. See docs/adr/0022. The loop's thread.
/// </summary>
internal sealed class TurnOrder(EventLoop loop, EventWait wait)
{
    private const long LookMicroseconds = 500;

    // The clock is asked after so many calls or so many bytes: asking it for each small message would cost a hundredth of that.
    private const int MaxCallsBlind = 8;
    private const long MaxBytesBlind = 64 << 10;

    // See docs/adr/0006.
    private const int MinBytesPerSend = 8 << 10;
    private const int MaxGatheredBytes = 1 << 20;

    private EntryQueue<ReadyLink> _quiet;
    private EntryQueue<ReadyLink> _others;
    private EntryQueue<FlushLink> _quietFlushes;
    private EntryQueue<FlushLink> _flushes;
    private LoopEntry? _putOff;
    private bool _servesQuiet;
    private int _gatheredBytes;
    private int _callsBlind;
    private long _movedBytes;
    private long _nextLook;

    /// <summary>Whether nothing is left over for another turn.</summary>
    public bool IsEmpty => _quiet.IsEmpty && _others.IsEmpty && _flushes.IsEmpty && _quietFlushes.IsEmpty;

    private bool OthersWait => !_others.IsEmpty || !_flushes.IsEmpty;

    private long MovedBytes => loop.Counters.BytesReceived + loop.Counters.BytesSent;

    /// <summary>The entry has something to send.</summary>
    public void ScheduleFlush(LoopEntry entry)
    {
        if (_servesQuiet)
        {
            _quietFlushes.Add(entry);
        }
        else
        {
            _flushes.Add(entry);
        }
    }

    /// <summary>Begins a turn with so many events, and serves who is ready.</summary>
    public void ServeReady(EventWait.Events events)
    {
        _servesQuiet = false;
        _nextLook = wait.Microseconds + LookMicroseconds;
        Take(events, isLook: false);
        ServeQuiet();
        // Who becomes ready meanwhile has the next turn: this one ends.
        for (int left = _others.Count; left > 0; left--)
        {
            var entry = _others.Take()!;
            Serve(entry, Occasion.Ready);
        }
    }

    /// <summary>Calls an entry, and sends what has to leave before it can go on.</summary>
    public void Serve(LoopEntry entry, Occasion occasion)
    {
        Call(entry, occasion);
        EndCall();
    }

    /// <summary>After an entry was called: goes on with what was put off, and interrupts the turn if it has become long.</summary>
    public void EndCall()
    {
        while (_putOff is { } putOff)
        {
            _putOff = null;
            Flush();
            Call(putOff, Occasion.PutOff);
        }

        LookIfDue();
    }

    /// <summary>
    /// Whether what is ready has to be sent before the entry can receive, since that may free the block in use; but not while it is little
    /// for each receiver, since a send costs as much as dozens of small messages. Then the entry is called again when that is done.
    /// </summary>
    public bool PutsOff(LoopEntry entry, int bytes)
    {
        if (!loop.ReceiveBuffer.IsExhausted(bytes))
        {
            return false;
        }

        _gatheredBytes += BlockSizes.LargeBytes;
        bool pays = _gatheredBytes >= Math.Min(MaxGatheredBytes, (long)_flushes.Count * MinBytesPerSend);
        if (_servesQuiet || _flushes.IsEmpty || !(pays || loop.Pool.IsScarce))
        {
            return false;
        }

        _putOff = entry;
        return true;
    }

    /// <summary>Sends what is ready.</summary>
    public void Flush()
    {
        _gatheredBytes = 0;
        while (_flushes.Take() is { } entry)
        {
            loop.Failures.Call(entry, Occasion.Flush);
            LookIfDue();
        }
    }

    private void Take(in EventWait.Events reported, bool isLook)
    {
        for (int i = 0; i < reported.Count; i++)
        {
            var (events, tag) = reported[i];
            if (loop.Entries.Find(tag) is not { } entry)
            {
                continue;
            }

            bool isQuiet = entry.Use.IsQuiet(loop.Now);
            if (entry.IsAside ? isQuiet : isLook && !isQuiet)
            {
                Move(entry, aside: !isQuiet);
            }

            if (entry.NoteReady(events))
            {
                if (isQuiet)
                {
                    _quiet.Add(entry);
                }
                else
                {
                    _others.Add(entry);
                }
            }
        }
    }

    private void Move(LoopEntry entry, bool aside)
    {
        var (descriptor, events) = entry.Watched;
        if (descriptor >= 0 && wait.TryMove(descriptor, events, entry.Tag, aside))
        {
            entry.IsAside = aside;
        }
    }

    /// <summary>Serves those who have used little, and flushes what comes of it. While others wait, those get as much time after it.</summary>
    private void ServeQuiet()
    {
        // A failed turn may have left flushes.
        if (_quiet.IsEmpty && _quietFlushes.IsEmpty)
        {
            return;
        }

        long start = wait.Microseconds;
        _servesQuiet = true;
        for (int calls = 1; !loop.Pool.IsScarce && _quiet.Take() is { } entry; calls++)
        {
            Call(entry, Occasion.Ready);
            if (calls % MaxCallsBlind == 0 && OthersWait && wait.Microseconds - start > LookMicroseconds)
            {
                break;
            }
        }

        // Memory that a quiet entry needs to receive may be held by flushes that wait. Among the others, it is called after they are sent.
        while (loop.Pool.IsScarce && _quiet.Take() is { } entry)
        {
            _others.Add(entry);
        }

        while (_quietFlushes.Take() is { } entry)
        {
            loop.Failures.Call(entry, Occasion.Flush);
        }

        _servesQuiet = false;
        long end = wait.Microseconds;
        _nextLook = end + Math.Max(LookMicroseconds, end - start);
    }

    private void Call(LoopEntry entry, Occasion occasion)
    {
        var counters = loop.Counters;
        long before = counters.BytesReceived + counters.QueuedBytes;
        loop.Failures.Call(entry, occasion);
        entry.Use.Add(Math.Max(0, counters.BytesReceived + counters.QueuedBytes - before), loop.Now);
    }

    private void LookIfDue()
    {
        if (_servesQuiet || (++_callsBlind < MaxCallsBlind && MovedBytes - _movedBytes < MaxBytesBlind))
        {
            return;
        }

        _callsBlind = 0;
        _movedBytes = MovedBytes;
        if (wait.Microseconds >= _nextLook)
        {
            _nextLook = wait.Microseconds + LookMicroseconds;
            Take(wait.Look(), isLook: true);
            ServeQuiet();
        }
    }
}
