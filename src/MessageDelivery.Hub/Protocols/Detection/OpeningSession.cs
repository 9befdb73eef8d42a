using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Protocols.Binary;
using MessageDelivery.Hub.Protocols.Http;
using MessageDelivery.Hub.Protocols.Text;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Transport.Layers;
using MessageDelivery.Protocol;
using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Hub.Protocols.Detection;

/// <summary>
/// A connection whose first bytes have not told what it speaks (protocol, section 1). After a second of silence it is a
/// listed text user; its first bytes still decide, as long as nothing was written to it.
/// </summary>
internal sealed class OpeningSession : IProtocol, ITlsOwner
{
    private HelloHandshake? _hello;
    private bool _began;
    private bool _isShakingHands;
    private bool _isInWebSocket;
    private SessionPace? _pace;

    /// <param name="refusal">Why the connection is refused; null if it is not.</param>
    /// <param name="order">The number of the connection among all that were accepted.</param>
    public OpeningSession(Detector detector, Connection connection, Ending? refusal, long order)
    {
        Order = order;
        Detector = detector;
        Connection = connection;
        Refusal = refusal;
        User = new(detector.Shared, connection);
        Deadline = connection.OpenedAt + SessionLimits.SilenceMilliseconds;
        if (DemandsToken)
        {
            Deadline = Services.Limits.AuthenticationDue(connection.OpenedAt);
            connection.Input.ReadLimit = ProtocolLimits.HeaderBytes + ProtocolLimits.MaxHelloLength;
        }

        if (MustBeSecured)
        {
            long due = Services.Limits.HandshakeDue(connection.OpenedAt);
            Deadline = DemandsToken ? Math.Min(Deadline, due) : due;
        }
    }

    /// <summary>Begins within a WebSocket, where nothing but a HELLO is spoken, in its time.</summary>
    public static OpeningSession InWebSocket(Detector detector, Connection connection, Ending? refusal, long order)
    {
        var session = new OpeningSession(detector, connection, refusal, order) { _isInWebSocket = true };
        session.User.HasHello = true;
        long due = detector.Shared.Limits.HandshakeDue(connection.Loop.Now);
        session.Deadline = refusal is not null ? connection.Loop.Now + SessionLimits.SilenceMilliseconds
            : session.DemandsToken ? Math.Min(due, session.Deadline) : due;
        return session;
    }

    /// <summary>The loop's detector.</summary>
    public Detector Detector { get; }

    public Connection Connection { get; }

    /// <summary>Why the connection is refused; null if it is not.</summary>
    public Ending? Refusal { get; }

    /// <summary>The number of the connection among all that were accepted.</summary>
    public long Order { get; }

    public UndecidedUser User { get; }

    /// <summary>What a HELLO brings about that waits for something.</summary>
    public HelloHandshake Hello => _hello ??= new(this);

    public long Deadline { get; set; }

    private bool DemandsToken => Services.Authentication.IsDemanded;

    private bool MustBeSecured => Detector.Tls is { IsRequired: true } && !Connection.Layer.IsEncrypted;

    private LoopServices Services => Detector.Shared;

    public int RequestBytes(ReadOnlySpan<byte> front, bool isReceived) => isReceived ? FrameCheck.MaxMissingBytes([]) : FirstBytes.Tell(front) switch
    {
        FirstBytesKind.Hello => FrameCheck.RequestBytes(front),
        FirstBytesKind.Text when CommandsAhead.WholeBytes(front) is var whole and > 0 => whole,
        FirstBytesKind.Tls or FirstBytesKind.Http => front.Length,
        _ => FrameCheck.MaxMissingBytes([]),
    };

    public int Consume(in Segment input)
    {
        int idle = Connection.Layer.TakeIdleFrames();
        if (idle > 0 && (_pace ??= new(Services, Connection, identity: null)).CountIdle(idle) is { } tooMany)
        {
            Refuse(tooMany);
            return input.Length;
        }

        if (input.Length == 0)
        {
            return 0;
        }

        if (_isInWebSocket)
        {
            return FirstBytes.Tell(input.Span) == FirstBytesKind.Hello ? HelloHandshake.Consume(this, input) : RefuseInWebSocket(input);
        }

        if (!_began)
        {
            _began = true;
            Deadline = Math.Min(Services.Limits.HandshakeDue(Connection.Input.LastReceived), DemandsToken ? Deadline : long.MaxValue);
        }

        var kind = FirstBytes.Tell(input.Span);
        if (IsUnwelcome(kind))
        {
            return RefuseFirst(kind, input);
        }

        switch (kind)
        {
            case FirstBytesKind.Hello:
                return User.TryBeginHello() ? HelloHandshake.Consume(this, input) : TooLate("a HELLO", input.Length);
            case FirstBytesKind.Tls:
                return ConsumeTls(input);
            case FirstBytesKind.Http:
                return BecomeHttp(input);
            case FirstBytesKind.Undecided when !Connection.Input.IsFinal:
                return 0;
            default:
                return BecomeText(input);
        }
    }

