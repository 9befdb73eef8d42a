using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>
/// Which frames go to the hub, and in which order: callers wait while there is no room, and each frame is kept until it needs no replay.
/// Used under the session's lock.
/// </summary>
/// <remarks>
/// Answers come in the order of their requests; only receipts are known by their correlation. So an ERROR without one belongs to the
/// oldest request without an answer, unless a relay without a receipt stands before that: such a relay has no answer but possibly an
/// ERROR. Therefore a request that could itself be answered by such an ERROR is sent behind a HEARTBEAT, as a fence, if such a relay
/// stands between it and the request before: an ERROR that comes before the heartbeat's answer is the relay's.
/// </remarks>
internal sealed class FrameSender(
    HubClientOptions options, Acknowledgements acknowledgements, PresenceFeed presence, Action<SendWaiter, CancellationToken> cancel)
{
    // With nothing pending but answers, memory is bounded by this many requests; callers beyond it wait as for the buffer.
    private const int MaxPendingRequests = 16 * 1024;

    private readonly LinkedList<SendWaiter> _waiters = new();
    private ulong _lastWaitingRelay;
    private bool _needsFence;
    private bool _isProbing;

    /// <summary>The frames that are not sent yet, or may have to be sent again.</summary>
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
    /// Whether the hub may be making this sender wait for a full receiver: then it neither reads nor answers, for as long as that receiver
    /// takes, and its silence means nothing.
    /// </summary>
    public bool MayBeBackpressured => _lastWaitingRelay > Frames.Processed;

    /// <summary>Whether a call is queued or pending.</summary>
    public bool HasCallers =>
        Frames.Relays > Frames.Processed || Requests.HasCallers || _waiters.Any(waiter => waiter.Frame.Type != FrameType.Goodbye);

    /// <summary>Relays of which it is not known what became of them. Those that were processed and have no receipt yet are those of CONFIRM.</summary>
    public long UnknownRelays => (long)(Frames.Relays - Frames.Processed) + Requests.CountReceiptsUpTo(Frames.Processed);

    // Before the first WELCOME nothing is written, since it decides how: calls wait with their memory.
    private bool HasRoom => HasBegun && Frames.Bytes < options.SendBufferBytes && Requests.Count < MaxPendingRequests;

    private bool HasBegun { get; set; }

    /// <summary>Writes a caller's frame, or returns who waits for room.</summary>
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

    /// <summary>Writes a HEARTBEAT, whatever waits for room; false if there is no connection or a GOODBYE is on its way.</summary>
    public bool TryWriteHeartbeat()
    {
        bool isOpen = IsConnected && !IsClosing;
        if (isOpen)
        {
            Write(new(FrameType.Heartbeat) { Request = new HeartbeatRequest() });
        }

        return isOpen;
    }

    /// <summary>Writes an ACK of what is to be acknowledged; false if there is nothing or it cannot be sent.</summary>
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

    /// <summary>Begins or ends the subscription to presence if it is not what is wanted.</summary>
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

    /// <summary>A connection is there: what was not answered is sent again, and then what waits.</summary>
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

        // What was taken is confirmed to its senders only if the hub knows.
        bool isGoodbye = frame.Type == FrameType.Goodbye;
        if (isGoodbye && Frames.Retains && acknowledgements.TryAcknowledge(out ulong total))
        {
            Frames.WriteAcknowledgement(total);
        }

        // Throws where the caller's memory cannot be read: then nothing has happened.
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

    /// <summary>Writes what waits, as far as there is room.</summary>
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
                // Its memory cannot be read.
                first.Value.TrySetException(error);
            }
        }

        ProbeForRoom();
    }

    /// <summary>
    /// Asks with a HEARTBEAT what has been processed. Otherwise callers would wait until the hub acknowledges by itself, which takes a
    /// second where the buffer is smaller than what the hub acknowledges at once.
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
