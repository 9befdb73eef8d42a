using System.Buffers.Binary;
using System.Runtime.InteropServices;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Sessions;

/// <summary>What each kind of frame does.</summary>
internal sealed partial class BinarySession
{
    private void Carry(in FrameHeader header, in RelayLayout layout, in Segment frame)
    {
        switch (header.Type)
        {
            case FrameType.Relay:
                CarryRelay(header, layout, new ReadOnlySpan<Segment>(in frame));
                break;
            case FrameType.Echo:
                frame.Span[0] = (byte)FrameType.EchoReply;
                _connection.Send(new ReadOnlySpan<Segment>(in frame));
                break;
            case FrameType.Identity:
                _connection.SendIdentity(_user.Id);
                break;
            case FrameType.List:
                CarryList((ListFlags)header.Flags);
                break;
            case FrameType.Heartbeat:
                _connection.SendHeartbeat();
                break;
            case FrameType.Goodbye:
                _connection.SendGoodbye(ProtocolCode.Normal, "");
                _connection.Close(CloseReason.Left);
                break;
            default:
                throw new InvalidOperationException($"A frame of type {header.Type} passed the check.");
        }
    }

    private void CarryList(ListFlags flags)
    {
        if (flags.HasFlag(ListFlags.Watch))
        {
            _services.Presence.Begin(_watcher ??= new(_connection, _user.Id));
        }
        else
        {
            _services.Presence.End(_watcher);
            _services.Listing.SendFrames(_connection, _user.Id);
        }
    }

    private void CarryAssembled()
    {
        var assembly = _assembly!;
        var parts = assembly.Parts;
        if (assembly.Header.Type == FrameType.Relay)
        {
            CarryRelay(assembly.Header, assembly.Layout, parts);
        }
        else
        {
            parts[0].Span[0] = (byte)FrameType.EchoReply;
            _connection.Send(parts);
        }

        assembly.End();
    }

    /// <summary>A relay with flags, or one that came in parts: its first part holds everything before the body.</summary>
    private void CarryRelay(in FrameHeader header, in RelayLayout layout, ReadOnlySpan<Segment> frame)
    {
        var flags = (RelayFlags)header.Flags;
        var first = frame[0];
        var head = first.Span[..layout.BodyOffset];
        ulong correlation = BinaryPrimitives.ReadUInt64LittleEndian(head[ProtocolLimits.HeaderBytes..]);
        head.Slice(layout.ReceiversOffset, layout.ReceiverCount * sizeof(ulong))
            .CopyTo(MemoryMarshal.AsBytes(Relay.Begin(layout.ReceiverCount)));

        int start = layout.BodyOffset - ProtocolLimits.DeliveryHeaderBytes;
        new DeliveryHeader(_user.Id, layout.BodyBytes).Write(head[start..]);
        var delivery = _services.Delivery;
        delivery.Begin(_user.Id, 1, layout.BodyBytes);
        delivery.Frames.Add(first with { Offset = first.Offset + start, Length = first.Length - start });
        foreach (ref readonly var part in frame[1..])
        {
            delivery.Frames.Add(part);
        }

        bool isDone = _services.Router.Route(delivery, Relay, mayWait: !flags.HasFlag(RelayFlags.BestEffort));
        _receiptFor = flags.HasFlag(RelayFlags.Receipt) ? correlation : null;
        if (isDone)
        {
            SettleRelay();
        }
        else
        {
            _connection.Pause();
        }
    }

    private void SettleRelay()
    {
        _services.Router.Settle(Relay);
        if (_receiptFor is { } correlation)
        {
            _connection.SendReceipt(correlation, Relay.Outcomes);
            _receiptFor = null;
        }
    }

    /// <summary>Answers a frame that cannot be carried out once it has wholly come; its bytes are not kept.</summary>
    private bool TryRefuse(in FrameHeader header, ProtocolCode code, string text, in Segment frame, int frameBytes)
    {
        ulong? correlation = null;
        if (header.Type == FrameType.Relay && (header.Flags & (byte)RelayFlags.Receipt) != 0 && header.Length >= sizeof(ulong))
        {
            if (frame.Length < ProtocolLimits.HeaderBytes + sizeof(ulong))
            {
                return false;
            }

            correlation = BinaryPrimitives.ReadUInt64LittleEndian(frame.Span[ProtocolLimits.HeaderBytes..]);
        }

        int missing = frameBytes - frame.Length;
        if (missing == 0)
        {
            _connection.SendError(code, text, correlation);
        }
        else
        {
            _refused = new(code, text, correlation) { Missing = missing };
        }

        return true;
    }

    private bool TrySkip(int available, ref int used)
    {
        int skipped = Math.Min(available, _refused!.Missing);
        used += skipped;
        _refused.Missing -= skipped;
        if (_refused.Missing == 0)
        {
            _connection.SendError(_refused.Code, _refused.Text, _refused.Correlation);
            _refused = null;
        }

        return skipped > 0;
    }

    /// <summary>A frame that is being skipped, and the error that answers it.</summary>
    private sealed record RefusedFrame(ProtocolCode Code, string Text, ulong? Correlation)
    {
        public int Missing { get; set; }
    }
}
