using System.Runtime.ExceptionServices;
using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Outbound;

/// <summary>
/// What a queue has to tell others once its lock is released. It is filled under the lock and told outside of every lock, always in this
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
    private bool _watches;
    private bool _flushes;

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
        _watches = true;
    }

    /// <summary>What was queued for the connection is not whole: it has to end.</summary>
    public void Fail(LoopEntry owner, Exception failure)
    {
        _owner = owner;
        _failure ??= failure;
    }

    /// <summary>A delivery waits no longer.</summary>
    public void End(WaitingDelivery delivery, QueueResult result)
    {
        delivery.Result = result;
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
    public void End(AcknowledgementLine? line) => _acknowledgements = line;

    /// <summary>One wait for an acknowledgement has ended.</summary>
    public void End(in AcknowledgementWait wait) => _forgotten = wait;

    /// <summary>Tells everything, each once. Outside of every lock.</summary>
    public void Tell()
    {
        if (_failure is not null)
        {
            _owner!.FailSoon(_failure);
            _failure = null;
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

        if (_ended.First is not null || _accepted.First is not null || _acknowledgements is not null || !_forgotten.IsNone)
        {
            TellWaiters();
        }
    }

    /// <summary>If telling one of them fails, the others are told all the same.</summary>
    private void TellWaiters()
    {
        ExceptionDispatchInfo? failure = null;
        while (true)
        {
            try
            {
                TellRemaining();
                break;
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
