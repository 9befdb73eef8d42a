using System.Runtime.CompilerServices;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Resuming;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Protocols.Binary;

/// <summary>The conversation with a program, after its HELLO was accepted: frames in, frames out (protocol, section 4).</summary>
internal sealed partial class BinarySession : IResumableProtocol, IReceiver, IConfirmationOwner
{
    public const string TakenOverText = "another connection goes on with this session";

    private readonly LoopServices _services;
    private readonly Connection _connection;
    private readonly User _user;
    private readonly ResumableSession? _resumable;
    private PendingRelay? _relay;
    private FrameAssembly? _assembly;
    private RefusedFrame? _refused;
    private UnconfirmedRelays? _unconfirmed;
    private bool _isEnding;
    private PresenceWatcher? _watcher;

    /// <param name="resumable">What outlives the connection; null if nothing does.</param>
    public BinarySession(LoopServices services, Connection connection, User user, ResumableSession? resumable)
    {
        _services = services;
        _connection = connection;
        _user = user;
        _resumable = resumable;
        _rates = user.Identity is { } identity
            ? services.Limits.Rates.With(identity.RelaysPerSecond, identity.BytesPerSecond)
            : services.Limits.Rates;
        _limitsRelays = services.Limits.LimitRelays(_rates) || user.Rights is { MaySend: false };
        if (resumable?.Pace is { } pace && pace.Due > connection.Loop.Now)
        {
            _paceDue = pace.Due;
        }

        bool leavesOutFull = services.Limits.LeavesOutFull(user.Identity);
        if (resumable is not null || user.Rights is not null || leavesOutFull)
        {
            Relay.Rights = user.Rights;
            Relay.LeavesOutFull = leavesOutFull;
        }
    }

    /// <inheritdoc/>
    public long Deadline => Math.Min(
        Math.Min(Math.Min(SilenceDeadline, _user.EndsAt), _resumable?.Processed.Due ?? long.MaxValue), Math.Min(_paceDue, ProgressDue));

    /// <inheritdoc/>
    public int RequestBytes(ReadOnlySpan<byte> front, bool isReceived) =>
        _refused is not null ? _refused.Missing
        : _assembly is { IsUnderWay: true } ? _assembly.Missing
        : isReceived ? FrameCheck.MaxMissingBytes(front)
        : FrameCheck.RequestBytes(front);

    private long SilenceDeadline => _services.Limits.HeartbeatSeconds == 0 || _connection.IsPaused || _connection.Input.IsStarved
        ? long.MaxValue
        : _connection.Input.LastReceived + (2_000L * _services.Limits.HeartbeatSeconds);

    private bool IsBetweenFrames => _refused is null && _assembly is not { IsUnderWay: true };

    private PendingRelay Relay => _resumable?.Relay ?? (_relay ??= new(_connection));

    private UnconfirmedRelays Unconfirmed => _resumable?.Unconfirmed ?? (_unconfirmed ??= _services.ConfirmFor(this));

    /// <inheritdoc/>
    public QueueResult Deliver(Delivery delivery, IDeliveryWaiter? waiter, int place, EventLoop running) =>
        _connection.Outbound.TryAdd(delivery.Frames.Items, delivery.Relays, null, waiter, place, running);

    /// <inheritdoc/>
    public int Consume(in Segment input)
    {
        int used = 0;
        while (_connection.IsOpen && !_connection.IsPaused && TryTakeFrame(input, ref used))
        {
        }

        CommitRun();
        if (_resumable is not null)
        {
            Heard(used);
        }

        WatchProgress(input.Length - used);
        _connection.Input.UnfinishedBytes = _assembly?.Bytes ?? 0;
        return used;
    }

    /// <inheritdoc/>
    public void OnDeadline()
    {
        TellProcessed();
        EndWaitIfDue();
        EndIfStopped();
        if (_connection.Loop.Now >= _user.EndsAt)
        {
            Refuse(ProtocolCode.AuthFailed, CloseReason.TokenExpired, LoopServices.TokenExpiredText);
        }
        else if (_connection.Loop.Now >= SilenceDeadline)
        {
            _connection.CloseWithGoodbye(
                CloseReason.HeartbeatTimeout,
                ProtocolCode.HeartbeatTimeout,
                $"nothing came for {2 * _services.Limits.HeartbeatSeconds} s, twice the heartbeat");
        }
    }

