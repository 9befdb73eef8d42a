using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>
/// The conversation with the hub, over one connection after another: which frames go out in which order, which call each answer
/// belongs to, and what becomes of both when a connection is lost. Knows no socket. Thread-safe; its only lock is never held
/// across an await or a system call, and only the presence feed's is taken inside it.
/// </summary>
/// <remarks>
/// Answers come in the order of their requests, but for receipts, which are known by their correlation. So an ERROR without one
/// belongs to the oldest request without an answer, unless a relay without a receipt stands before that: such a relay has no
/// answer but possibly an ERROR. Therefore a request that could itself be answered by such an ERROR is sent behind a HEARTBEAT if
/// such a relay stands between it and the request before; what comes before the heartbeat's answer is the relay's.
/// </remarks>
internal sealed partial class Session : IDisposable
{
    // With nothing pending but answers, memory is bounded by this many requests; callers beyond it wait as for the buffer.
    private const int MaxPendingRequests = 16 * 1024;

    private readonly Lock _gate = new();
    private readonly HubClientOptions _options;
    private readonly DeliveryQueue _deliveries;
    private readonly Action<HubRequestException> _relayRejected;
    private readonly ClientTelemetry _telemetry;
    private readonly RetainedFrames _frames = new();
    private readonly Acknowledgements _acknowledgements;
    private readonly LinkedList<Waiter> _waiters = new();
    private readonly Queue<PendingRequest> _requests = new();
    private readonly Dictionary<ulong, ReceiptRequest> _receipts = [];
    private ulong _lastHoldingRelay;
    private bool _relayAwaitsFence;
    private bool _isProbing;
    private bool _goodbyeQueued;
    private bool _goodbyeWritten;

    public Session(HubClientOptions options, DeliveryQueue deliveries, Action<HubRequestException> relayRejected, ClientTelemetry? telemetry = null)
    {
        _telemetry = telemetry ?? new(options);
        _options = options;
        _deliveries = deliveries;
        _relayRejected = relayRejected;
        _acknowledgements = new(options.TimeProvider, Acknowledge);
        _deliveries.Taken = Take;
        Presence = new(UpdateWatch);
    }

    /// <summary>Who is there, for those who watch.</summary>
    public PresenceFeed Presence { get; }

    /// <summary>Signalled when there is something to send, and at a connection's end.</summary>
    public AsyncSignal Outbound { get; } = new();

    /// <summary>Whether nothing waits to be sent.</summary>
    public bool IsSendIdle
    {
        get
        {
            lock (_gate)
            {
                return _frames.IsSent;
            }
        }
    }

    /// <summary>
    /// Whether the hub may be holding this sender back for a full receiver: then it neither reads nor answers, for as long as
    /// that receiver takes, and its silence means nothing.
    /// </summary>
    public bool MayBeHeldBack
    {
        get
        {
            lock (_gate)
            {
                return _lastHoldingRelay > _frames.Settled;
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
                return _frames.Bytes;
            }
        }
    }

    /// <summary>
    /// Takes a frame: at once, or when those before it have made room. Completes when the caller's memory is free again. A call
    /// that is cancelled before that is not sent.
    /// </summary>
    public ValueTask SendAsync(in OutboundFrame frame, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        Waiter? waiter = null;
        lock (_gate)
        {
            if ((_refusal ?? (_goodbyeQueued ? ClosedHere() : null)) is { } reason)
            {
                return ValueTask.FromException(reason);
            }

            if (_waiters.Count > 0 || !HasRoom)
            {
                waiter = new(this, frame);
                _waiters.AddLast(waiter.Node);
                ProbeForRoom();
            }
            else if (TryWrite(frame) is { } error)
            {
                return ValueTask.FromException(error);
            }
        }

        Outbound.Set();
        return waiter?.WaitAsync(cancellationToken) ?? ValueTask.CompletedTask;
    }

