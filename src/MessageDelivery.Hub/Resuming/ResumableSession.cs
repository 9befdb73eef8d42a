using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Resuming;

/// <summary>
/// What of a conversation outlives its connections (protocol, section 5): the user, what is queued for it, the relay it is at, and
/// how many were processed. It is at home on the loop of its connection, and without one on that of its last; but for the members
/// marked "any thread", everything is done there.
/// </summary>
internal sealed class ResumableSession : WheelEntry, IReceiver, IPausable, IBacklog, IConfirmationOwner
{
    private readonly SessionTable _table;
    private readonly SessionHome _home;
    private volatile Connection? _connection;
    private Connection _last;
    private UnconfirmedRelays? _unconfirmed;
    private readonly SessionKeys _keys;
    private bool _isAway;
    private bool _isTravelling;
    private bool _isOver;
    private long _order;

    /// <param name="connection">The connection, which is new: nothing that the client counts was sent on it.</param>
    /// <param name="order">The number of the connection among all that were accepted.</param>
    public ResumableSession(SessionTable table, ISessionHost home, User user, Connection connection, long order)
    {
        _order = order;
        _table = table;
        _home = new(home, EndAfterFailure);
        _connection = _last = connection;
        User = user;
        Queue = connection.Outbound;
        Queue.EnableReplay(home.Counted);
        Relay = new(this);
        _keys = new(table, this);
    }

    public User User { get; }

    public OutboundQueue Queue { get; }

    /// <summary>The key to tell the client.</summary>
    public SessionKey Key => _keys.Current;

    public SessionTerm Term => _table.Term;

    public bool HasConnection => _connection is not null;

    /// <summary>The relay it is at.</summary>
    public PendingRelay Relay { get; }

    /// <summary>What its user has done of late; null for nothing that is limited.</summary>
    public Pace? Pace { get; set; }

    /// <summary>The relays that were processed.</summary>
    public ProcessedRelays Processed { get; } = new();

    /// <summary>Relays whose receipts wait for acknowledgements.</summary>
    public UnconfirmedRelays Unconfirmed => _unconfirmed ??= _home.Host.ConfirmFor(this);

    /// <inheritdoc/>
    public long HeldBytes => Queue.HeldBytes;

    /// <summary>Queues a delivery, or keeps it. Any thread.</summary>
    public QueueResult Deliver(Delivery delivery, IDeliveryWaiter? waiter, int place, EventLoop running)
    {
        var result = Queue.TryAdd(delivery.Frames.Items, delivery.Relays, delivery.Acknowledgement, waiter, place, running);
        if (result == QueueResult.Overflowed)
        {
            Overflowed();
        }

        return result;
    }

    /// <summary>The relay it is at need wait no longer. Any thread.</summary>
    public void Resume()
    {
        if (_connection is { } connection)
        {
            connection.Resume();
        }
        else
        {
            _home.Call(CompleteRelay);
        }
    }

    /// <summary>A frame has come on the connection: the client has the new key.</summary>
    public void ConfirmKey() => _keys.Confirm();

    /// <summary>Its connection is over. True if the user may come back: then what is queued is kept.</summary>
    public bool TryDetach(CloseReason reason)
    {
        if (_isOver || !_table.TryCountAway(mayExceed: reason == CloseReason.TakenOver))
        {
            return false;
        }

        _connection = null;
        _isAway = true;
        try
        {
            Detach(reason);
        }
        catch (Exception exception)
        {
            _home.Loop.NoteFailure(exception);
            EndAfterFailure();
        }

        return true;
    }

    /// <summary>A connection with its key wants to go on with it. Any thread.</summary>
    public void RequestTakeOver(TakeOver takeOver) => _home.Call(() => HandTo(takeOver));

    /// <summary>
    /// Goes on with another connection, whose loop is its home by now: sends what that has not got. Null if it is too early.
    /// </summary>
    public ReplayStatus? Attach(TakeOver takeOver)
    {
        if (_isOver)
        {
            _isTravelling = false;
            return ReplayStatus.Released;
        }

        _keys.Rotate(takeOver.Key);
        Span<byte> greeting = stackalloc byte[_home.Host.GreetingBytes];
        int length = _home.Host.WriteGreeting(greeting, this, takeOver.Connection);
        var check = Queue.Attach(takeOver.Connection, takeOver.Total, greeting[..length], _home.Loop);
        _isTravelling = check is null;
        if (check != ReplayStatus.Available)
        {
            _keys.RotateBack();
            return check;
        }

        _keys.RevokeOthers();
        takeOver.Connection.Adopt(Queue);
        _isAway = false;
        _table.CountBack();
        _connection = _last = takeOver.Connection;
        _table.CountResumed();
        _table.Log.UserResumed(User.Id, takeOver.Connection.Peer);
        _table.Audit.Resumed(User.Id, takeOver.Connection);
        return check;
    }

    /// <summary>Nobody goes on with it after all: it is away on its new home.</summary>
    public void AwaitReturn()
    {
        if (_isOver)
        {
            return;
        }

        _isTravelling = false;
        Due = Math.Min(_home.Loop.Now + Term.WindowMilliseconds, User.EndsAt);
        _home.Loop.Deadlines.Set(this, Due);
        _home.Host.Backlogs.Add(this);
    }

    /// <summary>Ends it with its connection, which sends what is queued.</summary>
    public void EndWithConnection()
    {
        _isOver = true;
        _keys.RevokeAll();
        _unconfirmed?.Close(_home.Loop);
    }

