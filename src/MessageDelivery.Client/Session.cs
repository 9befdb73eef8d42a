using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>
/// A session with the hub over one connection after another: attaches and detaches connections, and decides what becomes of calls when a
/// connection or the session is lost. Knows no transport. Thread-safe; its lock is never held across an await or a system call, and only
/// those of the presence feed and the acknowledgements are taken inside it.
/// </summary>
internal sealed class Session : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Acknowledgements _acknowledgements;
    private readonly FrameSender _sender;
    private readonly FrameDispatcher _dispatcher;
    private readonly SessionHandshake _handshake;

    // The connection behind its WELCOME; null while there is none.
    private SessionLink? _link;

    // Why the last connection ended, and why calls are refused.
    private HubConnectionException? _lost;
    private volatile HubConnectionException? _refusal;
    private long _unknownRelays;
    private volatile bool _isClosing;

    public Session(HubClientOptions options, DeliveryQueue deliveries, Action<HubRequestException> relayRejected, ClientTelemetry? telemetry = null)
    {
        _acknowledgements = new(options.TimeProvider, () => _dispatcher!.Acknowledge());
        Presence = new(UpdateSubscription);
        _sender = new(options, _acknowledgements, Presence, Cancel);
        _dispatcher = new(_gate, _sender, _acknowledgements, deliveries, Presence, options.DiscardDeliveries, telemetry ?? new(options), relayRejected);
        _handshake = new(options, _sender.Frames, _acknowledgements);
    }

    /// <summary>Who is there, for those who watch.</summary>
    public PresenceFeed Presence { get; }

    /// <summary>Signalled when there is something to send, and at a connection's end.</summary>
    public AsyncSignal Outbound => _sender.Ready;

    /// <summary>Whether nothing waits to be sent.</summary>
    public bool IsSendIdle
    {
        get
        {
            lock (_gate)
            {
                return _sender.Frames.IsSent;
            }
        }
    }

    /// <inheritdoc cref="FrameSender.MayBeBackpressured"/>
    public bool MayBeBackpressured
    {
        get
        {
            lock (_gate)
            {
                return _sender.MayBeBackpressured;
            }
        }
    }

    /// <summary>Bytes that wait to be sent or acknowledged, for tests.</summary>
    public long PendingBytes
    {
        get
        {
            lock (_gate)
            {
                return _sender.Frames.Bytes;
            }
        }
    }

    /// <inheritdoc cref="SessionHandshake.Welcome"/>
    public WelcomePayload Welcome
    {
        get
        {
            lock (_gate)
            {
                return _handshake.Welcome;
            }
        }
    }

    /// <inheritdoc cref="SessionHandshake.ResumeWindow"/>
    public TimeSpan? ResumeWindow
    {
        get
        {
            lock (_gate)
            {
                return _handshake.ResumeWindow;
            }
        }
    }

    /// <summary>Whether there is no connection, and calls need the session to be resumed.</summary>
    public bool NeedsConnection
    {
        get
        {
            lock (_gate)
            {
                return _link is null && _handshake.CanResume && _refusal is null && _sender.HasCallers;
            }
        }
    }

    /// <summary>The GOODBYE of a hub that is shutting down, while there is no other connection: there may be no hub to come back to.</summary>
    public HubConnectionException? Shutdown
    {
        get
        {
            lock (_gate)
            {
                return _link is null && _lost is { Code: ProtocolCode.ShuttingDown } ? _lost : null;
            }
        }
    }

    /// <summary>Whether the program closes the client.</summary>
    public bool IsClosing => _isClosing;

    /// <summary>Whether the last connection was lost behind the GOODBYE, so that it is not known what was sent.</summary>
    public bool WasLostWhileClosing { get; private set; }

    /// <summary>
    /// Accepts a frame: at once, or when there is room. Completes when the caller's memory is free again. A call that is cancelled before that is
    /// not sent.
    /// </summary>
    public ValueTask SendAsync(in OutboundFrame frame, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        SendWaiter? waiter;
        lock (_gate)
        {
            if ((_refusal ?? (_sender.IsClosing ? HubConnectionException.ClosedHere() : null)) is { } reason)
            {
                return ValueTask.FromException(reason);
            }

            try
            {
                waiter = _sender.Send(frame);
            }
            catch (Exception error)
            {
                return ValueTask.FromException(error);
            }
        }

        Outbound.Set();
        return waiter?.WaitAsync(cancellationToken) ?? ValueTask.CompletedTask;
    }

    /// <summary>Sends a request and waits for its answer. The answer of a cancelled call is dropped.</summary>
    public async ValueTask<T> RequestAsync<T>(PendingRequest<T> request, OutboundFrame frame, CancellationToken cancellationToken)
    {
        await SendAsync(frame, cancellationToken).ConfigureAwait(false);
        return await request.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc cref="FrameSender.TryWriteHeartbeat"/>
    public bool TrySendHeartbeat()
    {
        bool isWritten;
        lock (_gate)
        {
            isWritten = _sender.TryWriteHeartbeat();
        }

        Outbound.Set();
        return isWritten;
    }

    /// <summary>Takes the next bytes to send on a connection. Report them with <see cref="NoteSent"/> even if sending failed.</summary>
    public bool TryTakeOutbound(SessionLink link, out ArraySegment<byte> batch)
    {
        lock (_gate)
        {
            batch = default;
            return _link == link && _sender.Frames.TryTake(out batch);
        }
    }

    public void NoteSent(ArraySegment<byte> batch)
    {
        lock (_gate)
        {
            _sender.NoteSent(batch);
        }
    }

    /// <summary>Processes a frame from a connection. Returns why that is to end, or null. Called by its receive loop only.</summary>
    public HubConnectionException? Receive(SessionLink link, in Frame frame) =>
        link.Start is not null || frame.Header.Type == FrameType.GoodbyeReply ? _dispatcher.Dispatch(frame)
        : frame.Header.Type == FrameType.Welcome ? ReceiveWelcome(link, frame)
        : ProtocolViolation.NotAHub(frame.Header);

    /// <inheritdoc cref="FrameDispatcher.AcknowledgeIfDue"/>
    public void AcknowledgeIfDue() => _dispatcher.AcknowledgeIfDue();

    /// <inheritdoc cref="SessionHandshake.CreateHello"/>
    public byte[] CreateHello(SessionLink link, string token)
    {
        lock (_gate)
        {
            return _handshake.CreateHello(link, token);
        }
    }

    /// <summary>
    /// A connection has ended; false if it had ended before. Pending calls wait for the next one if the session may be resumed, and fail if not.
    /// </summary>
    public bool Detach(SessionLink link, HubConnectionException reason)
    {
        lock (_gate)
        {
            if (link.CloseReason is not null)
            {
                return false;
            }

            link.CloseReason = reason;
            if (_link == link)
            {
                _link = null;
                _sender.IsConnected = false;
                _lost = reason;
                WasLostWhileClosing = _sender.IsClosing;
                Presence.NoteUncertain();
                if (!_handshake.CanResumeAfter(reason))
                {
                    _handshake.GiveUp();
                    Refuse(reason, reason);
                }
            }
        }

        Outbound.Set();
        return true;
    }

    /// <summary>Accepts calls as a new user, after the handlers of the event have returned.</summary>
    public void Accept(SessionLink link)
    {
        lock (_gate)
        {
            if (_link == link)
            {
                _refusal = null;
            }
        }
    }

    /// <summary>The resume window has passed: pending calls fail.</summary>
    public void Expire()
    {
        lock (_gate)
        {
            if (_link is null && _handshake.CanResume)
            {
                _handshake.GiveUp();
                Lose();
            }
        }
    }

    /// <summary>
    /// Queues the GOODBYE behind all accepted calls, and accepts no more. False if there is neither a connection nor a call that needs one.
    /// </summary>
    public bool BeginClose()
    {
        bool isNeeded;
        lock (_gate)
        {
            isNeeded = _link is not null || NeedsConnection;
            _isClosing = true;
            if (!_sender.IsClosing && (_link is not null || _refusal is null))
            {
                _sender.BeginClose();
            }
        }

        Outbound.Set();
        return isNeeded;
    }

    /// <summary>There will be no further connection: fails all calls and releases the memory. After the last connection has completed.</summary>
    public void End(HubConnectionException reason, bool isClosedHere)
    {
        lock (_gate)
        {
            _handshake.GiveUp();
            Refuse(reason, reason);
            _sender.Frames.Clear();
        }

        Presence.Complete(isClosedHere ? null : reason);
    }

    public void Dispose() => _acknowledgements.Dispose();

    private HubConnectionException? ReceiveWelcome(SessionLink link, in Frame frame)
    {
        if (!SessionHandshake.TryRead(frame, out WelcomeFlags flags, out WelcomePayload payload, out SessionTerms terms))
        {
            return ProtocolViolation.Sent($"a WELCOME of version {frame.Header.Argument} with {frame.PayloadBytes} bytes that this client does not understand");
        }

        bool isResumed = flags.HasFlag(WelcomeFlags.Resumed);
        lock (_gate)
        {
            if (link.CloseReason is not null)
            {
                return null;
            }

            ulong oldUser = _handshake.Welcome.UserId;
            if (isResumed)
            {
                if (_handshake.Resume(link, flags, payload, terms) is { } violation)
                {
                    return violation;
                }
            }
            else
            {
                if (_handshake.CanResume)
                {
                    Lose();
                    if (_sender.IsClosing)
                    {
                        // The calls to wait for were the old user's.
                        return new HubSessionLostException(_lost!, mayBeCarriedOut: true);
                    }
                }

                _handshake.Begin(flags, payload, terms);
            }

            link.Start = new(isResumed, oldUser, payload.UserId, payload.HeartbeatSeconds, _unknownRelays);
            _unknownRelays = 0;
            _link = link;
            if (isResumed || oldUser == 0)
            {
                _refusal = null;
            }

            _sender.Restart();
        }

        Outbound.Set();
        return null;
    }

    private void Lose() => Refuse(
        new HubSessionLostException(_lost!, mayBeCarriedOut: true),
        new HubSessionLostException(_lost!, mayBeCarriedOut: false));

    /// <summary>Fails all pending calls, and every new one.</summary>
    private void Refuse(HubConnectionException pending, HubConnectionException waiting)
    {
        _unknownRelays += _refusal is null ? _sender.UnknownRelays : 0;
        _refusal = waiting;
        _sender.Fail(pending, waiting);
    }

    private void Cancel(SendWaiter waiter, CancellationToken token)
    {
        lock (_gate)
        {
            _sender.Cancel(waiter, token);
        }

        Outbound.Set();
    }

    private void UpdateSubscription()
    {
        lock (_gate)
        {
            _sender.UpdateSubscription();
        }

        Outbound.Set();
    }
}
