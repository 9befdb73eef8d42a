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

    private readonly BinaryServices _services;
    private readonly Connection _connection;
    private readonly User _user;
    private readonly ResumableSession? _resumable;
    private readonly SessionPace _pace;
    private readonly BinaryRequests _requests;
    private readonly FrameReader _reader;
    private bool _isEnding;

    /// <param name="resumable">What outlives the connection; null if nothing does.</param>
    public BinarySession(BinaryServices services, Connection connection, User user, ResumableSession? resumable)
    {
        _services = services;
        _connection = connection;
        _user = user;
        _resumable = resumable;
        _pace = new(services.Shared, connection, user.Identity, resumable);
        _requests = new(this, services, connection, user, resumable, _pace);
        _reader = new(
            this, connection, user, _requests, services.Run, resumable is not null, _pace.LimitsRelays || user.Rights is { MaySend: false });
        bool leavesOutFull = Limits.LeavesOutFull(user.Identity);
        if (resumable is not null || user.Rights is not null || leavesOutFull)
        {
            _requests.Pending.Rights = user.Rights;
            _requests.Pending.LeavesOutFull = leavesOutFull;
        }
    }

    /// <inheritdoc/>
    public long Deadline => Math.Min(
        Math.Min(SilenceDeadline, _user.EndsAt), Math.Min(_resumable?.Processed.Due ?? long.MaxValue, _pace.Due));

    private SessionLimits Limits => _services.Shared.Limits;

    private long SilenceDeadline => Limits.HeartbeatSeconds == 0 || _connection.IsPaused || _connection.Input.IsStarved
        ? long.MaxValue
        : _connection.Input.LastReceived + (2_000L * Limits.HeartbeatSeconds);

    /// <inheritdoc/>
    public int RequestBytes(ReadOnlySpan<byte> front, bool isReceived) =>
        !_reader.IsBetweenFrames ? _reader.Missing
        : isReceived ? FrameCheck.MaxMissingBytes(front)
        : FrameCheck.RequestBytes(front);

    /// <inheritdoc/>
    public QueueResult Deliver(Delivery delivery, IDeliveryWaiter? waiter, int place, EventLoop running) =>
        _connection.Outbound.TryAdd(delivery.Frames.Items, delivery.Relays, null, waiter, place, running);

    /// <inheritdoc/>
    public int Consume(in Segment input)
    {
        int used = _reader.Read(input);
        if (used > 0)
        {
            _resumable?.ConfirmKey();
        }

        SendAckIfDue();
        WatchProgress(input.Length - used);
        _connection.Input.UnfinishedBytes = _reader.UnfinishedBytes;
        return used;
    }

    /// <summary>Acknowledgements free memory: they are read even when there is none to receive into.</summary>
    public int ConsumeUrgent(ReadOnlySpan<byte> front)
    {
        int used = 0;
        while (_resumable is not null && _connection.IsOpen && _reader.IsBetweenFrames
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
        _pace.EndWaitIfDue();
        if (_pace.EndIfStopped("frame") is { } stopped)
        {
            _connection.CloseWithGoodbye(stopped);
        }

        if (_connection.Loop.Now >= _user.EndsAt)
        {
            End(Ending.TokenExpired);
        }
        else if (_connection.Loop.Now >= SilenceDeadline)
        {
            _connection.CloseWithGoodbye(Ending.Silent(2 * Limits.HeartbeatSeconds));
        }
    }

    /// <inheritdoc/>
    public void Resumed()
    {
        _requests.CompleteRelay();
        // It may have come back on a new connection while its relay still waits, or have been too fast.
        if (!_requests.Pending.IsDone || _pace.MustWait)
        {
            Pause();
        }
    }

    /// <inheritdoc/>
    public void TakenOver() => _connection.CloseWithGoodbye(Ending.TakenOver);

    /// <inheritdoc/>
    public void Remove() => _connection.Loop.Call(_connection, RemoveNow);

    /// <inheritdoc/>
    public void RemoveNow()
    {
        if (_connection.IsOpen)
        {
            End(Ending.Removed);
        }
    }

    /// <inheritdoc/>
    public void End(CloseReason reason)
    {
        if (reason == CloseReason.SlowConsumer)
        {
            _services.Shared.CutOff(_user.Id, _connection);
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
        _connection.SendGoodbye(ending);
        _connection.Close(ending.Reason);
    }

    /// <inheritdoc/>
    public bool TryKeepQueue(CloseReason reason) =>
        !_isEnding && !(reason == CloseReason.SlowConsumer && _connection.Loop.Pool.IsShort)
        && reason is not (CloseReason.ShuttingDown or CloseReason.Overloaded or CloseReason.InternalError)
        && (_resumable?.TryGoAway(reason) ?? false);

    /// <inheritdoc/>
    public void Closed(CloseReason reason)
    {
        _reader.End();
        _requests.EndWatch();
        if (_resumable is { HasConnection: false })
        {
            return;
        }

        _resumable?.EndWithConnection();
        _requests.Close();
        _services.Shared.Leave(_user, _connection);
    }

    /// <summary>
    /// Reads nothing more for now. The client's acknowledgements are not read either, so that what it has not acknowledged must not
    /// keep others waiting, who may be what it waits for.
    /// </summary>
    public void Pause()
    {
        _connection.Pause();
        _connection.Outbound.PauseAcknowledgements(_connection.Loop);
    }

    /// <summary>Relays were processed: the client is told of it in time.</summary>
    public void CountProcessed(int relays, long bytes) => _resumable?.Processed.Count(relays, bytes, _connection.Loop.Now);

    /// <summary>Answers a frame that was refused and has wholly come.</summary>
    public void Answer(RefusedFrame refused)
    {
        if (refused.RelayBytes > 0)
        {
            CountProcessed(1, refused.RelayBytes);
        }

        _connection.SendError(refused.Code, refused.Text, refused.Correlation);
        if (_pace.CountError(refused.Code) is { } tooMany)
        {
            End(tooMany);
        }
    }

    private void SendAckIfDue()
    {
        if (_resumable is { Processed: var processed } && processed.IsDue(_connection.Loop.Now) && _connection.IsOpen)
        {
            _connection.SendAck(processed.Total);
            processed.Told();
        }
    }

    /// <summary>Sees that a frame that is unfinished goes on.</summary>
    /// <param name="left">Bytes in front of it that it could not use yet.</param>
    private void WatchProgress(int left)
    {
        if (left == 0 && _reader.IsBetweenFrames)
        {
            _pace.EndProgress();
            return;
        }

        // The place in the stream where the frame ends, or where that is not known begins, tells it from others.
        _pace.WatchProgress(_connection.Input.ReceivedBytes + (_reader.IsBetweenFrames ? -left : _reader.Missing));
    }
}
