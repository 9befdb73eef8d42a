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
internal sealed class BinarySession : IResumableProtocol, ISessionProtocol, IReceiver
{
    private const int AckBytes = ProtocolLimits.HeaderBytes + sizeof(ulong);

    private static readonly FrameHeader AckHeader = new(FrameType.Ack, 0, 0, sizeof(ulong));

    private readonly BinaryRequests _requests;
    private readonly FrameReader _reader;
    private bool _isEnding;

    /// <param name="resumable">What outlives the connection; null if nothing does.</param>
    public BinarySession(BinaryServices services, Connection connection, User user, ResumableSession? resumable)
    {
        Services = services;
        Connection = connection;
        User = user;
        Resumable = resumable;
        Pace = new(services.Shared, connection, user.Identity, resumable);
        _requests = new(this);
        _reader = new(this, _requests, Pace.LimitsRelays || user.Rights is { MaySend: false });
        bool leavesOutFull = Limits.LeavesOutFull(user.Identity);
        if (resumable is not null || user.Rights is not null || leavesOutFull)
        {
            _requests.Pending.Rights = user.Rights;
            _requests.Pending.LeavesOutFull = leavesOutFull;
        }
    }

    public BinaryServices Services { get; }

    public Connection Connection { get; }

    public User User { get; }

    /// <summary>What outlives the connection; null if nothing does.</summary>
    public ResumableSession? Resumable { get; }

    public SessionPace Pace { get; }

    /// <inheritdoc/>
    public long Deadline => Math.Min(
        Math.Min(SilenceDeadline, User.EndsAt), Math.Min(Resumable?.Processed.Due ?? long.MaxValue, Pace.Due));

    private SessionLimits Limits => Services.Shared.Limits;

    private long SilenceDeadline => Limits.HeartbeatSeconds == 0 || Connection.IsPaused || Connection.Input.IsStarved
        ? long.MaxValue
        : Connection.Input.LastReceived + (2_000L * Limits.HeartbeatSeconds);

    /// <inheritdoc/>
    public int RequestBytes(ReadOnlySpan<byte> front, bool isReceived) =>
        !_reader.IsBetweenFrames ? _reader.Missing
        : isReceived ? FrameCheck.MaxMissingBytes(front)
        : FrameCheck.RequestBytes(front);

    /// <inheritdoc/>
    public QueueResult Deliver(Delivery delivery, IDeliveryWaiter? waiter, int index, EventLoop running) =>
        Connection.Outbound.TryAdd(delivery.Frames.Items, delivery.Relays, null, waiter, index, running);

    /// <inheritdoc/>
    public int Consume(in Segment input)
    {
        int used = _reader.Read(input);
        if (used > 0)
        {
            Resumable?.ConfirmKey();
        }

        SendAckIfDue();
        WatchProgress(input.Length - used);
        Connection.Input.UnfinishedBytes = _reader.UnfinishedBytes;
        return used;
    }

    /// <summary>Acknowledgements free memory: they are read even when there is none to receive into.</summary>
    public int ConsumeUrgent(ReadOnlySpan<byte> front)
    {
        int used = 0;
        while (Resumable is not null && Connection.IsOpen && _reader.IsBetweenFrames
            && front.Length - used >= AckBytes && FrameHeader.Read(front[used..]) == AckHeader)
        {
            _requests.Acknowledge(BinaryPrimitives.ReadUInt64LittleEndian(front[(used + ProtocolLimits.HeaderBytes)..]));
            used += AckBytes;
        }

        return used;
    }

    /// <inheritdoc/>
    public void OnDeadline()
    {
        SendAckIfDue();
        Pace.EndWaitIfDue();
        if (Pace.EndIfStopped("frame") is { } stopped)
        {
            Connection.CloseWithGoodbye(stopped);
        }

        if (Connection.Loop.Now >= User.EndsAt)
        {
            End(Ending.TokenExpired);
        }
        else if (Connection.Loop.Now >= SilenceDeadline)
        {
            Connection.CloseWithGoodbye(Ending.Silent(2 * Limits.HeartbeatSeconds));
        }
    }

    /// <inheritdoc/>
    public void Resumed()
    {
        _requests.CompleteRelay();
        // It may have come back on a new connection while its relay still waits, or have been too fast.
        if (!_requests.Pending.IsDone || Pace.MustWait)
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
        _reader.End();
        _requests.EndWatch();
        if (Resumable is { HasConnection: false })
        {
            return;
        }

        Resumable?.EndWithConnection();
        _requests.Close();
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
        if (left == 0 && _reader.IsBetweenFrames)
        {
            Pace.EndProgress();
            return;
        }

        // The place in the stream where the frame ends, or where that is not known begins, tells it from others.
        Pace.WatchProgress(Connection.Input.ReceivedBytes + (_reader.IsBetweenFrames ? -left : _reader.Missing));
    }
}