    /// <summary>
    /// A HELLO that resumes is accepted even when no memory is left to receive into, since that frees what is kept for its user. Others are
    /// refused as overloaded.
    /// </summary>
    public int ConsumeUrgent(ReadOnlySpan<byte> front)
    {
        var kind = FirstBytes.Tell(front);
        if (Connection.IsPaused || IsUnwelcome(kind))
        {
            // Its first bytes are being handled already, or are refused when they are received.
            return 0;
        }

        if (kind == FirstBytesKind.Hello && HelloCheck.TryRead(front, out var header, out var hello, out _)
            && Hello.TryResume((HelloFlags)header.Flags, hello))
        {
            return ProtocolLimits.HeaderBytes + (int)header.Length;
        }

        if (Refusal != Ending.Overloaded || kind == FirstBytesKind.Undecided)
        {
            return 0;
        }

        if (kind == FirstBytesKind.Http)
        {
            return CannotBe(HttpAnswer.Of(Refusal).ToBytes(front.StartsWith("HEAD "u8)), "HTTP", front.Length, Refusal.Reason);
        }

        User.HasHello = kind == FirstBytesKind.Hello;
        Refuse(Refusal);
        return front.Length;
    }

    public void OnDeadline()
    {
        if (Refusal is not null && (_isInWebSocket || !(_began || MustBeSecured || DemandsToken)))
        {
            Refuse(Refusal);
        }
        else if (_began || _isInWebSocket || MustBeSecured || DemandsToken)
        {
            RefuseAsTooSlow();
        }
        else if (Connection.Layer.PeerCertificate.Objection is not null)
        {
            RefuseCertificate();
        }
        else
        {
            Deadline = long.MaxValue;
            if (Services.Limits.SilentUsers == SilentUsers.On)
            {
                User.Join("text", signedIn: null);
            }
        }
    }

    public void End(CloseReason reason)
    {
        if (reason == CloseReason.SlowConsumer)
        {
            Services.CutOff(User.User?.Id ?? 0, Connection);
        }
        else
        {
            Refuse(reason == CloseReason.Overloaded ? Ending.OutOfMemory : Ending.ShuttingDown);
        }
    }

    public void Resumed()
    {
    }

    public void Closed(CloseReason reason)
    {
        _hello?.Withdraw();
        Services.Leave(User.User, Connection);
    }

    /// <summary>Ends the connection, in words that the peer understands as far as it is known what it speaks.</summary>
    public void Refuse(Ending ending)
    {
        if (_isShakingHands)
        {
            // There is nothing yet to say it in.
            Connection.Abort(ending.Reason);
        }
        else if (User.HasHello)
        {
            Connection.SendGoodbye(ending);
            Connection.Close(ending.Reason);
        }
        else
        {
            Connection.CloseWithError(ending);
        }
    }

    private int BecomeText(in Segment input)
    {
        if (Refusal is not null)
        {
            Refuse(Refusal);
            return input.Length;
        }

        var session = new TextSession(Services, Connection, User.User);
        Connection.Handler = session;
        return session.Consume(input);
    }

    private int BecomeHttp(in Segment input)
    {
        if (!User.TryLeave())
        {
            return TooLate("HTTP", input.Length);
        }

        Connection.Protocol = "http";
        var opening = new HttpOpening(this);
        Connection.Handler = opening;
        return opening.Consume(input);
    }

    /// <summary>After the handshake the first byte inside decides again.</summary>
    private int ConsumeTls(in Segment input)
    {
        if (Connection.Layer.IsEncrypted)
        {
            Connection.CloseWithError(Ending.Unsupported("TLS inside of TLS"));
            return input.Length;
        }

        if (Detector.Tls is not { } acceptor)
        {
            return CannotBe(FirstBytes.TlsAlert, "TLS", input.Length);
        }

        if (!User.TryLeave())
        {
            return TooLate("TLS", input.Length);
        }

        _isShakingHands = true;
        var layer = acceptor.Create(Connection.Layer, Connection.Loop.Pool, this, () => Connection.Post(ConnectionWork.Layer));
        Connection.Layer = layer;
        layer.Begin(input.Span);
        return input.Length;
    }