    /// <summary>Ends it: the user leaves, and what was kept is dropped. Any thread once no loop runs.</summary>
    public void End(SessionEnd reason)
    {
        if (_isOver)
        {
            return;
        }

        _isOver = true;
        _keys.RevokeAll();
        if (_isAway)
        {
            StopWaiting();
            _table.CountBack();
        }

        try
        {
            Queue.Close(_home.Loop);
            _unconfirmed?.Close(_home.Loop);
        }
        finally
        {
            _table.Users.Remove(User);
            _table.Log.SessionEnded(User.Id, reason);
            _table.Audit.Ended(User.Id, reason, _last);
        }
    }

    /// <summary>More than is kept was waiting for it: it leaves there and then. Any thread.</summary>
    public void Overflowed()
    {
        _table.Users.Remove(User);
        EndAtHome(SessionEnd.RetentionFull);
    }

    /// <summary>Ends it, and the connection it may have, whatever state a failure has left them in. Any thread; does not throw.</summary>
    public void EndAfterFailure()
    {
        if (!_home.Loop.IsCurrent)
        {
            _home.Loop.Call(EndAfterFailure);
            return;
        }

        try
        {
            _isTravelling = false;
            _connection?.Fail();
            StopWaiting();
            End(SessionEnd.Failed);
        }
        catch (Exception second)
        {
            _home.Loop.NoteFailure(second);
        }
    }

    /// <inheritdoc/>
    public void Forget(ulong number, IOutlet outlet) => Queue.Forget(number, outlet);

    /// <inheritdoc/>
    public void Remove() => _home.Call(RemoveNow);

    /// <inheritdoc/>
    public void GiveUp() => End(SessionEnd.Overloaded);

    /// <inheritdoc/>
    void IConfirmationOwner.Confirmed(ulong correlation, ReadOnlySpan<Outcome> outcomes, IOutlet outlet)
    {
        if (_home.Host.SendReceipt(Queue, outlet, correlation, outcomes) == QueueResult.Overflowed)
        {
            Overflowed();
        }
    }

    /// <inheritdoc/>
    void IConfirmationOwner.GoOn() => Resume();

    /// <inheritdoc/>
    void IConfirmationOwner.Failed(Exception exception)
    {
        if (_connection is { } connection)
        {
            connection.Loop.Call(() => connection.Loop.Fail(connection, exception));
        }
        else
        {
            EndAtHome(SessionEnd.Overloaded);
        }
    }

    /// <inheritdoc/>
    internal override void Failed() => EndAfterFailure();

    internal override void OnDue()
    {
        if (_home.Loop.Now < Due)
        {
            _home.Loop.Deadlines.Set(this, Due);
        }
        else
        {
            End(_home.Loop.Now >= User.EndsAt ? SessionEnd.TokenExpired : SessionEnd.Expired);
        }
    }

    private void EndAtHome(SessionEnd reason) => _home.Call(() => End(reason));

    private void HandTo(TakeOver takeOver)
    {
        if (!User.Is(takeOver.Identity))
        {
            // Somebody else has its key: to that one there is no such session, and this one notices nothing.
            takeOver.Refuse(ReplayStatus.Released);
            return;
        }

        if (takeOver.Order < _order)
        {
            // Its client has given it up and made another, whose HELLO was read first.
            takeOver.Outdate();
            return;
        }

        if (_isTravelling)
        {
            // Another connection with its key was before this one, and has yet to arrive: what becomes of that comes first.
            RequestTakeOver(takeOver);
            return;
        }

        var check = _isOver ? ReplayStatus.Released : Queue.Check(takeOver.Total);
        if (check == ReplayStatus.NeverSent)
        {
            takeOver.Refuse(check);
            return;
        }

        if (_connection is { } standing)
        {
            takeOver.Replaces = true;
            ((ISessionProtocol)standing.Handler).TakenOver();
        }

        if (check == ReplayStatus.Released)
        {
            End(SessionEnd.TotalLetGo);
            takeOver.Refuse(check);
        }
        else if (_last.Lifetime.IsHandingOver)
        {
            RequestTakeOver(takeOver);
        }
        else
        {
            StopWaiting();
            _order = takeOver.Order;
            _home.MoveTo(takeOver.Host);
            _isTravelling = true;
            takeOver.Arrive(this);
        }
    }

    private void RemoveNow()
    {
        if (_isTravelling)
        {
            Remove();
        }
        else if (_connection is { } connection)
        {
            ((ISessionProtocol)connection.Handler).RemoveNow();
        }
        else
        {
            End(SessionEnd.Removed);
        }
    }

    private void Detach(CloseReason reason)
    {
        if (!Queue.Detach(Term.RetentionBytes, limitsLine: reason != CloseReason.TakenOver, _home.Loop))
        {
            End(SessionEnd.RetentionFull);
            return;
        }

        CompleteRelay();
        AwaitReturn();
        _table.Log.UserAway(User.Id, reason, Term.WindowMilliseconds);
        _table.Audit.Away(User.Id, reason, _last);
    }

    /// <summary>The relay it is at may be done: on with it where it has a connection, else its receipt is kept.</summary>
    private void CompleteRelay()
    {
        if (_connection is { } connection)
        {
            connection.Resume();
        }
        else if (Relay.IsDone && _home.Host.Complete(Relay, Queue) == QueueResult.Overflowed)
        {
            Overflowed();
        }
    }

    private void StopWaiting()
    {
        _home.Loop.Deadlines.Remove(this);
        _home.Host.Backlogs.Remove(this);
    }
}
