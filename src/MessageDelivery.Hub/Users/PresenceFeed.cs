using System.Buffers;
using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Users;

/// <summary>
/// Tells the watchers of one loop who comes and goes, in batches. Those that were told the batch before share one, in message
/// memory by reference; those that began to watch since, or that were behind, get one of their own. While there is nothing
/// to tell nothing runs. The loop's thread, but for <see cref="PresenceChanged"/>.
/// </summary>
internal sealed class PresenceFeed : WheelEntry, IPresenceReader
{
    /// <summary>How long a batch is collected: with the wheel's resolution and a turn of the loop, within the protocol's 100 ms.</summary>
    public const int BatchMilliseconds = 100 - TimingWheel.ResolutionMilliseconds - 4;

    private const long Nothing = -1;

    private readonly EventLoop _loop;
    private readonly UserRegistry _users;
    private readonly IPresenceWriter _writer;
    private readonly List<PresenceWatcher> _watchers = [];
    private readonly ArrayBufferWriter<PresenceEvent> _events = new();
    private readonly ArrayBufferWriter<PresenceEvent> _ofGroup = new();
    private readonly Action _arm;
    private long _firstEvent;
    private long _end;
    private long _batchFrom = Nothing;
    private int _batchGroup;
    private int _isWatched;
    private int _isCalled;

    public PresenceFeed(EventLoop loop, UserRegistry users, IPresenceWriter writer)
    {
        _loop = loop;
        _users = users;
        _writer = writer;
        _arm = Arm;
        users.AddReader(this);
    }

    /// <summary>Sends the list, and from then on tells what changes in it. Who watches already begins anew.</summary>
    public void Begin(PresenceWatcher watcher)
    {
        if (watcher.Rights is { SeesNobody: true })
        {
            // It sees no user: its list stays empty.
            watcher.SendList();
            return;
        }

        if (watcher.Index == PresenceWatcher.NotWatching)
        {
            watcher.Index = _watchers.Count;
            _watchers.Add(watcher);
            Volatile.Write(ref _isWatched, 1);
            _users.BeginWatch();
        }

        watcher.Position = watcher.SendList();
    }

    /// <summary>Tells nothing more.</summary>
    /// <param name="watcher">Null, and one that does not watch, are let be.</param>
    public void End(PresenceWatcher? watcher)
    {
        if (watcher is null || watcher.Index == PresenceWatcher.NotWatching)
        {
            return;
        }

        var last = _watchers[^1];
        _watchers[watcher.Index] = last;
        last.Index = watcher.Index;
        _watchers.RemoveAt(_watchers.Count - 1);
        watcher.Index = PresenceWatcher.NotWatching;
        Volatile.Write(ref _isWatched, _watchers.Count > 0 ? 1 : 0);
        _users.EndWatch();
    }

    public void PresenceChanged()
    {
        if (Volatile.Read(ref _isWatched) != 0 && Volatile.Read(ref _isCalled) == 0 && Interlocked.Exchange(ref _isCalled, 1) == 0)
        {
            _loop.Call(_arm);
        }
    }

    /// <summary>Tells what has been collected.</summary>
    internal override void OnDue()
    {
        // Before the events are read: what is noted from here on calls again.
        Interlocked.Exchange(ref _isCalled, 0);
        if (_watchers.Count == 0)
        {
            return;
        }

        bool areAllTold = false;
        try
        {
            long told = _end;
            (long oldest, _end) = _users.ReadPresence(_events, from: OldestToTell());
            _firstEvent = _end - _events.WrittenCount;
            // Those who were told the last batch first, so that one batch is written for them.
            areAllTold = TellAll(oldest, told, areTold: true) & TellAll(oldest, told, areTold: false);
        }
        finally
        {
            _writer.Clear();
            _batchFrom = Nothing;
            _events.ResetWrittenCount();
            if (!areAllTold)
            {
                // Also where it failed: those who were not told stand where they stood.
                Arm();
            }
        }
    }

    private void Arm()
    {
        if (Slot == None)
        {
            _loop.Deadlines.Set(this, _loop.Now + BatchMilliseconds);
        }
    }

    private long OldestToTell()
    {
        long oldest = long.MaxValue;
        foreach (var watcher in _watchers)
        {
            oldest = watcher.HasRoom ? Math.Min(oldest, watcher.Position) : oldest;
        }

        return oldest;
    }

    /// <summary>Tells the watchers that were told the last batch, or the others. False if some have to wait.</summary>
    private bool TellAll(long oldest, long told, bool areTold)
    {
        bool areAllTold = true;
        int index = 0;
        while (index < _watchers.Count)
        {
            var watcher = _watchers[index];
            if (watcher.Position != _end && (watcher.Position == told) == areTold)
            {
                try
                {
                    areAllTold &= TryTell(watcher, oldest);
                }
                catch (Exception exception)
                {
                    watcher.Fail(exception);
                }
            }

            // In place of a watcher that was cut off stands one that has not had its turn.
            index += watcher.Index == index ? 1 : 0;
        }

        return areAllTold;
    }

    private ReadOnlySpan<PresenceEvent> OfGroup(ReadOnlySpan<PresenceEvent> events, int group)
    {
        _ofGroup.ResetWrittenCount();
        foreach (ref readonly var item in events)
        {
            if (item.Group == group)
            {
                _ofGroup.Write(new ReadOnlySpan<PresenceEvent>(in item));
            }
        }

        return _ofGroup.WrittenSpan;
    }

    private bool TryTell(PresenceWatcher watcher, long oldest)
    {
        if (watcher.Position < oldest)
        {
            watcher.CutOff();
            return true;
        }

        // One that had no room when the events were read may have some now, and its events may not be among them.
        if (!watcher.HasRoom || watcher.Position < _firstEvent || _loop.Pool.IsLow)
        {
            return false;
        }

        if (watcher.Position != _batchFrom || watcher.Group != _batchGroup)
        {
            _batchFrom = Nothing;
            var events = _events.WrittenSpan[(int)(watcher.Position - _firstEvent)..];
            _writer.Write(watcher.Group == 0 ? events : OfGroup(events, watcher.Group));
            (_batchFrom, _batchGroup) = (watcher.Position, watcher.Group);
        }

        watcher.Position = _end;
        if (!_writer.Batch.IsEmpty)
        {
            watcher.Send(_writer.Batch);
        }

        return true;
    }
}
