using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Protocols.Text;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Users;

namespace MessageDelivery.Hub.Protocols.Detection;

/// <summary>
/// The user of a connection that may still turn out to speak another protocol: what comes for it is queued as text, or, once a HELLO
/// has begun, as frames that are kept back.
/// </summary>
internal sealed class UndecidedUser(LoopServices services, Connection connection) : IReceiver
{
    private readonly OutboundQueue _queue = connection.Outbound;
    private IReceiver? _successor;
    private bool _isLeft;

    /// <summary>The user; null if there is none yet.</summary>
    public User? User { get; private set; }

    /// <summary>Whether a HELLO has begun.</summary>
    public bool HasHello { get; set; }

    public QueueResult Deliver(Delivery delivery, IDeliveryWaiter? waiter, int index, EventLoop running)
    {
        var text = TextForm.Of(delivery, verbose: false);
        lock (_queue.Gate)
        {
            if (_successor is null)
            {
                return _isLeft ? QueueResult.Closed
                    : _queue.TryAdd(HasHello ? delivery.Frames.Items : text, delivery.Relays, null, waiter, index, running);
            }
        }

        return _successor.Deliver(delivery, waiter, index, running);
    }

    public void Remove() => services.Loop.Call(connection, () => _successor?.Remove());

    /// <summary>Lists the user, if it was not before.</summary>
    public User Join(string protocol, SignedIn? signedIn)
    {
        User ??= services.Join(this, connection, protocol, signedIn);
        connection.Protocol = protocol;
        return User;
    }

    /// <summary>A HELLO begins. False if text was sent before.</summary>
    public bool TryBeginHello()
    {
        if (!HasHello)
        {
            lock (_queue.Gate)
            {
                HasHello = _queue.TryCork();
            }
        }

        return HasHello;
    }

    /// <summary>Hands it on, with what is sent before all else.</summary>
    public void HandTo(IReceiver receiver, ReadOnlySpan<byte> welcome)
    {
        lock (_queue.Gate)
        {
            _queue.Uncork(welcome, connection.Loop);
            _successor = receiver;
        }

        User!.Receiver = receiver;
    }

    /// <summary>TLS or HTTP begins: the user leaves. False if text was sent before.</summary>
    public bool TryLeave()
    {
        lock (_queue.Gate)
        {
            // From now on deliveries to this user are refused, so that nothing of them is sent.
            _isLeft = _queue.IsUntouched;
        }

        if (_isLeft)
        {
            LeaveIfJoined();
            User = null;
        }

        return _isLeft;
    }

    /// <summary>A silent user that turns out to be another one leaves.</summary>
    public void LeaveIfJoined()
    {
        if (User is not null)
        {
            services.Leave(User, connection);
        }
    }
}