    void ITlsOwner.HandshakeRefused(bool forLoad)
    {
        Services.NoteHandshakeFailed(Connection, forLoad ? "too many handshakes wait already" : "what came was not TLS, or it broke off");
        Connection.Abort(forLoad ? CloseReason.Overloaded : CloseReason.ProtocolError);
    }

    void ITlsOwner.HandshakeFailed(string why)
    {
        Services.NoteHandshakeFailed(Connection, why);
        // Not cut: the alert that says what is wrong is to arrive.
        Connection.Close(CloseReason.ProtocolError);
    }

    void ITlsOwner.HandshakeDone(TlsLayer secured)
    {
        Connection.Layer = secured;
        if (Connection.Layer.PeerCertificate.Subject is { } subject)
        {
            Connection.Subject = subject;
            Services.Sessions.Audit.Authenticated(Connection);
        }

        var inside = new OpeningSession(Detector, Connection, Refusal, Order);
        if (!DemandsToken)
        {
            inside.Deadline = Connection.Loop.Now + SessionLimits.SilenceMilliseconds;
        }

        Connection.Handler = inside;
        Connection.LayerIsReady();
    }

    /// <summary>Refuses a protocol in that protocol's own way; returns how many bytes that deals with, which is all.</summary>
    private int CannotBe(ReadOnlySpan<byte> answer, string what, int bytes, CloseReason reason = CloseReason.Unsupported)
    {
        bool untouched;
        lock (Connection.Outbound.Gate)
        {
            untouched = Connection.Outbound.TryCork();
        }

        if (!untouched)
        {
            return TooLate(what, bytes);
        }

        Connection.Outbound.Uncork(answer, Connection.Loop);
        Connection.Close(reason);
        return bytes;
    }

    private int RefuseInWebSocket(in Segment input)
    {
        Refuse(Ending.ProtocolError($"a WebSocket begins with a HELLO, whose first byte is 0x01; 0x{input.Span[0]:x2} came"));
        return input.Length;
    }

    private int TooLate(string what, int bytes)
    {
        Connection.CloseWithError(Ending.ProtocolError($"{what} after something was written to this connection as to a text user"));
        return bytes;
    }

    /// <summary>Whether it is refused whatever it says: TLS is missing, or a certificate that holds.</summary>
    private bool IsUnwelcome(FirstBytesKind kind) => MustBeSecured
        ? kind != FirstBytesKind.Tls && (kind != FirstBytesKind.Undecided || Connection.Input.IsFinal)
        : Connection.Layer.PeerCertificate.Objection is not null;

    private int RefuseFirst(FirstBytesKind kind, in Segment input)
    {
        if (kind == FirstBytesKind.Http)
        {
            var peer = Connection.Layer.PeerCertificate;
            var answer = MustBeSecured ? HttpAnswer.OnlyTls : HttpAnswer.Of(Ending.CertificateRefused(peer.IsShown, peer.Objection!));
            return CannotBe(answer.ToBytes(input.Span.StartsWith("HEAD "u8)), "HTTP", input.Length);
        }

        User.HasHello = kind == FirstBytesKind.Hello;
        if (MustBeSecured)
        {
            Refuse(Ending.Unsupported("this hub speaks TLS only, and this came in the clear"));
        }
        else
        {
            RefuseCertificate();
        }

        return input.Length;
    }

    private void RefuseCertificate()
    {
        var peer = Connection.Layer.PeerCertificate;
        Services.Authentication.NoteRefused(Connection.Peer, peer.Subject is { } subject ? $"{peer.Objection} ({subject})" : peer.Objection!);
        Refuse(Ending.CertificateRefused(peer.IsShown, peer.Objection!));
    }

    /// <summary>The first bytes, or the token, did not come in time.</summary>
    private void RefuseAsTooSlow()
    {
        // Something may have begun and be within its own time: then it is the token that is late.
        bool isTokenLate = DemandsToken && !MustBeSecured && !_isShakingHands
            && Connection.Loop.Now >= Services.Limits.AuthenticationDue(Connection.OpenedAt);
        var limits = Services.Limits.User;
        Services.Limited.Met(isTokenLate ? LimitKind.Authentication : LimitKind.Handshake, Connection.Peer, Connection.Loop);
        Refuse(isTokenLate ? Ending.NotAuthenticated(limits.AuthenticationTimeout) : Ending.TooSlow(_isInWebSocket ? "the HELLO" : "the first bytes", limits.HandshakeTimeout));
    }
}