    /// <inheritdoc/>
    public void End(CloseReason reason)
    {
        switch (reason)
        {
            case CloseReason.SlowConsumer:
                _services.CutOff(_user.Id, _connection);
                break;
            case CloseReason.Overloaded:
                Refuse(ProtocolCode.Overloaded, reason, "the hub is out of message memory and this frame is unfinished");
                break;
            default:
                Refuse(ProtocolCode.ShuttingDown, reason, LoopServices.ShuttingDownText);
                break;
        }
    }

    /// <inheritdoc/>
    public void Resumed()
    {
        if (Relay.IsDone)
        {
            _connection.Outbound.ResumeAcknowledgements();
            _services.Settle(Relay, _connection.Outbound);
        }

        // It may have come back on a new connection while its relay still waits, or have been too fast.
        if (!Relay.IsDone || OwesTime)
        {
            Pause();
        }
    }

    /// <summary>Another connection goes on with the session.</summary>
    public void TakenOver() => _connection.CloseWithGoodbye(
        CloseReason.TakenOver, ProtocolCode.TakenOver, TakenOverText);

    /// <inheritdoc/>
    public void Remove() => _services.Loop.Call(_connection, RemoveHere);

    /// <summary>What let it in does not hold any more: its session ends, too.</summary>
    public void RemoveHere()
    {
        if (_connection.IsOpen)
        {
            Refuse(ProtocolCode.Removed, CloseReason.Removed, LoopServices.RemovedText);
        }
    }

    /// <inheritdoc/>
    public bool TryKeepQueue(CloseReason reason) =>
        !_isEnding && !(reason == CloseReason.SlowConsumer && _connection.Loop.Pool.IsShort) && reason is not (CloseReason.ShuttingDown or CloseReason.Overloaded or CloseReason.InternalError)
        && (_resumable?.TryGoAway(reason) ?? false);

    /// <inheritdoc/>
    public void Closed(CloseReason reason)
    {
        _services.Run.Discard();
        _assembly?.End();
        _services.Presence.End(_watcher);
        if (_resumable is { HasConnection: false })
        {
            return;
        }

        _resumable?.EndWithConnection();
        _unconfirmed?.Close(_connection.Loop);
        _services.Leave(_user, _connection);
    }

    /// <summary>Takes one frame, or a piece of one. False if there is nothing more to do with the input for now.</summary>
    private bool TryTakeFrame(in Segment input, ref int used)
    {
        int available = input.Length - used;
        if (_refused is not null)
        {
            return TrySkip(available, ref used);
        }

        if (_assembly is { IsUnderWay: true })
        {
            return TryAssemble(new(input.Block, input.Offset + used, available), ref used);
        }

        if (available < ProtocolLimits.HeaderBytes)
        {
            return false;
        }

        var header = FrameHeader.Read(input.Block.Span(input.Offset + used, ProtocolLimits.HeaderBytes));
        if (header.Length > FrameHeader.MaxLengthFromClient(header.Type))
        {
            CommitRun();
            Refuse(ProtocolCode.FrameTooLarge, CloseReason.FrameTooLarge, FrameCheck.TooLong(header));
            return false;
        }

        if (!_connection.Input.MayTakeWork())
        {
            return false;
        }

        int frameBytes = ProtocolLimits.HeaderBytes + (int)header.Length;
        var frame = new Segment(input.Block, input.Offset + used, Math.Min(available, frameBytes));
        bool taken = header is { Type: FrameType.Relay, Flags: 0 } && frame.Length == frameBytes
            ? TryTakePlainRelay(header, frame)
            : TryTakeOther(header, frame, frameBytes);
        if (taken)
        {
            used += frame.Length;
        }

        return taken;
    }

