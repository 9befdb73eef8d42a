using System.Buffers;
using MessageDelivery.Hub.Routing;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Transport.Tls;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Hub.Sessions;

/// <summary>What the sessions of one loop share. Only its thread uses it.</summary>
internal sealed class LoopServices
{
    public const string ShuttingDownText = "the hub is stopping; connect again after a pause";

    private readonly ILogger _logger;

    public LoopServices(EventLoop loop, SessionTable sessions, SessionLimits limits, ILogger logger, TlsAcceptor? tls = null)
    {
        Tls = tls;
        _logger = logger;
        Loop = loop;
        Sessions = sessions;
        Users = sessions.Users;
        Limits = limits;
        Delivery = new(loop.Pool);
        Router = new(Users, loop);
        Run = new(loop, Delivery, Router);
        Listing = new(Users, loop.Pool);
        Presence = new(this);
    }

    public EventLoop Loop { get; }

    public UserRegistry Users { get; }

    /// <summary>The sessions that can be resumed, of all loops.</summary>
    public SessionTable Sessions { get; }

    public SessionLimits Limits { get; }

    /// <summary>Who begins TLS; null where the hub does not speak it.</summary>
    public TlsAcceptor? Tls { get; }

    public Router Router { get; }

    /// <summary>The delivery being routed.</summary>
    public Delivery Delivery { get; }

    /// <summary>The run of relays being gathered.</summary>
    public RelayRun Run { get; }

    /// <summary>The answers to LIST.</summary>
    public Listing Listing { get; }

    /// <summary>Who is told when somebody comes or goes.</summary>
    public PresenceFeed Presence { get; }

    /// <summary>Room for lines of text on their way to a queue; empty between two answers.</summary>
    public ArrayBufferWriter<byte> Lines { get; } = new(1 << 10);

    /// <summary>Gives the next id and lists its user.</summary>
    public User Join(IReceiver receiver, Connection connection, string protocol)
    {
        var user = Users.Add(receiver);
        _logger.UserJoined(user.Id, protocol, connection.Peer);
        return user;
    }

    /// <summary>A relay is done: sends its receipt, if one is due, or leaves that to those who acknowledge.</summary>
    public QueueResult Settle(PendingRelay relay, OutboundQueue queue)
    {
        Router.Settle(relay);
        if (relay.Confirmation is { } confirmation)
        {
            relay.Confirmation = null;
            confirmation.Settle(relay.Receivers, relay.Outcomes);
        }
        else if (relay.ReceiptFor is { } correlation)
        {
            relay.ReceiptFor = null;
            return queue.SendReceipt(Loop, correlation, relay.Outcomes);
        }

        return QueueResult.Accepted;
    }

    /// <summary>Cuts off a receiver that takes nothing while others wait for it.</summary>
    public void CutOff(ulong userId, Connection connection)
    {
        _logger.SlowConsumer(userId, connection.Outbound.PendingBytes, connection.Peer);
        connection.Abort(CloseReason.SlowConsumer);
    }

    /// <summary>Takes the user off the list.</summary>
    public void Leave(User user, Connection connection)
    {
        Users.Remove(user);
        _logger.UserLeft(user.Id, connection.Reason, connection.Loop.Now - connection.OpenedAt);
    }
}

/// <summary>What sessions tell their users.</summary>
/// <param name="HeartbeatSeconds">Seconds of silence after which a program sends a heartbeat; 0 is never.</param>
/// <param name="MostConnections">Connections the hub takes at one time.</param>
internal sealed record SessionLimits(ushort HeartbeatSeconds, int MostConnections);
