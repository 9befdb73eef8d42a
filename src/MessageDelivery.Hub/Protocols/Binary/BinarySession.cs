using System.Buffers.Binary;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Resuming;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Protocols.Binary;

/// <summary>The conversation with a program, after its HELLO was accepted: frames in, frames out (protocol, section 4).</summary>
internal sealed class BinarySession : IResumableProtocol, ISessionProtocol, IReceiver, IConfirmationOwner
{
    private const int AckBytes = ProtocolLimits.HeaderBytes + sizeof(ulong);

    private static readonly FrameHeader AckHeader = new(FrameType.Ack, 0, 0, sizeof(ulong));

    private RequestState? _state;
    private bool _isEnding;

    /// <param name="resumable">What outlives the connection; null if nothing does.</param>
    public BinarySession(BinaryServices services, Connection connection, User user, ResumableSession? resumable)
    {
        Services = services;
        Connection = connection;
        User = user;
        Resumable = resumable;
        LimitsRelays = user.Rights is { MaySend: false } || Limits.LimitRelays(Limits.RatesOf(user.Identity));
        if (resumable?.Pace is not null)
        {
            // It may still have to wait for what it took before.
            State.Pace = NewPace();
        }

        bool leavesOutFull = Limits.LeavesOutFull(user.Identity);
        if (resumable is not null || user.Rights is not null || leavesOutFull)
        {
            Pending.Rights = user.Rights;
            Pending.LeavesOutFull = leavesOutFull;
        }
    }

    public BinaryServices Services { get; }

    public Connection Connection { get; }

    public User User { get; }

    /// <summary>What outlives the connection; null if nothing does.</summary>
    public ResumableSession? Resumable { get; }

    /// <summary>Whether a relay that is as the protocol wants it may still be refused, or has to be counted.</summary>
    public bool LimitsRelays { get; }

    /// <summary>What it keeps of its requests.</summary>
    public RequestState State => _state ??= new();

    /// <summary>The frame under way, with what else there is of requests; null between frames.</summary>
    public RequestState? UnderWay => _state is { IsBetweenFrames: false } ? _state : null;

    /// <summary>The relay it is at.</summary>
    public PendingRelay Pending => Resumable?.Relay ?? (State.Relay ??= new(Connection));

    public UnconfirmedRelays Unconfirmed => Resumable?.Unconfirmed ?? (State.Unconfirmed ??= Services.ConfirmFor(this));

    public BinaryWatcher Watcher => State.Watcher ??= new(Services.Shared, Connection, User);

    public SessionPace Pace => State.Pace ??= NewPace();

    /// <inheritdoc/>
    public long Deadline => Math.Min(
        Math.Min(SilenceDeadline, User.EndsAt), Math.Min(Resumable?.Processed.Due ?? long.MaxValue, _state?.Pace?.Due ?? long.MaxValue));

    private SessionLimits Limits => Services.Shared.Limits;

    private int HeartbeatSeconds => Limits.HeartbeatSecondsOf(Connection);

    private long SilenceDeadline => Limits.HeartbeatSeconds == 0 || Connection.IsPaused || Connection.Input.IsStarved
        ? long.MaxValue
        : Connection.Input.LastReceived + (2_000L * HeartbeatSeconds);

    /// <inheritdoc/>
    public int RequestBytes(ReadOnlySpan<byte> front, bool isReceived) =>
        UnderWay is { } underWay ? underWay.Missing
        : isReceived ? FrameCheck.MaxMissingBytes(front)
        : FrameCheck.RequestBytes(front);

    /// <inheritdoc/>
    public QueueResult Deliver(Delivery delivery, IDeliveryWaiter? waiter, int index, EventLoop running) =>
        Connection.Outbound.TryAdd(delivery.Frames.Items, delivery.Relays, null, waiter, index, running);

    /// <inheritdoc/>
    public int Consume(in Segment input)
    {
        int idle = Connection.Layer.TakeIdleFrames();
        if (idle > 0 && Pace.CountIdle(idle) is { } tooMany)
        {
            End(tooMany);
            return input.Length;
        }

        int used = Services.Reader.Read(this, input);
        if (used > 0)
        {
            Resumable?.ConfirmKey();
        }

        SendAckIfDue();
        WatchProgress(input.Length - used);
        Connection.Input.UnfinishedBytes = _state?.UnfinishedBytes ?? 0;
        return used;
    }

    /// <summary>Acknowledgements free memory: they are read even when there is none to receive into.</summary>
    public int ConsumeUrgent(ReadOnlySpan<byte> front)
    {
        int used = 0;
        while (Resumable is not null && Connection.IsOpen && UnderWay is null
            && front.Length - used >= AckBytes && FrameHeader.Read(front[used..]) == AckHeader)
        {
            Acknowledge(BinaryPrimitives.ReadUInt64LittleEndian(front[(used + ProtocolLimits.HeaderBytes)..]));
            used += AckBytes;
        }

        return used;
    }

    /// <inheritdoc/>
    public void OnDeadline()
    {
        SendAckIfDue();
        if (_state?.Pace is { } pace)
        {
            pace.EndWaitIfDue();
            if (pace.EndIfStopped("frame") is { } stopped)
            {
                Connection.CloseWithGoodbye(stopped);
            }
        }

        if (Connection.Loop.Now >= User.EndsAt)
        {
            End(Ending.TokenExpired);
        }
        else if (Connection.Loop.Now >= SilenceDeadline)
        {
            Connection.CloseWithGoodbye(Ending.Silent(2 * HeartbeatSeconds));
        }
    }

