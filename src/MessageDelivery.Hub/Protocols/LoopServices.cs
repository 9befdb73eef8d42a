using System.Buffers;
using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Protocols.Binary;
using MessageDelivery.Hub.Resuming;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Transport.Layers;
using MessageDelivery.Hub.Users;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Hub.Protocols;

/// <summary>What the sessions of one loop share. Only its thread uses it.</summary>
internal sealed partial class LoopServices
{
    public const string ShuttingDownText = "the hub is stopping; connect again after a pause";

    private readonly ILogger _logger;

    /// <param name="admission">Who is let in; null lets everybody in.</param>
    /// <param name="tls">Who begins TLS; null where the hub does not speak it.</param>
    public LoopServices(
        ConnectionHost host, SessionTable sessions, SessionLimits limits, ILogger logger, AuthenticationService? admission = null, TlsAcceptor? tls = null)
    {
        var loop = host.Loop;
        Host = host;
        Tls = tls;
        _logger = logger;
        Admission = admission ?? new(null, TimeProvider.System, logger);
        Sessions = sessions;
        Users = sessions.Users;
        Limits = limits;
        Delivery = new(loop.Pool);
        Router = new(Users, loop);
        Run = new(host, Delivery, Router);
        Listing = new(Users, loop.Pool);
        Presence = new(this);
        loop.Failures.DropUnfinished = () =>
        {
            Run.Discard();
            Delivery.End();
            Lines.ResetWrittenCount();
        };
    }

    public ConnectionHost Host { get; }

    public EventLoop Loop => Host.Loop;

    public UserRegistry Users { get; }

    /// <summary>The sessions that can be resumed, of all loops.</summary>
    public SessionTable Sessions { get; }

    public SessionLimits Limits { get; }

    /// <summary>Tells that limits are met.</summary>
    public LimitLog Limited => Sessions.Limited;

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

    /// <summary>Keeps the relays of a session that are to be confirmed.</summary>
    public UnconfirmedRelays ConfirmFor(IConfirmationOwner owner) => new(Loop.Pool, Users, Sessions.Term.ConfirmMilliseconds, owner);

    /// <summary>A relay is done: sends its receipt, if one is due, or leaves that to those who acknowledge.</summary>
    public QueueResult Settle(PendingRelay relay, OutboundQueue queue)
    {
        Router.Settle(relay);
        if (relay.Unconfirmed is { } unconfirmed)
        {
            relay.Unconfirmed = null;
            unconfirmed.Settle(relay.Receivers, relay.Outcomes, Loop);
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
        long pending = connection.Outbound.PendingBytes;
        _logger.SlowConsumer(userId, new(pending), pending, connection.Peer);
        connection.Abort(CloseReason.SlowConsumer);
    }

    /// <summary>A TLS handshake has come to nothing.</summary>
    public void NoteHandshakeFailed(Connection connection, string why) => _logger.HandshakeFailed(connection.Peer, why);

    /// <summary>Takes the user off the list.</summary>
    public void Leave(User user, Connection connection)
    {
        Users.Remove(user);
        _logger.UserLeft(user.Id, connection.Reason, connection.Loop.Now - connection.OpenedAt);
        Sessions.Audit.Ended(user.Id, connection);
    }

    /// <summary>A connection has ended that had not become a user.</summary>
    public void LeaveUnknown(Connection connection) => Sessions.Audit.Ended(0, connection);
}
