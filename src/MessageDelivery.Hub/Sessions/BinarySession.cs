using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Routing;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Sessions;

/// <summary>The conversation with a program, after its HELLO was accepted: frames in, frames out (protocol, section 4).</summary>
internal sealed partial class BinarySession : IConnectionHandler, IReceiver
{
    private readonly LoopServices _services;
    private readonly Connection _connection;
    private readonly User _user;
    private PendingRelay? _relay;
    private FrameAssembly? _assembly;
    private RefusedFrame? _refused;
    private ulong? _receiptFor;
    private PresenceWatcher? _watcher;

    public BinarySession(LoopServices services, Connection connection, User user)
    {
        _services = services;
        _connection = connection;
        _user = user;
    }

    /// <inheritdoc/>
    public long Deadline => _services.Limits.HeartbeatSeconds == 0 || _connection.IsPaused || _connection.IsStarved
        ? long.MaxValue
        : _connection.LastReceived + (2_000L * _services.Limits.HeartbeatSeconds);

    /// <inheritdoc/>
    public int UnfinishedBytes => _assembly?.Bytes ?? 0;

    /// <inheritdoc/>
    public int MostMissingBytes(ReadOnlySpan<byte> begun) =>
        _refused is not null ? _refused.Missing
        : _assembly is { IsUnderWay: true } ? _assembly.Missing
        : FrameCheck.MostMissingBytes(begun);

    private PendingRelay Relay => _relay ??= new(_connection);

    /// <inheritdoc/>
    public QueueResult Deliver(Delivery delivery, IDeliveryWaiter? waiter, int place, EventLoop running) =>
        _connection.Outbound.TryAdd(delivery.Frames.Items, waiter, place, running, _connection);

    /// <summary>Tells the client its id and the limits. The first frame it gets.</summary>
    public void Welcome() => _connection.SendWelcome(
        new(_user.Id, ProtocolLimits.MaxBodyBytes, ProtocolLimits.MaxReceivers, _services.Limits.HeartbeatSeconds));

    /// <inheritdoc/>
    public int Consume(in Segment input)
    {
        int used = 0;
        while (_connection.IsOpen && !_connection.IsPaused && TryTakeFrame(input, ref used))
        {
        }

        CommitRun();
        return used;
    }

    /// <inheritdoc/>
    public void DeadlineReached()
    {
        _connection.SendGoodbye(
            ProtocolCode.HeartbeatTimeout, $"nothing came for {2 * _services.Limits.HeartbeatSeconds} s, twice the heartbeat");
        _connection.Close(CloseReason.HeartbeatTimeout);
    }

    /// <inheritdoc/>
    public void Stalled() => _services.CutOff(_user.Id, _connection);

    /// <inheritdoc/>
    public void Overloaded() => Refuse(
        ProtocolCode.Overloaded, CloseReason.Overloaded, "the hub is out of message memory and this frame is unfinished");

    /// <inheritdoc/>
    public void Resumed() => SettleRelay();

    /// <inheritdoc/>
    public void ShutDown()
    {
        _connection.SendGoodbye(ProtocolCode.ShuttingDown, LoopServices.ShuttingDownText);
        _connection.Close(CloseReason.ShuttingDown);
    }

    /// <inheritdoc/>
    public void Closed(CloseReason reason)
    {
        _services.Run.Discard();
        _assembly?.End();
        _services.Presence.End(_watcher);
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

        if (!_connection.MayTakeWork())
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
        if (code != ProtocolCode.Normal)
        {
            return TryTakeOther(header, frame, frame.Length);
        }

        if (_services.Run.TryExtend(frame, layout))
        {
            return true;
        }

        if (!CommitRun())
        {
            return false;
        }

        _services.Run.Begin(_user.Id, frame, layout);
        return true;
    }

    /// <summary>Everything that may be answered; it comes after what was sent before it, and waits while the client does not read.</summary>
    private bool TryTakeOther(in FrameHeader header, in Segment frame, int frameBytes)
    {
        bool isWhole = frame.Length == frameBytes;
        bool mayWaitForAll = frameBytes <= Connection.MostUnconsumedBytes;
        if ((!isWhole && mayWaitForAll) || !CommitRun())
        {
            return false;
        }

        var refusal = FrameCheck.Refusal(header, out var layout, out string text);
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
        if (input.Length == 0 || !_connection.MayTakeWork())
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
        if (_services.Run.IsEmpty || _services.Run.Commit(Relay))
        {
            return true;
        }

        _connection.Pause();
        return false;
    }

    /// <summary>While the queue is full with what the client does not read, its requests wait.</summary>
    private bool HasRoomToAnswer(in FrameHeader header, ProtocolCode refusal)
    {
        bool isAnswered = refusal != ProtocolCode.Normal || header.Type switch
        {
            FrameType.Goodbye => false,
            FrameType.Relay => ((RelayFlags)header.Flags & RelayFlags.Receipt) != 0,
            _ => true,
        };
        if (!isAnswered || !Relay.WaitsForRoom())
        {
            return true;
        }

        _connection.Pause();
        return false;
    }

    private void Refuse(ProtocolCode code, CloseReason reason, string text)
    {
        _connection.SendGoodbye(code, text);
        _connection.Close(reason);
    }
}
