using System.Runtime.ExceptionServices;
using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Outbound;

/// <summary>
/// What a queue has to tell others once its lock is released. It is filled under the lock and told after it, always in this
/// order: the connection, those who wait in vain or need not wait, acknowledgements that have ended, those who have got room.
/// </summary>
/// <param name="outlet">Whose thread it is.</param>
internal ref struct AfterUnlock(IOutlet outlet)
{
    private LoopEntry? _owner;
    private Exception? _failure;
    private AcknowledgementLine? _acknowledgements;
    private AcknowledgementWait _forgotten;
    private WaitingLine _ended;
    private WaitingLine _accepted;
    private bool _flushes;
    private bool _watches;

    // Whether there is anything but a flush, which is all that most calls have.
    private bool _hasMore;

    /// <summary>Whose thread it is.</summary>
    public readonly IOutlet Outlet => outlet;

    /// <summary>Something is to be flushed at the end of the turn.</summary>
    public void Flush(LoopEntry? owner)
    {
        _owner = owner;
        _flushes = true;
    }

    /// <summary>The queue has become full: its loop is to see that the peer moves.</summary>
    public void Watch(LoopEntry? owner)
    {
        _owner = owner;
        _watches = _hasMore = true;
    }

    /// <summary>What was queued for the connection is not whole: it has to end.</summary>
    public void Fail(LoopEntry owner, Exception failure)
    {
        _owner = owner;
        _failure ??= failure;
        _hasMore = true;
    }

    /// <summary>A delivery waits no longer.</summary>
    public void End(WaitingDelivery delivery, QueueResult result)
    {
        delivery.Result = result;
        _hasMore = true;
        if (result == QueueResult.Accepted)
        {
            _accepted.Join(delivery);
        }
        else
        {
            _ended.Join(delivery);
        }
    }

    /// <summary>There may be waits in this line that have ended.</summary>
    public void End(AcknowledgementLine? line)
    {
        _acknowledgements = line;
        _hasMore |= line is not null;
    }

    /// <summary>One wait for an acknowledgement has ended.</summary>
    public void End(in AcknowledgementWait wait)
    {
        _forgotten = wait;
        _hasMore = true;
    }

    /// <summary>
    /// Tells everything, each once. Outside of every lock, but for who holds the queue's <see cref="OutboundQueue.Gate"/> to look and add as one
    /// step: then there is nobody to tell but the connection, which may be told under it.
    /// </summary>
    public void Tell()
    {
        if (_hasMore)
        {
            TellAll();
        }
        else if (_flushes)
        {
            _flushes = false;
            outlet.ScheduleFlush(_owner!);
        }
    }

    /// <summary>If telling one of them fails, the others are told all the same.</summary>
    private void TellAll()
    {
        _hasMore = false;
        ExceptionDispatchInfo? failure = null;
        for (bool isDone = false; !isDone;)
        {
            try
            {
                TellRemaining();
                isDone = true;
            }
            catch (Exception exception)
            {
                failure ??= ExceptionDispatchInfo.Capture(exception);
            }
        }

        failure?.Throw();
    }

    private void TellRemaining()
    {
        if (_failure is { } cause)
        {
            _failure = null;
            _owner!.FailSoon(cause);
        }

        if (_watches)
        {
            _watches = false;
            outlet.Watch(_owner!);
        }

        if (_flushes)
        {
            _flushes = false;
            outlet.ScheduleFlush(_owner!);
        }

        _ended.Tell();
        if (_acknowledgements is { } line)
        {
            _acknowledgements = null;
            line.Tell(outlet);
        }

        if (!_forgotten.IsNone)
        {
            var wait = _forgotten;
            _forgotten = default;
            wait.Tell(outlet);
        }

        _accepted.Tell();
    }
}
