using System.Text;
using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <content>From one connection to the next, and the end.</content>
internal sealed partial class Session
{
    private SessionLink? _link;
    private byte[]? _key;
    private TimeSpan _window;
    private long _unknownRelays;
    private WelcomePayload _welcome = new(0, ProtocolLimits.MaxBodyBytes, ProtocolLimits.MaxReceivers, 0);
    private HubConnectionException? _lost;
    private volatile HubConnectionException? _refusal;

    /// <summary>The id and the limits; those of the last connection while there is none.</summary>
    public WelcomePayload Welcome
    {
        get
        {
            lock (_gate)
            {
                return _welcome;
            }
        }
    }

    /// <summary>Whether calls go to the hub at once.</summary>
    public bool IsConnected
    {
        get
        {
            lock (_gate)
            {
                return _link is not null;
            }
        }
    }

    /// <summary>
    /// For how long after the loss of a connection the session may be resumed; null where there is nothing to resume. The hub
    /// may have noticed the loss later than the client, by as much as it waits for a sign of life.
    /// </summary>
    public TimeSpan? ResumeWindow
    {
        get
        {
            lock (_gate)
            {
                return _key is null ? null : _window + TimeSpan.FromSeconds(2 * _welcome.HeartbeatSeconds);
            }
        }
    }

    /// <summary>Whether the goodbye is on its way but there is no connection, and calls taken before it need one.</summary>
    public bool IsOwedToCalls
    {
        get
        {
            lock (_gate)
            {
                return _link is null && _key is not null && _refusal is null
                    && (_frames.Relays > _frames.Settled || _receipts.Count > 0 || _waiters.Any(waiter => waiter.Frame.Type != FrameType.Goodbye)
                        || _requests.Any(request => request is not HeartbeatRequest));
            }
        }
    }

    /// <summary>What a hub that is shutting down ended the last connection with, while there is no other: there may be no hub to come back to.</summary>
    public HubConnectionException? Farewell
    {
        get
        {
            lock (_gate)
            {
                return _link is null && _lost is { Code: ProtocolCode.ShuttingDown } ? _lost : null;
            }
        }
    }

    /// <summary>The HELLO of the next connection: it resumes where there is something to resume.</summary>
    /// <param name="link">The connection.</param>
    /// <param name="token">The token; empty for none.</param>
    public byte[] CreateHello(SessionLink link, string token)
    {
        lock (_gate)
        {
            link.FramesTold = _acknowledgements.Total;
            var flags = !AsksForResume ? HelloFlags.None : _key is null ? HelloFlags.Resumable : HelloFlags.Resumable | HelloFlags.Resume;
            var hello = new HelloPayload { SessionKey = _key, FramesReceived = link.FramesTold, Token = Encoding.UTF8.GetBytes(token) };
            byte[] frame = new byte[ProtocolLimits.HeaderBytes + hello.Length];
            new FrameHeader(FrameType.Hello, (byte)flags, ProtocolLimits.Version, (uint)hello.Length).Write(frame);
            hello.Write(frame.AsSpan(ProtocolLimits.HeaderBytes));
            return frame;
        }
    }

