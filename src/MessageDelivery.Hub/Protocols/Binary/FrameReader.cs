using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Protocols.Binary;

/// <summary>
/// Cuts what has come into frames and checks them, for all sessions of a loop. Plain relays join a run; other frames are carried out one by
/// one, each after those before it. A frame that is refused is skipped, and answered once it has wholly come.
/// </summary>
internal sealed class FrameReader(RelayRun run, BinaryRequests requests)
{
    /// <summary>Carries out what is whole; returns how many bytes were taken.</summary>
    public int Read(BinarySession session, in Segment input)
    {
        var connection = session.Connection;
        int used = 0;
        while (connection.IsOpen && !connection.IsPaused && TryTake(session, input, ref used))
        {
        }

        CommitRun(session);
        return used;
    }

    /// <summary>Takes one frame, or a piece of one. False if there is nothing more to do with the input for now.</summary>
    private bool TryTake(BinarySession session, in Segment input, ref int used)
    {
        int available = input.Length - used;
        if (session.UnderWay is { } underWay)
        {
            return TryGoOn(session, underWay, new(input.Block, input.Offset + used, Math.Min(available, underWay.Missing)), ref used);
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
            CommitRun(session);
            session.End(FrameCheck.TooLong(header));
            return false;
        }

        if (!session.Connection.Input.MayTakeWork())
        {
            return false;
        }

        int frameBytes = ProtocolLimits.HeaderBytes + (int)header.Length;
        var frame = new Segment(input.Block, input.Offset + used, Math.Min(available, frameBytes));
        bool taken = isPlainRelay ? TryTakePlainRelay(session, header, frame) : TryTakeOther(session, header, frame, frameBytes);
        if (taken)
        {
            used += frame.Length;
        }

        return taken;
    }

    /// <summary>The hot path: a whole relay without flags joins the run of those before it.</summary>
    private bool TryTakePlainRelay(BinarySession session, in FrameHeader header, in Segment frame)
    {
        var code = RelayLayout.TryLayOut(header, out var layout);
        return code != ProtocolCode.Normal || session.LimitsRelays ? TryTakeLimitedRelay(session, code, header, layout, frame) : TryRun(session, frame, layout);
    }

    /// <summary>Like <see cref="TryRun"/>, but for a relay that may be refused and has to be counted.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryTakeLimitedRelay(BinarySession session, ProtocolCode code, in FrameHeader header, in RelayLayout layout, in Segment frame)
    {
        if (code != ProtocolCode.Normal || !requests.IsAllowed(session, layout))
        {
            return TryTakeOther(session, header, frame, frame.Length);
        }

        if (!TryRun(session, frame, layout))
        {
            return false;
        }

        BinaryRequests.CountRelay(session, header, layout);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryRun(BinarySession session, in Segment frame, in RelayLayout layout)
    {
        if (!run.TryExtend(frame, layout))
        {
            if (!CommitRun(session))
            {
                return false;
            }

            run.Begin(session.User.Id, frame, layout);
        }

        return true;
    }

    private bool CommitRun(BinarySession session)
    {
        if (run.IsEmpty)
        {
            return true;
        }

        session.CountProcessed(run.Relays, run.ReceivedBytes);
        if (run.Commit(session.Pending))
        {
            return true;
        }

        session.Pause();
        return false;
    }

    /// <summary>Everything that may be answered; it comes after what was sent before it, and waits while the client does not read.</summary>
    private bool TryTakeOther(BinarySession session, in FrameHeader header, in Segment frame, int frameBytes)
    {
        bool isWhole = frame.Length == frameBytes;
        bool mayWaitForAll = frameBytes <= ReceiveWindow.MaxUnconsumedBytes;
        if ((!isWhole && mayWaitForAll) || !CommitRun(session))
        {
            return false;
        }

        var refusal = FrameCheck.Refusal(header, session.Resumable is not null, out var layout, out string text);
        refusal = refusal == ProtocolCode.Normal ? requests.Refusal(session, header, layout, ref text) : refusal;
        if (session.MustWait(header, refusal))
        {
            session.Pause();
            return false;
        }

        if (refusal != ProtocolCode.Normal)
        {
            return TryRefuse(session, header, refusal, text, frame, frameBytes);
        }

        if (isWhole)
        {
            requests.CarryOut(new(session, header, layout, new ReadOnlySpan<Segment>(in frame)));
            return true;
        }

        if (header.Type == FrameType.Relay && frame.Length < layout.BodyOffset)
        {
            return false;
        }

        (session.State.Assembly ??= new(session.Connection.Loop.Pool)).Begin(header, layout, frame);
        return true;
    }

    /// <summary>Takes a piece of the frame under way.</summary>
    private bool TryGoOn(BinarySession session, RequestState underWay, in Segment piece, ref int used)
    {
        if (piece.Length == 0 || (underWay.Refused is null && !session.Connection.Input.MayTakeWork()))
        {
            return false;
        }

        used += piece.Length;
        if (underWay.Refused is { } refused)
        {
            refused.Missing -= piece.Length;
            if (refused.Missing == 0)
            {
                underWay.Refused = null;
                session.Answer(refused);
            }

            return true;
        }

        var assembly = underWay.Assembly!;
        assembly.Add(piece);
        if (assembly.Missing == 0)
        {
            requests.CarryOut(new(session, assembly.Header, assembly.Layout, assembly.Parts));
            assembly.End();
        }

        return true;
    }

    /// <summary>Answers a frame that cannot be carried out once it has wholly come; its bytes are not kept.</summary>
    private static bool TryRefuse(BinarySession session, in FrameHeader header, ProtocolCode code, string text, in Segment frame, int frameBytes)
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
            session.State.Refused = refused;
        }

        return true;
    }
}