    /// <summary>Sends a request and waits for its answer. A call that is cancelled leaves its place, and its answer is swallowed.</summary>
    public async ValueTask<T> RequestAsync<T>(PendingRequest<T> request, OutboundFrame frame, CancellationToken cancellationToken)
    {
        await SendAsync(frame, cancellationToken).ConfigureAwait(false);
        return await request.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Queues a HEARTBEAT, whatever waits; false if the connection is over or the end of the conversation is on the way.</summary>
    public bool TrySendHeartbeat()
    {
        lock (_gate)
        {
            if (_link is null || _goodbyeQueued)
            {
                return false;
            }

            Write(new(FrameType.Heartbeat) { Request = new HeartbeatRequest() });
        }

        Outbound.Set();
        return true;
    }

    /// <summary>Takes the next bytes to send on a connection. They are to be reported by <see cref="NoteSent"/>, however sending went.</summary>
    public bool TryTakeOutbound(SessionLink link, out ArraySegment<byte> batch)
    {
        lock (_gate)
        {
            batch = default;
            return _link == link && _frames.TryTake(out batch);
        }
    }

    public void NoteSent(ArraySegment<byte> batch)
    {
        lock (_gate)
        {
            _frames.NoteSent(batch);
            Pump();
        }
    }

    public void Dispose() => _acknowledgements.Dispose();

    private static HubConnectionException ClosedHere() => new(ProtocolCode.Normal, "the client was closed");

    // Before the first connection nothing is written, since WELCOME decides how: calls wait with their memory.
    private bool HasRoom => _welcome.UserId != 0 && _frames.Bytes < _options.SendBufferBytes && _requests.Count + _receipts.Count < MaxPendingRequests;

    /// <summary>Writes a caller's frame; returns what is wrong with it where its memory cannot be read.</summary>
    private Exception? TryWrite(in OutboundFrame frame)
    {
        try
        {
            Write(frame);
            return null;
        }
        catch (Exception error)
        {
            return error;
        }
    }

    private void Write(OutboundFrame frame)
    {
        if (frame.Type == FrameType.Relay)
        {
            _frames.Append(frame);
            _relayAwaitsFence |= frame.Request is null;
            if ((frame.Flags & RelayFlags.BestEffort) == 0)
            {
                _lastHoldingRelay = _frames.Relays;
            }

            if (frame.Request is ReceiptRequest receipt)
            {
                receipt.Relay = _frames.Relays;
                _receipts.Add(receipt.Relay, receipt);
            }

            return;
        }

        if (frame.Request is not null && _relayAwaitsFence && frame.Type != FrameType.Heartbeat)
        {
            Write(new(FrameType.Heartbeat) { Request = new HeartbeatRequest() });
        }

        if (frame.Request is ListRequest list)
        {
            NoteListWritten(list);
            frame = frame with { ListFlags = list.Watches ? ListFlags.Watch : ListFlags.None };
        }

        // What was taken is confirmed to its senders only if the hub knows.
        bool isGoodbye = frame.Type == FrameType.Goodbye;
        if (isGoodbye && _frames.Retains && _acknowledgements.TryAcknowledge(out ulong total))
        {
            _frames.Acknowledge(total);
        }

        // Throws where the caller's memory cannot be read: then nothing has happened.
        _frames.Append(frame);
        _goodbyeWritten |= isGoodbye;
        if (frame.Request is { } request)
        {
            request.Relay = _frames.Relays;
            _requests.Enqueue(request);
            _relayAwaitsFence = false;
        }
    }

    private void Pump()
    {
        while (_waiters.First is { } first && HasRoom)
        {
            _waiters.RemoveFirst();
            if (TryWrite(first.Value.Frame) is { } error)
            {
                first.Value.TrySetException(error);
            }
            else
            {
                first.Value.TrySetResult();
            }
        }

        ProbeForRoom();
    }

    /// <summary>
    /// Who waits for room does not wait until the hub acknowledges by itself, which takes it a second where the buffer is smaller
    /// than what it acknowledges at once: the answer to a heartbeat shows as well what has been carried out.
    /// </summary>
    private void ProbeForRoom()
    {
        if (_frames.Retains && _waiters.Count > 0 && !_isProbing && _link is not null && _frames.Relays > _frames.Settled)
        {
            _isProbing = true;
            Write(new(FrameType.Heartbeat) { Request = new HeartbeatRequest { IsProbe = true } });
        }
    }

    private void Cancel(Waiter waiter, CancellationToken token)
    {
        lock (_gate)
        {
            if (waiter.Node.List is not null)
            {
                _waiters.Remove(waiter.Node);
                waiter.TrySetCanceled(token);
                Pump();
            }
        }

        Outbound.Set();
    }

    /// <summary>A call that waits for room, its memory still the caller's.</summary>
    private sealed class Waiter : TaskCompletionSource
    {
        private readonly Session _session;

        public Waiter(Session session, in OutboundFrame frame)
            : base(TaskCreationOptions.RunContinuationsAsynchronously)
        {
            _session = session;
            Frame = frame;
            Node = new(this);
        }

        public OutboundFrame Frame { get; }

        public LinkedListNode<Waiter> Node { get; }

        public async ValueTask WaitAsync(CancellationToken cancellationToken)
        {
            using var _ = cancellationToken.UnsafeRegister(
                static (waiter, token) => ((Waiter)waiter!)._session.Cancel((Waiter)waiter!, token), this);
            await Task.ConfigureAwait(false);
        }
    }
}
