using System.Buffers;
using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Resuming;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Users;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Hub.Protocols;

/// <summary>What the sessions of one loop share, whatever they speak. Only its thread uses it.</summary>
internal sealed class LoopServices
{
    private readonly ILogger _logger;

    /// <param name="authentication">Who is let in; null lets everybody in.</param>
    public LoopServices(ConnectionHost host, SessionTable sessions, SessionLimits limits, ILogger logger, AuthenticationService? authentication = null)
    {
        _logger = logger;
        Authentication = authentication ?? new(null, TimeProvider.System, logger);
        Host = host;
        Sessions = sessions;
        Users = sessions.Users;
        Limits = limits;
        Delivery = new(Loop.Pool);
        Router = new(Users, Loop);
        Listing = new(Users, Loop.Pool);
        Loop.Failures.DropUnfinished = () =>
        {
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

    /// <summary>Verifies tokens.</summary>
    public AuthenticationService Authentication { get; }

    public Router Router { get; }

    /// <summary>The delivery being routed.</summary>
    public Delivery Delivery { get; }

    /// <summary>The answers to LIST.</summary>
    public Listing Listing { get; }

    /// <summary>Room for lines of text on their way to a queue; empty between two answers.</summary>
    public ArrayBufferWriter<byte> Lines { get; } = new(1 << 10);

    /// <summary>Gives a connection the next id, and lists its user.</summary>
    /// <param name="signedIn">Who it is; null without authentication.</param>
    public User Join(IReceiver receiver, Connection connection, string protocol, SignedIn? signedIn)
    {
        var user = Users.Add(receiver, signedIn?.Identity);
        connection.Protocol = protocol;
        _logger.UserJoined(user.Id, protocol, connection.Peer);
        if (signedIn is not null)
        {
            NoteSignedIn(user, signedIn, connection);
        }

        Sessions.Audit.Joined(user.Id, connection);
        return user;
    }

    /// <summary>A user goes on with another token of its own.</summary>
    public void Renew(User user, SignedIn signedIn, Connection connection)
    {
        user.Renew(signedIn.Identity);
        NoteSignedIn(user, signedIn, connection);
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

    /// <summary>A connection has ended: takes its user off the list.</summary>
    /// <param name="user">Null if it had not become one.</param>
    public void Leave(User? user, Connection connection)
    {
        if (user is not null)
        {
            Users.Remove(user);
            _logger.UserLeft(user.Id, connection.Reason, connection.Loop.Now - connection.OpenedAt);
        }

        Sessions.Audit.Ended(user?.Id ?? 0, connection);
    }

    private void NoteSignedIn(User user, SignedIn signedIn, Connection connection)
    {
        user.EndAt(Authentication.EndOf(signedIn.Identity, Loop.Now));
        _logger.Authenticated(user.Id, signedIn.Identity.Name, connection.Peer);
        connection.Subject = signedIn.Identity.Name;
        Sessions.Audit.Authenticated(connection);

        // Asked once the user is listed: whoever replaces the authenticator asks all who are listed after that.
        Authentication.AskIfReplaced(signedIn.Identity, signedIn.By, () => user.Receiver.Remove());
    }
}