    /// <inheritdoc/>
    public void Resumed()
    {
        var relay = Resumable?.Relay ?? _state?.Relay;
        if (relay is { IsDone: true })
        {
            Connection.Outbound.ResumeAcknowledgements();
            Services.Complete(relay, Connection.Outbound);
        }

        // It may have come back on a new connection while its relay still waits, or have been too fast.
        if (relay is { IsDone: false } || _state?.Pace is { MustWait: true })
        {
            Pause();
        }
    }

    /// <inheritdoc/>
    public void TakenOver() => Connection.CloseWithGoodbye(Ending.TakenOver);

    /// <inheritdoc/>
    public void Remove() => Connection.Loop.Call(Connection, RemoveNow);

    /// <inheritdoc/>
    public void RemoveNow()
    {
        if (Connection.IsOpen)
        {
            End(Ending.Removed);
        }
    }

    /// <inheritdoc/>
    public void End(CloseReason reason)
    {
        if (reason == CloseReason.SlowConsumer)
        {
            Services.Shared.CutOff(User.Id, Connection);
        }
        else
        {
            End(reason == CloseReason.Overloaded ? Ending.OutOfMemoryFor("frame") : Ending.ShuttingDown);
        }
    }

    /// <summary>Ends the connection, and the session with it.</summary>
    public void End(Ending ending)
    {
        _isEnding = true;
        Connection.SendGoodbye(ending);
        Connection.Close(ending.Reason);
    }

    /// <inheritdoc/>
    public bool TryKeepQueue(CloseReason reason) =>
        !_isEnding && !(reason == CloseReason.SlowConsumer && Connection.Loop.Pool.IsShort)
        && reason is not (CloseReason.ShuttingDown or CloseReason.Overloaded or CloseReason.InternalError)
        && (Resumable?.TryDetach(reason) ?? false);

    /// <inheritdoc/>
    public void Closed(CloseReason reason)
    {
        Services.Run.Discard();
        _state?.Assembly?.End();
        EndWatch();
        if (Resumable is { HasConnection: false })
        {
            return;
        }

        Resumable?.EndWithConnection();
        _state?.Unconfirmed?.Close(Connection.Loop);
        Services.Shared.Leave(User, Connection);
    }

    /// <summary>
    /// Reads nothing more for now. The client's acknowledgements are not read either, so that what it has not acknowledged must not
    /// keep others waiting, who may be what it waits for.
    /// </summary>
    public void Pause()
    {
        Connection.Pause();
        Connection.Outbound.PauseAcknowledgements(Connection.Loop);
    }

    /// <summary>Whether a request has to wait: for room in the queue for its answer, or for relays that are not confirmed.</summary>
    public bool MustWait(in FrameHeader header, ProtocolCode refusal)
    {
        bool isConfirmed = header.Type == FrameType.Relay && ((RelayFlags)header.Flags).HasFlag(RelayFlags.Confirm);
        bool isAnswered = refusal != ProtocolCode.Normal || FrameRule.Of(header.Type)!.IsAnswered(header.Flags);
        return (isConfirmed && Unconfirmed.MustWait) || (isAnswered && MustWaitForRoom());
    }

    /// <summary>The peer has so many frames.</summary>
    public void Acknowledge(ulong total)
    {
        if (Connection.Outbound.Acknowledge(total, Connection.Loop) == ReplayStatus.NeverSent)
        {
            Connection.CloseWithGoodbye(Ending.ProtocolError($"an ACK of {total} frames; fewer were sent"));
        }
    }

    public void EndWatch() => Services.Presence.End(_state?.Watcher);

    /// <summary>Relays were processed: the client is told of it in time.</summary>
    public void CountProcessed(int relays, long bytes) => Resumable?.Processed.Count(relays, bytes, Connection.Loop.Now);

    /// <summary>Answers a frame that was refused and has wholly come.</summary>
    public void Answer(RefusedFrame refused)
    {
        if (refused.RelayBytes > 0)
        {
            CountProcessed(1, refused.RelayBytes);
        }

        Connection.SendError(refused.Code, refused.Text, refused.Correlation);
        if (Pace.CountError(refused.Code) is { } tooMany)
        {
            End(tooMany);
        }
    }

    /// <inheritdoc/>
    void IConfirmationOwner.Confirmed(ulong correlation, ReadOnlySpan<Outcome> outcomes, IOutlet outlet) =>
        Connection.Outbound.SendReceipt(outlet, correlation, outcomes);

    /// <inheritdoc/>
    void IConfirmationOwner.GoOn() => Connection.Resume();

    /// <inheritdoc/>
    void IConfirmationOwner.Failed(Exception exception) => Services.Loop.Call(() => Services.Loop.Fail(Connection, exception));

    private SessionPace NewPace() => new(Services.Shared, Connection, User.Identity, Resumable);

    /// <summary>Whether its queue has no room for an answer. A session that has never waited, and need not now, needs no relay to wait with.</summary>
    private bool MustWaitForRoom() =>
        (Resumable is not null || _state?.Relay is not null || !Connection.Outbound.HasRoomToAnswer) && Pending.WaitsForRoom(Connection.Outbound);

    private void SendAckIfDue()
    {
        if (Resumable is { Processed: var processed } && processed.IsDue(Connection.Loop.Now) && Connection.IsOpen)
        {
            Connection.SendAck(processed.Total);
            processed.Told();
        }
    }

    /// <summary>Sees that a frame that is unfinished goes on.</summary>
    /// <param name="left">Bytes in front of it that it could not use yet.</param>
    private void WatchProgress(int left)
    {
        if (left == 0 && UnderWay is null)
        {
            _state?.Pace?.EndProgress();
            return;
        }

        // The place in the stream where the frame ends, or where that is not known begins, tells it from others.
        Pace.WatchProgress(Connection.Input.ReceivedBytes + (UnderWay?.Missing ?? -left));
    }
}
