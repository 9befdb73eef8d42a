using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Protocols.Binary;
using MessageDelivery.Hub.Protocols.Text;
using MessageDelivery.Hub.Resuming;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;
using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Hub.Protocols.Detection;

/// <summary>
/// A connection whose first bytes have not told what it speaks (protocol, section 1). After a second of silence it is a
/// listed text user; its first bytes still decide, as long as nothing was written to it.
/// </summary>
internal sealed partial class OpeningSession : IProtocol, IReceiver
{
    public const long SilenceMilliseconds = 1_000;

    private readonly LoopServices _services;
    private readonly Connection _connection;
    private readonly Refusal? _refusal;
    private readonly OutboundQueue _queue;
    private readonly long _order;
    private User? _user;
    private IReceiver? _successor;
    private bool _began;
    private bool _helloBegan;
    private bool _isResumable;

    /// <param name="refusal">Why the connection cannot be had; null if it can.</param>
    /// <param name="order">The place of the connection among all that were accepted.</param>
    public OpeningSession(LoopServices services, Connection connection, Refusal? refusal, long order)
    {
        _order = order;
        _services = services;
        _connection = connection;
        _refusal = refusal;
        _queue = connection.Outbound;
        Deadline = connection.OpenedAt + SilenceMilliseconds;
        if (services.Admission.IsDemanded)
        {
            Deadline = services.Limits.AuthenticationDue(connection.OpenedAt);
            connection.Input.ReadLimit = ProtocolLimits.HeaderBytes + ProtocolLimits.MaxHelloLength;
        }

        if (MustBeSecured)
        {
            long due = services.Limits.HandshakeDue(connection.OpenedAt);
            Deadline = services.Admission.IsDemanded ? Math.Min(Deadline, due) : due;
        }
    }

    /// <inheritdoc/>
    public long Deadline { get; private set; }

    /// <inheritdoc/>
    public int RequestBytes(ReadOnlySpan<byte> front, bool isReceived) => isReceived ? FrameCheck.MaxMissingBytes([]) : FirstBytes.Tell(front) switch
    {
        FirstBytesKind.Hello => FrameCheck.RequestBytes(front),
        FirstBytesKind.Text when CommandsAhead.WholeBytes(front) is var whole and > 0 => whole,
        FirstBytesKind.Tls or FirstBytesKind.Http => front.Length,
        _ => FrameCheck.MaxMissingBytes([]),
    };

    /// <inheritdoc/>
    public QueueResult Deliver(Delivery delivery, IDeliveryWaiter? waiter, int place, EventLoop running)
    {
        var text = TextForm.Of(delivery, verbose: false);
        lock (_queue.Gate)
        {
            if (_successor is null)
            {
                if (_isLeft)
                {
                    return QueueResult.Closed;
                }

                // Once a HELLO has begun, the queue keeps frames back until it is known to be one.
                return _queue.TryAdd(_helloBegan ? delivery.Frames.Items : text, delivery.Relays, null, waiter, place, running);
            }
        }

        return _successor.Deliver(delivery, waiter, place, running);
    }

    /// <inheritdoc/>
    public void Remove() => _services.Loop.Call(_connection, () => _successor?.Remove());

