using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Protocols.Binary;
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
    private readonly Detector _detector;
    private readonly LoopServices _services;
    private readonly Connection _connection;
    private readonly Ending? _refusal;
    private readonly long _order;
    private readonly UndecidedUser _user;
    private HelloHandshake? _hello;
    private bool _began;
    private bool _isShakingHands;

    /// <param name="refusal">Why the connection is refused; null if it is not.</param>
    /// <param name="order">The number of the connection among all that were accepted.</param>
    public OpeningSession(Detector detector, Connection connection, Ending? refusal, long order)
    {
        _order = order;
        _detector = detector;
        _services = detector.Shared;
        _connection = connection;
        _refusal = refusal;
        _user = new(_services, connection);
        Deadline = connection.OpenedAt + SessionLimits.SilenceMilliseconds;
        if (DemandsToken)
        {
            Deadline = _services.Limits.AuthenticationDue(connection.OpenedAt);
            connection.Input.ReadLimit = ProtocolLimits.HeaderBytes + ProtocolLimits.MaxHelloLength;
        }

        if (MustBeSecured)
        {
            long due = _services.Limits.HandshakeDue(connection.OpenedAt);
            Deadline = DemandsToken ? Math.Min(Deadline, due) : due;
        }
    }

    public long Deadline { get; set; }

    private bool DemandsToken => _services.Authentication.IsDemanded;

    private bool MustBeSecured => _detector.Tls is { IsRequired: true } && !_connection.Layer.IsEncrypted;

    private HelloHandshake Hello => _hello ??= new(_detector, this, _user, _connection, _refusal, _order);

    public int RequestBytes(ReadOnlySpan<byte> front, bool isReceived) => isReceived ? FrameCheck.MaxMissingBytes([]) : FirstBytes.Tell(front) switch
    {
        FirstBytesKind.Hello => FrameCheck.RequestBytes(front),
        FirstBytesKind.Text when CommandsAhead.WholeBytes(front) is var whole and > 0 => whole,
        FirstBytesKind.Tls or FirstBytesKind.Http => front.Length,
        _ => FrameCheck.MaxMissingBytes([]),
    };

    public int Consume(in Segment input)
    {
        if (input.Length == 0)
        {
            return 0;
        }

        if (!_began)
        {
            _began = true;
            Deadline = Math.Min(_services.Limits.HandshakeDue(_connection.Input.LastReceived), DemandsToken ? Deadline : long.MaxValue);
        }

        var kind = FirstBytes.Tell(input.Span);
        if (IsUnwelcome(kind))
        {
            return RefuseFirst(kind, input);
        }

        switch (kind)
        {
            case FirstBytesKind.Hello:
                return _user.TryBeginHello() ? Hello.Consume(input) : TooLate("a HELLO", input);
            case FirstBytesKind.Tls:
                return ConsumeTls(input);
            case FirstBytesKind.Http:
                return CannotBe(FirstBytes.HttpResponse(input.Span), "HTTP", input);
            case FirstBytesKind.Undecided when !_connection.Input.IsFinal:
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
        if (_connection.IsPaused || IsUnwelcome(kind))
        {
            // Its first bytes are being handled already, or are refused when they are received.
            return 0;
        }

        if (kind == FirstBytesKind.Hello && HelloCheck.TryRead(front, out var header, out var hello, out _)
            && Hello.TryResume((HelloFlags)header.Flags, hello))
        {
            return ProtocolLimits.HeaderBytes + (int)header.Length;
        }

        if (_refusal != Ending.Overloaded || kind == FirstBytesKind.Undecided)
        {
            return 0;
        }

        _user.HasHello = kind == FirstBytesKind.Hello;
        Refuse(_refusal);
        return front.Length;
    }

    public void OnDeadline()
    {
        if (_began || MustBeSecured || DemandsToken)
        {
            RefuseAsTooSlow();
        }
        else if (_refusal is not null)
        {
            Refuse(_refusal);
        }
        else if (_connection.Layer.PeerCertificate.Objection is not null)
        {
            RefuseCertificate();
        }
        else
        {
            _user.Join("text", signedIn: null);
            Deadline = long.MaxValue;
        }
    }

    public void End(CloseReason reason)
    {
        if (reason == CloseReason.SlowConsumer)
        {
            _services.CutOff(_user.User?.Id ?? 0, _connection);
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
        _services.Leave(_user.User, _connection);
    }

    /// <summary>Ends the connection, in words that the peer understands as far as it is known what it speaks.</summary>
    public void Refuse(Ending ending)
    {
        if (_isShakingHands)
        {
            // There is nothing yet to say it in.
            _connection.Abort(ending.Reason);
        }
        else if (_user.HasHello)
        {
            _connection.SendGoodbye(ending);
            _connection.Close(ending.Reason);
        }
        else
        {
            _connection.CloseWithError(ending);
        }
    }

    private int BecomeText(in Segment input)
    {
        if (_refusal is not null)
        {
            Refuse(_refusal);
            return input.Length;
        }

        var session = new TextSession(_services, _connection, _user.User);
        _connection.Handler = session;
        return session.Consume(input);
    }

    /// <summary>After the handshake the first byte inside decides again.</summary>
    private int ConsumeTls(in Segment input)
    {
        if (_connection.Layer.IsEncrypted)
        {
            _connection.CloseWithError(Ending.Unsupported("TLS inside of TLS"));
            return input.Length;
        }

        if (_detector.Tls is not { } acceptor)
        {
            return CannotBe(FirstBytes.TlsAlert, "TLS", input);
        }

        if (!_user.TryLeaveForTls())
        {
            return TooLate("TLS", input);
        }

        _isShakingHands = true;
        var layer = acceptor.Create(_connection.Layer, _connection.Loop.Pool, this, () => _connection.Post(ConnectionWork.Layer));
        _connection.Layer = layer;
        layer.Begin(input.Span);
        return input.Length;
    }

    void ITlsOwner.HandshakeRefused(bool forLoad)
    {
        _services.NoteHandshakeFailed(_connection, forLoad ? "too many handshakes wait already" : "what came was not TLS, or it broke off");
        _connection.Abort(forLoad ? CloseReason.Overloaded : CloseReason.ProtocolError);
    }

    void ITlsOwner.HandshakeFailed(string why)
    {
        _services.NoteHandshakeFailed(_connection, why);
        // Not cut: the alert that says what is wrong is to arrive.
        _connection.Close(CloseReason.ProtocolError);
    }

    void ITlsOwner.HandshakeDone(TlsLayer secured)
    {
        _connection.Layer = secured;
        if (_connection.Layer.PeerCertificate.Subject is { } subject)
        {
            _connection.Subject = subject;
            _services.Sessions.Audit.Authenticated(_connection);
        }

        var inside = new OpeningSession(_detector, _connection, _refusal, _order);
        if (!DemandsToken)
        {
            inside.Deadline = _connection.Loop.Now + SessionLimits.SilenceMilliseconds;
        }

        _connection.Handler = inside;
        _connection.LayerIsReady();
    }

    /// <summary>Answers a protocol that the hub does not speak in that protocol's own way.</summary>
    private int CannotBe(ReadOnlySpan<byte> answer, string what, in Segment input)
    {
        bool untouched;
        lock (_connection.Outbound.Gate)
        {
            untouched = _connection.Outbound.TryCork();
        }

        if (!untouched)
        {
            return TooLate(what, input);
        }

        _connection.Outbound.Uncork(answer, _connection.Loop);
        _connection.Close(CloseReason.Unsupported);
        return input.Length;
    }

    private int TooLate(string what, in Segment input)
    {
        _connection.CloseWithError(Ending.ProtocolError($"{what} after something was written to this connection as to a text user"));
        return input.Length;
    }

    /// <summary>Whether it is refused whatever it says: TLS is missing, or a certificate that holds.</summary>
    private bool IsUnwelcome(FirstBytesKind kind) => MustBeSecured
        ? kind != FirstBytesKind.Tls && (kind != FirstBytesKind.Undecided || _connection.Input.IsFinal)
        : _connection.Layer.PeerCertificate.Objection is not null;

    private int RefuseFirst(FirstBytesKind kind, in Segment input)
    {
        if (kind == FirstBytesKind.Http)
        {
            return CannotBe(FirstBytes.HttpResponse(input.Span), "HTTP", input);
        }

        _user.HasHello = kind == FirstBytesKind.Hello;
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
        var peer = _connection.Layer.PeerCertificate;
        _services.Authentication.NoteRefused(_connection.Peer, peer.Subject is { } subject ? $"{peer.Objection} ({subject})" : peer.Objection!);
        Refuse(Ending.CertificateRefused(peer.IsShown, peer.Objection!));
    }

    /// <summary>The first bytes, or the token, did not come in time.</summary>
    private void RefuseAsTooSlow()
    {
        // Something may have begun and be within its own time: then it is the token that is late.
        bool isTokenLate = DemandsToken && !MustBeSecured && !_isShakingHands
            && _connection.Loop.Now >= _services.Limits.AuthenticationDue(_connection.OpenedAt);
        var limits = _services.Limits.User;
        _services.Limited.Met(isTokenLate ? LimitKind.Authentication : LimitKind.Handshake, _connection.Peer, _connection.Loop);
        Refuse(isTokenLate ? Ending.NotAuthenticated(limits.AuthenticationTimeout) : Ending.TooSlow("the first bytes", limits.HandshakeTimeout));
    }
}