    /// <summary>
    /// A connection has ended; false if it had before. What is pending waits for the next one if the session may be resumed, and
    /// fails with the reason if not.
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
                _lost = reason;
                Presence.NoteUncertain();
                if (_key is null || !MayResumeAfter(reason))
                {
                    _key = null;
                    Refuse(reason, reason);
                }
            }
        }

        Outbound.Set();
        return true;
    }

    /// <summary>Takes calls as a new user, now that everybody has been told.</summary>
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

    /// <summary>The time in which the session could be resumed has passed: what is pending fails.</summary>
    public void Expire()
    {
        lock (_gate)
        {
            if (_link is null && _key is not null)
            {
                _key = null;
                Lose();
            }
        }
    }

    /// <summary>
    /// Queues the GOODBYE behind everything the client has taken, and takes nothing more. False if there is no connection.
    /// </summary>
    public bool BeginClose()
    {
        bool isConnected;
        lock (_gate)
        {
            isConnected = _link is not null;
            if (!_goodbyeQueued && (isConnected || _refusal is null))
            {
                _goodbyeQueued = true;
                _waiters.AddLast(new Waiter(this, new(FrameType.Goodbye)).Node);
                Pump();
            }
        }

        Outbound.Set();
        return isConnected;
    }

    /// <summary>There will be no further connection: everything fails, and the memory goes back. After the last connection's end.</summary>
    public void End(HubConnectionException reason, bool isClosedHere)
    {
        lock (_gate)
        {
            _key = null;
            Refuse(reason, reason);
            _frames.Clear();
        }

        Presence.Complete(isClosedHere ? null : reason);
    }

    private bool AsksForResume => _options.Resume && _options.Reconnect is not null;

    // Other codes end the session, not only the connection.
    private static bool MayResumeAfter(HubConnectionException reason) => reason.Code is null
        or ProtocolCode.ShuttingDown or ProtocolCode.HeartbeatTimeout or ProtocolCode.SlowConsumer;

    private HubConnectionException? ReceiveWelcome(SessionLink link, in Frame frame)
    {
        var flags = (WelcomeFlags)frame.Header.Flags;
        SessionTerms terms = default;
        if (frame.Header.Argument != ProtocolLimits.Version || !WelcomePayload.TryRead(frame.Payload, out WelcomePayload welcome)
            || welcome.UserId is 0 or >= ProtocolLimits.MaxUserIdExclusive
            || (flags.HasFlag(WelcomeFlags.Resumable) && !SessionTerms.TryRead(frame.Payload, out terms)))
        {
            return Violation($"a WELCOME of version {frame.Header.Argument} with {frame.PayloadBytes} bytes that this client does not understand");
        }

        bool isResumed = flags.HasFlag(WelcomeFlags.Resumed);
        lock (_gate)
        {
            if (link.CloseReason is not null)
            {
                return null;
            }

            if (isResumed)
            {
                if (_key is null || !flags.HasFlag(WelcomeFlags.Resumable) || welcome.UserId != _welcome.UserId)
                {
                    return Violation($"a WELCOME that resumes a session of user {welcome.UserId}, which nobody asked for");
                }

                if (_frames.NumberAt(terms.RelaysProcessed) is not { } relay || !_frames.TryRewind(relay))
                {
                    return Violation($"a WELCOME with {terms.RelaysProcessed} relays processed, which is not between what it had acknowledged and what was sent");
                }

                _acknowledgements.Resume(link.FramesTold);
            }
            else
            {
                if (_key is not null)
                {
                    Lose();
                    if (_goodbyeQueued)
                    {
                        return new HubSessionLostException(_lost!, mayBeCarriedOut: true);
                    }
                }

                _frames.Clear();
                _acknowledgements.Clear();
                _frames.Retains = AsksForResume && flags.HasFlag(WelcomeFlags.Resumable);
            }

            _key = _frames.Retains ? terms.Key.ToArray() : null;
            _window = TimeSpan.FromSeconds(terms.WindowSeconds);
            link.Opening = new(isResumed, _welcome.UserId, welcome.UserId, welcome.HeartbeatSeconds, _unknownRelays);
            _welcome = welcome with
            {
                MaxBodyBytes = Math.Min(welcome.MaxBodyBytes, ProtocolLimits.MaxBodyBytes),
                MaxReceivers = Math.Min(welcome.MaxReceivers, (ushort)ProtocolLimits.MaxReceivers),
            };
            _unknownRelays = 0;
            _link = link;
            if (isResumed || link.Opening.OldUserId == 0)
            {
                _refusal = null;
            }

            Restart();
        }

        Outbound.Set();
        return null;
    }

    /// <summary>What was asked and not answered has been asked again.</summary>
    private void Restart()
    {
        foreach (PendingRequest request in _requests)
        {
            request.Restart();
        }

        NoteNewConnection();
        Pump();
    }

    private void Lose()
    {
        HubConnectionException lost = _lost!;
        Refuse(
            new HubSessionLostException(lost, mayBeCarriedOut: true),
            new HubSessionLostException(lost, mayBeCarriedOut: false));
    }

    /// <summary>Fails what is pending, and from now on every call.</summary>
    private void Refuse(HubConnectionException taken, HubConnectionException waiting)
    {
        if (_refusal is null)
        {
            // Relays carried out whose receipt has not come are those of CONFIRM.
            _unknownRelays += (long)(_frames.Relays - _frames.Settled) + _receipts.Keys.LongCount(relay => relay <= _frames.Settled);
        }

        _refusal = waiting;
        foreach (PendingRequest request in (IEnumerable<PendingRequest>)[.. _requests, .. _receipts.Values])
        {
            request.Fail(taken);
        }

        foreach (Waiter waiter in _waiters)
        {
            waiter.TrySetException(waiting);
        }

        _requests.Clear();
        _receipts.Clear();
        _waiters.Clear();
        (_isProbing, _isFeedListPending, _relayAwaitsFence) = (false, false, false);
    }
}
