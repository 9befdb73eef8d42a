using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>
/// Writes the frames to the hub in order, and keeps each as long as it may have to be replayed. Callers wait while there is no room. Used under
/// the session's lock.
/// </summary>
/// <remarks>
/// Answers come in the order of their requests; only receipts have a correlation. An ERROR without one belongs to the oldest pending request,
/// unless a relay without a receipt was sent before that: such a relay has no answer but possibly an ERROR. Therefore a request behind such a
/// relay is sent behind a HEARTBEAT, the fence: an ERROR that comes before the heartbeat's answer is the relay's.
/// </remarks>
internal sealed class FrameSender(
    HubClientOptions options, Acknowledgements acknowledgements, PresenceFeed presence, Action<SendWaiter, CancellationToken> cancel)
{
    // Bounds the memory of requests whose frames are sent; callers beyond it wait as they do for the buffer.
    private const int MaxPendingRequests = 16 * 1024;

    private readonly LinkedList<SendWaiter> _waiters = new();
    private ulong _lastWaitingRelay;
    private bool _needsFence;
    private bool _isProbing;

    /// <summary>Frames that are not sent yet or may have to be replayed.</summary>
    public ReplayBuffer Frames { get; } = new();

    public PendingRequests Requests { get; } = new();

    public PresenceSubscription Subscription { get; } = new(presence);

    /// <summary>Set, outside the lock, when there may be something to send.</summary>
    public AsyncSignal Ready { get; } = new();

    /// <summary>Whether there is a connection to send on.</summary>
    public bool IsConnected { get; set; }

    /// <summary>Whether a GOODBYE is queued behind everything else.</summary>
    public bool IsClosing { get; private set; }

    public bool IsGoodbyeWritten { get; private set; }

    /// <summary>
    /// Whether the hub may be applying backpressure for a full receiver: then it neither reads nor answers, and its silence means nothing.
    /// </summary>
    public bool MayBeBackpressured => _lastWaitingRelay > Frames.Processed;

    /// <summary>Whether a call is queued or pending.</summary>
    public bool HasCallers =>
        Frames.Relays > Frames.Processed || Requests.HasCallers || _waiters.Any(waiter => waiter.Frame.Type != FrameType.Goodbye);

    /// <summary>Relays with an unknown outcome: not processed, or processed and waiting for a receipt (CONFIRM).</summary>
    public long UnknownRelays => (long)(Frames.Relays - Frames.Processed) + Requests.CountReceiptsUpTo(Frames.Processed);

    // Nothing is written before the first WELCOME: only then it is known whether frames are kept.
    private bool HasRoom => HasBegun && Frames.Bytes < options.SendBufferBytes && Requests.Count < MaxPendingRequests;

    private bool HasBegun { get; set; }

    /// <summary>Writes a caller's frame, or returns a waiter if there is no room.</summary>
    /// <exception cref="Exception">The caller's memory cannot be read; nothing has happened.</exception>
    public SendWaiter? Send(in OutboundFrame frame)
    {
        if (_waiters.Count == 0 && HasRoom)
        {
            Write(frame);
            return null;
        }

        var waiter = new SendWaiter(frame, cancel);
        _waiters.AddLast(waiter.Node);
        ProbeForRoom();
        return waiter;
    }

    public void Cancel(SendWaiter waiter, CancellationToken token)
    {
        if (waiter.Node.List is not null)
        {
            _waiters.Remove(waiter.Node);
            waiter.TrySetCanceled(token);
            Pump();
        }
    }

    /// <summary>Writes a HEARTBEAT ahead of callers that wait for room; false without a connection or behind a GOODBYE.</summary>
    public bool TryWriteHeartbeat()
    {
        bool isOpen = IsConnected && !IsClosing;
        if (isOpen)
        {
            Write(new(FrameType.Heartbeat) { Request = new HeartbeatRequest() });
        }

        return isOpen;
    }

    /// <summary>Writes an ACK; false if there is nothing to acknowledge or it cannot be sent.</summary>
    public bool TryWriteAcknowledgement()
    {
        // Behind a GOODBYE nothing is sent.
        if (!IsConnected || IsGoodbyeWritten || !acknowledgements.TryAcknowledge(out ulong total))
        {
            return false;
        }

        Frames.WriteAcknowledgement(total);
        return true;
    }

    /// <summary>Subscribes to presence or unsubscribes, if that is needed.</summary>
    public void UpdateSubscription()
    {
        if (IsConnected && !IsClosing && Subscription.NeedsList)
        {
            Write(new(FrameType.List) { Request = Subscription.CreateList() });
        }
    }

    /// <summary>Queues the GOODBYE.</summary>
    public void BeginClose()
    {
        IsClosing = true;
        _waiters.AddLast(new SendWaiter(new(FrameType.Goodbye), cancel).Node);
        Pump();
    }

    public void NoteSent(ArraySegment<byte> batch)
    {
        Frames.NoteSent(batch);
        Pump();
    }

    public void NoteAnswered(PendingRequest answered)
    {
        if (!Requests.TryRemove(answered))
        {
            return;
        }

        _isProbing &= answered is not HeartbeatRequest { IsProbe: true };
        Frames.NoteAnswered();
        Frames.NoteProcessed(answered.Relay);
        if (answered is ListRequest list)
        {
            Subscription.NoteAnswered(list);
            UpdateSubscription();
        }

        Pump();
    }

    public void NoteReceipt(ulong relay)
    {
        if (Requests.TryRemoveReceipt(relay))
        {
            NoteProcessed(relay);
        }
    }

    /// <summary>The hub has processed all relays up to this one.</summary>
    public void NoteProcessed(ulong relay)
    {
        Frames.NoteProcessed(relay);
        Pump();
    }

    /// <summary>There is a new connection: requests are replayed, then waiting callers are served.</summary>
    public void Restart()
    {
        IsConnected = HasBegun = true;
        Requests.Restart();
        Subscription.Restart(Requests.Lists);
        UpdateSubscription();
        Pump();
    }

    /// <summary>Fails all pending and waiting calls.</summary>
    public void Fail(HubConnectionException pending, HubConnectionException waiting)
    {
        Requests.Fail(pending);
        foreach (SendWaiter waiter in _waiters)
        {
            waiter.TrySetException(waiting);
        }

        _waiters.Clear();
        Subscription.NoteFailed();
        (_isProbing, _needsFence) = (false, false);
    }

    private void Write(OutboundFrame frame)
    {
        if (frame.Type == FrameType.Relay)
        {
            WriteRelay(frame);
            return;
        }

        if (frame.Request is not null && _needsFence && frame.Type != FrameType.Heartbeat)
        {
            Write(new(FrameType.Heartbeat) { Request = new HeartbeatRequest() });
        }

        if (frame.Request is ListRequest list)
        {
            Subscription.NoteWritten(list);
            frame = frame with { ListFlags = list.Watches ? ListFlags.Watch : ListFlags.None };
        }

        // The last ACK: senders that confirm are told of what the program has taken.
        bool isGoodbye = frame.Type == FrameType.Goodbye;
        if (isGoodbye && Frames.Retains && acknowledgements.TryAcknowledge(out ulong total))
        {
            Frames.WriteAcknowledgement(total);
        }

        // Throws, before it changes anything, if the caller's memory cannot be read.
        Frames.Append(frame);
        IsGoodbyeWritten |= isGoodbye;
        if (frame.Request is { } request)
        {
            request.Relay = Frames.Relays;
            Requests.Add(request);
            _needsFence = false;
        }
    }

    private void WriteRelay(in OutboundFrame frame)
    {
        Frames.Append(frame);
        _needsFence |= frame.Request is null;
        if ((frame.Flags & RelayFlags.BestEffort) == 0)
        {
            _lastWaitingRelay = Frames.Relays;
        }

        if (frame.Request is ReceiptRequest receipt)
        {
            receipt.Relay = Frames.Relays;
            Requests.AddReceipt(receipt);
        }
    }

    /// <summary>Serves waiting callers while there is room.</summary>
    private void Pump()
    {
        while (_waiters.First is { } first && HasRoom)
        {
            _waiters.RemoveFirst();
            try
            {
                Write(first.Value.Frame);
                first.Value.TrySetResult();
            }
            catch (Exception error)
            {
                // The caller's memory cannot be read.
                first.Value.TrySetException(error);
            }
        }

        ProbeForRoom();
    }

    /// <summary>
    /// Sends a HEARTBEAT so that its answer shows what was processed. Otherwise callers might wait up to a second for the hub's own ACK, where the
    /// buffer is smaller than what the hub acknowledges at once.
    /// </summary>
    private void ProbeForRoom()
    {
        if (Frames.Retains && _waiters.Count > 0 && !_isProbing && IsConnected && Frames.Relays > Frames.Processed)
        {
            _isProbing = true;
            Write(new(FrameType.Heartbeat) { Request = new HeartbeatRequest { IsProbe = true } });
        }
    }
}