    /// <inheritdoc/>
    public int Consume(in Segment input)
    {
        if (input.Length == 0)
        {
            return 0;
        }

        if (!_began)
        {
            _began = true;
            Deadline = Math.Min(
                _services.Limits.HandshakeDue(_connection.Input.LastReceived), _services.Admission.IsDemanded ? Deadline : long.MaxValue);
        }

        var kind = FirstBytes.Tell(input.Span);
        if (IsUnwelcome(kind))
        {
            return RefuseFirst(kind, input);
        }

        switch (kind)
        {
            case FirstBytesKind.Hello:
                return ConsumeHello(input);
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
    /// Who resumes is let in even where there is no memory to hear more: what is kept for it is freed. Whom there is none for is
    /// told so.
    /// </summary>
    public int ConsumeUrgent(ReadOnlySpan<byte> front)
    {
        var kind = FirstBytes.Tell(front);
        if (_connection.IsPaused || IsUnwelcome(kind))
        {
            // Its first words are being looked at already, or it is told in its turn that nothing comes of them.
            return 0;
        }

        if (kind == FirstBytesKind.Hello && TryReadHello(front, out var header, out var hello) && TryGoOn((HelloFlags)header.Flags, hello))
        {
            return ProtocolLimits.HeaderBytes + (int)header.Length;
        }

        if (_refusal != Refusal.Overloaded || kind == FirstBytesKind.Undecided)
        {
            return 0;
        }

        _helloBegan = kind == FirstBytesKind.Hello;
        RefuseAsTold();
        return front.Length;
    }

    /// <inheritdoc/>
    public void OnDeadline()
    {
        if (_began || MustBeSecured || _services.Admission.IsDemanded)
        {
            RefuseAsTooSlow();
        }
        else if (_refusal is not null)
        {
            RefuseAsTold();
        }
        else if (_connection.Layer.PeerCertificate.Objection is not null)
        {
            RefuseCertificate();
        }
        else
        {
            _user = _services.Join(this, _connection, "text", admitted: null);
            Deadline = long.MaxValue;
        }
    }

    /// <inheritdoc/>
    public void End(CloseReason reason)
    {
        switch (reason)
        {
            case CloseReason.SlowConsumer:
                _services.CutOff(_user?.Id ?? 0, _connection);
                break;
            case CloseReason.Overloaded:
                Refuse(ProtocolCode.Overloaded, reason, "the hub is out of message memory");
                break;
            default:
                SayShuttingDown();
                break;
        }
    }

    /// <inheritdoc/>
    public void Resumed()
    {
    }

    private void SayShuttingDown()
    {
        if (_isShakingHands)
        {
            _connection.Abort(CloseReason.ShuttingDown);
            return;
        }

        if (_helloBegan)
        {
            _connection.SendGoodbye(ProtocolCode.ShuttingDown, LoopServices.ShuttingDownText);
        }
        else
        {
            _connection.SendLast(ServerLines.ShuttingDown);
        }

        _connection.Close(CloseReason.ShuttingDown);
    }

    /// <inheritdoc/>
    public void Closed(CloseReason reason)
    {
        WithdrawCheck();
        if (_user is not null)
        {
            _services.Leave(_user, _connection);
        }
        else
        {
            _services.LeaveUnknown(_connection);
        }
    }

    private int ConsumeHello(in Segment input)
    {
        if (!_helloBegan && !TryBeginHello())
        {
            return TooLate("a HELLO", input);
        }

        var bytes = input.Span;
        if (bytes.Length < ProtocolLimits.HeaderBytes)
        {
            return 0;
        }

        var header = FrameHeader.Read(bytes);
        if (HelloCheck.Refusal(header, out string text) is var code && code != ProtocolCode.Normal)
        {
            Refuse(code, HelloCheck.Reason(code), text);
            return input.Length;
        }

        int frameBytes = ProtocolLimits.HeaderBytes + (int)header.Length;
        if (bytes.Length < frameBytes)
        {
            return 0;
        }

        var flags = (HelloFlags)header.Flags;
        if (!HelloPayload.TryRead(flags, bytes[ProtocolLimits.HeaderBytes..frameBytes], out var hello))
        {
            Refuse(ProtocolCode.ProtocolError, CloseReason.ProtocolError, HelloCheck.WrongPayload);
            return input.Length;
        }

        if ((_refusal is null || _refusal == Refusal.Overloaded) && TryGoOn(flags, hello))
        {
            return frameBytes;
        }

        if (_refusal is null && _services.Admission.IsDemanded)
        {
            BeginCheck(flags, hello);
            return _connection.IsOpen ? frameBytes : input.Length;
        }

        if (_refusal is not null)
        {
            RefuseAsTold();
            return input.Length;
        }

        _isResumable = flags != HelloFlags.None && _services.Sessions.Term.WindowMilliseconds > 0;
        var successor = BecomeBinary();
        return frameBytes + successor.Consume(new(input.Block, input.Offset + frameBytes, input.Length - frameBytes));
    }

    private bool TryBeginHello()
    {
        lock (_connection.Outbound.Gate)
        {
            return _helloBegan = _connection.Outbound.TryCork();
        }
    }

    private BinarySession BecomeBinary()
    {
        _user ??= _services.Join(this, _connection, "binary", _admitted);
        _connection.Protocol = "binary";
        var resumable = _isResumable ? new ResumableSession(_services.Sessions, _services, _user, _connection, _order) : null;
        var session = new BinarySession(_services, _connection, _user, resumable);
        Span<byte> welcome = stackalloc byte[BinaryReplies.WelcomeBytes];
        int length = BinaryReplies.WriteWelcome(welcome, _user.Id, _services.Limits, resumable, WelcomeFlags.None);
        lock (_queue.Gate)
        {
            _queue.Uncork(welcome[..length], _connection.Loop);
            _successor = (IReceiver?)resumable ?? session;
        }

        _user.Receiver = _successor;
        _connection.Handler = session;
        return session;
    }

    private int BecomeText(in Segment input)
    {
        if (_refusal is not null)
        {
            RefuseAsTold();
            return input.Length;
        }

        var session = new TextSession(_services, _connection, _user);
        _connection.Handler = session;
        return session.Consume(input);
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
        _connection.SendTextError(
            ProtocolCode.ProtocolError, $"{what} after something was written to this connection as to a text user");
        _connection.Close(CloseReason.ProtocolError);
        return input.Length;
    }

    private void RefuseAsTold() => Refuse(_refusal!.Code, _refusal.Reason, _refusal.Text);

    private void Refuse(ProtocolCode code, CloseReason reason, string text)
    {
        if (_isShakingHands)
        {
            // There is nothing yet to say it in.
            _connection.Abort(reason);
            return;
        }

        if (_helloBegan)
        {
            _connection.SendGoodbye(code, text);
        }
        else
        {
            _connection.SendTextError(code, text);
        }

        _connection.Close(reason);
    }
}
