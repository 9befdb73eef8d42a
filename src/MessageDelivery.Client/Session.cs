using System.Text;
using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>
/// The conversation on one connection: which frames go out in which order, which call each answer belongs to, and when it ends.
/// Knows no socket. Thread-safe; its only lock is a leaf and never held across an await or a system call.
/// </summary>
/// <remarks>
/// Answers come in the order of their requests, so an ERROR belongs to the oldest request without an answer, unless a relay
/// without a receipt stands before that one: such a relay has no answer but possibly an ERROR. Therefore a request that could
/// itself be answered by such an ERROR is sent behind a HEARTBEAT if a relay stands right before it; what comes before the
/// heartbeat's answer is the relay's. A relay with a receipt needs none, its errors carry its correlation.
/// </remarks>
internal sealed partial class Session(HubClientOptions options, DeliveryQueue deliveries, Action<HubRequestException> relayRejected)
{
    // With nothing pending but answers, memory is bounded by this many requests; callers beyond it wait as for the buffer.
    private const int MaxPendingRequests = 16 * 1024;

    private readonly Lock _gate = new();
    private readonly SendBuffer _buffer = new();
    private readonly LinkedList<Waiter> _waiters = new();
    private readonly Queue<PendingRequest> _pending = new();
    private ulong _sequence;
    private ulong _lastHoldingRelay;
    private ulong _answered;
    private bool _relayAwaitsFence;
    private bool _goodbyeQueued;
    private bool _goodbyeWritten;
    private volatile HubConnectionException? _closeReason;

    /// <summary>The hub's welcome; null until it has come. Read by the receive loop, which sets it.</summary>
    public WelcomePayload? Welcome { get; private set; }

    /// <summary>Why the connection ended; null while it stands. Set once.</summary>
    public HubConnectionException? CloseReason => _closeReason;

    /// <summary>Signalled when there is something to send, and at the end.</summary>
    public AsyncSignal Outbound { get; } = new();

    /// <summary>Whether nothing waits to be sent.</summary>
    public bool IsSendIdle
    {
        get
        {
            lock (_gate)
            {
                return _buffer.PendingBytes == 0;
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
                return _lastHoldingRelay > _answered;
            }
        }
    }

    /// <summary>Queues the HELLO. Comes first.</summary>
    public void SendHello()
    {
        var hello = new HelloPayload { Token = Encoding.UTF8.GetBytes(options.Token ?? "") };
        byte[] frame = new byte[ProtocolLimits.HeaderBytes + hello.Length];
        new FrameHeader(FrameType.Hello, 0, ProtocolLimits.Version, (uint)hello.Length).Write(frame);
        hello.Write(frame.AsSpan(ProtocolLimits.HeaderBytes));
        lock (_gate)
        {
            _buffer.Append(frame);
        }

        Outbound.Set();
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
            if ((_closeReason ?? (_goodbyeQueued ? ClosedHere() : null)) is { } reason)
            {
                return ValueTask.FromException(reason);
            }

            if (_waiters.Count > 0 || !HasRoom)
            {
                waiter = new(this, frame);
                _waiters.AddLast(waiter.Node);
            }
            else
            {
                Write(frame);
            }
        }

        if (waiter is not null)
        {
            return waiter.WaitAsync(cancellationToken);
        }

        Outbound.Set();
        return ValueTask.CompletedTask;
    }

    /// <summary>Sends a request and waits for its answer. A call that is cancelled leaves its place, and its answer is swallowed.</summary>
    public async ValueTask<T> RequestAsync<T>(PendingRequest<T> request, OutboundFrame frame, CancellationToken cancellationToken)
    {
        await SendAsync(frame, cancellationToken).ConfigureAwait(false);
        return await request.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Queues a HEARTBEAT, whatever waits; false if the conversation is over or its end is on the way.</summary>
    public bool TrySendHeartbeat()
    {
        lock (_gate)
        {
            if (_closeReason is not null || _goodbyeQueued)
            {
                return false;
            }

            Write(new(FrameType.Heartbeat) { Request = new HeartbeatRequest() });
        }

        Outbound.Set();
        return true;
    }

    /// <summary>Queues the GOODBYE behind everything the client has taken. False if the conversation is over already.</summary>
    public bool TrySendGoodbye()
    {
        lock (_gate)
        {
            if (_closeReason is not null)
            {
                return false;
            }

            if (!_goodbyeQueued)
            {
                _goodbyeQueued = true;
                _waiters.AddLast(new Waiter(this, new(FrameType.Goodbye)).Node);
                Pump();
            }
        }

        Outbound.Set();
        return true;
    }

    /// <summary>Takes the next bytes to send. They are to be reported by <see cref="Sent"/>, however sending went.</summary>
    public bool TryTakeOutbound(out ArraySegment<byte> batch)
    {
        lock (_gate)
        {
            return _buffer.TryTake(out batch);
        }
    }

    public void Sent(ArraySegment<byte> batch)
    {
        lock (_gate)
        {
            _buffer.Sent(batch);
            Pump();
        }
    }

    /// <summary>Ends the conversation, once: every call that waits fails with the reason. False if it had ended.</summary>
    public bool Close(HubConnectionException reason)
    {
        List<PendingRequest> ended = [];
        lock (_gate)
        {
            if (_closeReason is not null)
            {
                return false;
            }

            _closeReason = reason;
            ended.AddRange(_pending);
            _pending.Clear();
            foreach (Waiter waiter in _waiters)
            {
                waiter.TrySetException(reason);
            }

            _waiters.Clear();
        }

        ended.ForEach(request => request.Fail(reason));
        Outbound.Set();
        return true;
    }

    /// <summary>Gives the memory back, after the last send has ended.</summary>
    public void Release()
    {
        lock (_gate)
        {
            _buffer.Clear();
        }
    }

    private static HubConnectionException ClosedHere() => new(ProtocolCode.Normal, "the client was closed");

    private bool HasRoom => _buffer.PendingBytes < options.SendBufferBytes && _pending.Count < MaxPendingRequests;

    private void Write(in OutboundFrame frame)
    {
        bool isRelay = frame.Type == FrameType.Relay;
        if (frame.Request is { } request)
        {
            if (_relayAwaitsFence && !isRelay && frame.Type != FrameType.Heartbeat)
            {
                Write(new(FrameType.Heartbeat) { Request = new HeartbeatRequest() });
            }

            request.Sequence = ++_sequence;
            _pending.Enqueue(request);
            _relayAwaitsFence = false;
        }
        else if (isRelay)
        {
            _sequence++;
            _relayAwaitsFence = true;
        }

        if (isRelay && (frame.Flags & RelayFlags.BestEffort) == 0)
        {
            _lastHoldingRelay = _sequence;
        }

        _goodbyeWritten |= frame.Type == FrameType.Goodbye;
        frame.WriteTo(_buffer, _sequence);
    }

    private void Pump()
    {
        while (_waiters.First is { } first && HasRoom)
        {
            _waiters.RemoveFirst();
            Write(first.Value.Frame);
            first.Value.TrySetResult();
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