    /// <summary>The hot path: a whole relay without flags joins the run of those before it.</summary>
    private bool TryTakePlainRelay(in FrameHeader header, in Segment frame)
    {
        var code = RelayLayout.TryLayOut(header, out var layout);
        if (code != ProtocolCode.Normal || _limitsRelays)
        {
            return TryTakeLimitedRelay(code, header, layout, frame);
        }

        return TryRun(frame, layout);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryRun(in Segment frame, in RelayLayout layout)
    {

        if (!_services.Run.TryExtend(frame, layout))
        {
            if (!CommitRun())
            {
                return false;
            }

            _services.Run.Begin(_user.Id, frame, layout);
        }

        return true;
    }

    /// <summary>Everything that may be answered; it comes after what was sent before it, and waits while the client does not read.</summary>
    private bool TryTakeOther(in FrameHeader header, in Segment frame, int frameBytes)
    {
        bool isWhole = frame.Length == frameBytes;
        bool mayWaitForAll = frameBytes <= ReceiveWindow.MaxUnconsumedBytes;
        if ((!isWhole && mayWaitForAll) || !CommitRun())
        {
            return false;
        }

        var refusal = FrameCheck.Refusal(header, _resumable is not null, out var layout, out string text);
        if (refusal == ProtocolCode.Normal && _user.Rights is { } rights && Forbidden(rights, header) is { } forbidden)
        {
            (refusal, text) = (ProtocolCode.NotAllowed, forbidden);
        }

        refusal = refusal == ProtocolCode.Normal ? LimitRefusal(header, layout, ref text) : refusal;
        if (!HasRoomToAnswer(header, refusal))
        {
            return false;
        }

        if (refusal != ProtocolCode.Normal)
        {
            return TryRefuse(header, refusal, text, frame, frameBytes);
        }

        if (isWhole)
        {
            Carry(header, layout, frame);
            return true;
        }

        if (header.Type == FrameType.Relay && frame.Length < layout.BodyOffset)
        {
            return false;
        }

        _assembly ??= new(_connection.Loop.Pool);
        _assembly.Begin(header, layout, frame);
        return true;
    }

    private bool TryAssemble(in Segment input, ref int used)
    {
        if (input.Length == 0 || !_connection.Input.MayTakeWork())
        {
            return false;
        }

        var piece = input with { Length = Math.Min(input.Length, _assembly!.Missing) };
        _assembly.Add(piece);
        used += piece.Length;
        if (_assembly.Missing == 0)
        {
            CarryAssembled();
        }

        return true;
    }

    private bool CommitRun()
    {
        var run = _services.Run;
        if (run.IsEmpty)
        {
            return true;
        }

        CountRelays(run.Relays, run.ReceivedBytes);
        if (run.Commit(Relay))
        {
            return true;
        }

        Pause();
        return false;
    }

    /// <summary>While the queue is full with what the client does not read, its requests wait.</summary>
    private bool HasRoomToAnswer(in FrameHeader header, ProtocolCode refusal)
    {
        bool isAnswered = refusal != ProtocolCode.Normal || header.Type switch
        {
            FrameType.Goodbye or FrameType.Ack => false,
            FrameType.Relay => ((RelayFlags)header.Flags & RelayFlags.Receipt) != 0,
            _ => true,
        };
        bool isConfirmed = header.Type == FrameType.Relay && ((RelayFlags)header.Flags & RelayFlags.Confirm) != 0;
        if ((!isConfirmed || !Unconfirmed.MustWait) && (!isAnswered || !Relay.WaitsForRoom(_connection.Outbound)))
        {
            return true;
        }

        Pause();
        return false;
    }

    /// <summary>
    /// Reads nothing more for now. The client's acknowledgements are not read either, so that what it has not acknowledged must not
    /// keep others waiting, who may be what it waits for.
    /// </summary>
    private void Pause()
    {
        _connection.Pause();
        _connection.Outbound.PauseAcknowledgements(_connection.Loop);
    }

    private void CountRelays(int relays, long bytes) => _resumable?.Processed.Count(relays, bytes, _connection.Loop.Now);

    private void Refuse(ProtocolCode code, CloseReason reason, string text)
    {
        _isEnding = true;
        _connection.SendGoodbye(code, text);
        _connection.Close(reason);
    }
}
