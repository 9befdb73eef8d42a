using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Protocols.Binary;

/// <summary>
/// Cuts what has come into frames and checks them. Plain relays join a run; other frames are carried out one by one, each after those
/// before it. A frame that is refused is skipped, and answered once it has wholly come.
/// </summary>
/// <param name="limitsRelays">Whether a relay that keeps to the protocol may be refused, or has to be counted.</param>
internal sealed class FrameReader(BinarySession session, BinaryRequests requests, bool limitsRelays)
{
    // These two are asked for each frame.
    private readonly Connection _connection = session.Connection;
    private readonly RelayRun _run = session.Services.Run;
    private FrameAssembly? _assembly;
    private RefusedFrame? _refused;

    public bool IsBetweenFrames => _refused is null && _assembly is not { IsUnderWay: true };

    /// <summary>Bytes kept of a frame that has not wholly come.</summary>
    public int UnfinishedBytes => _assembly?.Bytes ?? 0;

    /// <summary>Bytes that are missing of the frame under way; 0 between frames.</summary>
    public int Missing => _refused?.Missing ?? (_assembly is { IsUnderWay: true } ? _assembly.Missing : 0);

    /// <summary>Carries out what is whole; returns how many bytes were taken.</summary>
    public int Read(in Segment input)
    {
        int used = 0;
        while (_connection.IsOpen && !_connection.IsPaused && TryTake(input, ref used))
        {
        }

        CommitRun();
        return used;
    }

    /// <summary>Lets go of everything.</summary>
    public void End()
    {
        _run.Discard();
        _assembly?.End();
    }

    /// <summary>Takes one frame, or a piece of one. False if there is nothing more to do with the input for now.</summary>
    private bool TryTake(in Segment input, ref int used)
    {
        int available = input.Length - used;
        if (!IsBetweenFrames)
        {
            return TryGoOn(new(input.Block, input.Offset + used, Math.Min(available, Missing)), ref used);
        }

        if (available < ProtocolLimits.HeaderBytes)
        {
            return false;
        }

        var header = FrameHeader.Read(input.Block.Span(input.Offset + used, ProtocolLimits.HeaderBytes));
        // A plain relay that is whole stands in one block, which is smaller than the longest relay.
        bool isPlainRelay = header is { Type: FrameType.Relay, Flags: 0 } && header.Length <= (uint)(available - ProtocolLimits.HeaderBytes);
        if (!isPlainRelay && header.Length > FrameHeader.MaxLengthFromClient(header.Type))
        {
            CommitRun();
            session.End(FrameCheck.TooLong(header));
            return false;
        }

        if (!_connection.Input.MayTakeWork())
        {
            return false;
        }

        int frameBytes = ProtocolLimits.HeaderBytes + (int)header.Length;
        var frame = new Segment(input.Block, input.Offset + used, Math.Min(available, frameBytes));
        bool taken = isPlainRelay ? TryTakePlainRelay(header, frame) : TryTakeOther(header, frame, frameBytes);
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
        return code != ProtocolCode.Normal || limitsRelays ? TryTakeLimitedRelay(code, header, layout, frame) : TryRun(frame, layout);
    }

    /// <summary>Like <see cref="TryRun"/>, but for a relay that may be refused and has to be counted.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryTakeLimitedRelay(ProtocolCode code, in FrameHeader header, in RelayLayout layout, in Segment frame)
    {
        if (code != ProtocolCode.Normal || !requests.IsAllowed(layout))
        {
            return TryTakeOther(header, frame, frame.Length);
        }

        if (!TryRun(frame, layout))
        {
            return false;
        }

        requests.CountRelay(header, layout);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryRun(in Segment frame, in RelayLayout layout)
    {
        if (!_run.TryExtend(frame, layout))
        {
            if (!CommitRun())
            {
                return false;
            }

            _run.Begin(session.User.Id, frame, layout);
        }

        return true;
    }

    private bool CommitRun()
    {
        if (_run.IsEmpty)
        {
            return true;
        }

        session.CountProcessed(_run.Relays, _run.ReceivedBytes);
        if (_run.Commit(requests.Pending))
        {
            return true;
        }

        session.Pause();
        return false;
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

        var refusal = FrameCheck.Refusal(header, session.Resumable is not null, out var layout, out string text);
        refusal = refusal == ProtocolCode.Normal ? requests.Refusal(header, layout, ref text) : refusal;
        if (requests.MustWait(header, refusal))
        {
            session.Pause();
            return false;
        }

        if (refusal != ProtocolCode.Normal)
        {
            return TryRefuse(header, refusal, text, frame, frameBytes);
        }

        if (isWhole)
        {
            requests.CarryOut(new(header, layout, new ReadOnlySpan<Segment>(in frame)));
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

    /// <summary>Takes a piece of the frame under way.</summary>
    private bool TryGoOn(in Segment piece, ref int used)
    {
        if (piece.Length == 0 || (_refused is null && !_connection.Input.MayTakeWork()))
        {
            return false;
        }

        used += piece.Length;
        if (_refused is { } refused)
        {
            refused.Missing -= piece.Length;
            if (refused.Missing == 0)
            {
                _refused = null;
                session.Answer(refused);
            }

            return true;
        }

        var assembly = _assembly!;
        assembly.Add(piece);
        if (assembly.Missing == 0)
        {
            requests.CarryOut(new(assembly.Header, assembly.Layout, assembly.Parts));
            assembly.End();
        }

        return true;
    }

    /// <summary>Answers a frame that cannot be carried out once it has wholly come; its bytes are not kept.</summary>
    private bool TryRefuse(in FrameHeader header, ProtocolCode code, string text, in Segment frame, int frameBytes)
    {
        ulong? correlation = null;
        bool isRelay = header.Type == FrameType.Relay;
        if (isRelay && ((RelayFlags)header.Flags).HasFlag(RelayFlags.Receipt) && header.Length >= sizeof(ulong))
        {
            if (frame.Length < ProtocolLimits.HeaderBytes + sizeof(ulong))
            {
                return false;
            }

            correlation = BinaryPrimitives.ReadUInt64LittleEndian(frame.Span[ProtocolLimits.HeaderBytes..]);
        }

        var refused = new RefusedFrame(code, text, correlation, isRelay ? frameBytes : 0) { Missing = frameBytes - frame.Length };
        if (refused.Missing == 0)
        {
            session.Answer(refused);
        }
        else
        {
            _refused = refused;
        }

        return true;
    }
}

/// <summary>A frame that is skipped, and the error that answers it.</summary>
/// <param name="RelayBytes">If it is a relay, its bytes: it counts as processed.</param>
internal sealed record RefusedFrame(ProtocolCode Code, string Text, ulong? Correlation, int RelayBytes)
{
    public int Missing { get; set; }
}
