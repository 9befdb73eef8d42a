using System.Buffers.Binary;
using System.Runtime.InteropServices;
using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Protocols.Binary;

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
                CountEcho(header.Length);
                break;
            case FrameType.Identity:
                _connection.SendIdentity(_user.Id);
                break;
            case FrameType.List:
                CarryList((ListFlags)header.Flags);
                CountList();
                break;
            case FrameType.Heartbeat:
                _connection.SendHeartbeat();
                break;
            case FrameType.Ack:
                CarryAck(BinaryPrimitives.ReadUInt64LittleEndian(frame.Span[ProtocolLimits.HeaderBytes..]));
                break;
            case FrameType.Goodbye:
                Refuse(ProtocolCode.Normal, CloseReason.Left, "");
                break;
            default:
                throw new InvalidOperationException($"A frame of type {header.Type} passed the check.");
        }
    }

    /// <summary>Why its token does not let it do this; null if it does.</summary>
    private static string? Forbidden(Rights rights, in FrameHeader header) => header.Type switch
    {
        FrameType.Relay when !rights.MaySend => Rights.MayNotSendText,
        FrameType.List when !rights.MayList => Rights.MayNotListText,
        FrameType.List when !rights.MayWatch && ((ListFlags)header.Flags).HasFlag(ListFlags.Watch) => Rights.MayNotWatchText,
        _ => null,
    };

    private void CarryAck(ulong total)
    {
        if (_connection.Outbound.Acknowledge(total, _connection.Loop) == TotalCheck.NeverSent)
        {
            _connection.CloseWithGoodbye(
                CloseReason.ProtocolError, ProtocolCode.ProtocolError, $"an ACK of {total} frames; fewer were sent");
        }
    }

    private void CarryList(ListFlags flags)
    {
        if (flags.HasFlag(ListFlags.Watch))
        {
            _services.Presence.Begin(_watcher ??= new(_connection, _user));
        }
        else
        {
            _services.Presence.End(_watcher);
            _services.Listing.SendFrames(_connection, _user.Id, _user.Rights);
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
            CountEcho(assembly.Header.Length);
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
        bool isConfirmed = flags.HasFlag(RelayFlags.Confirm);
        new DeliveryHeader(_user.Id, layout.BodyBytes, isConfirmed ? DeliveryFlags.Confirm : DeliveryFlags.None).Write(head[start..]);
        var delivery = _services.Delivery;
        var unconfirmed = isConfirmed ? Unconfirmed : null;
        unconfirmed?.Begin(correlation, Relay.Receivers);
        delivery.Begin(_user.Id, 1, layout.BodyBytes, unconfirmed);
        delivery.Frames.Add(first with { Offset = first.Offset + start, Length = first.Length - start });
        foreach (ref readonly var part in frame[1..])
        {
            delivery.Frames.Add(part);
        }

        bool isDone = _services.Router.Route(delivery, Relay, mayWait: !flags.HasFlag(RelayFlags.BestEffort));
        Relay.ReceiptFor = flags.HasFlag(RelayFlags.Receipt) && !isConfirmed ? correlation : null;
        Relay.Unconfirmed = unconfirmed;
        CountRelays(1, ProtocolLimits.HeaderBytes + (int)header.Length);
        if (isDone)
        {
            _services.Settle(Relay, _connection.Outbound);
        }
        else
        {
            Pause();
        }

        CountRelay(layout);
    }

    /// <inheritdoc/>
    void IConfirmationOwner.Confirmed(ulong correlation, ReadOnlySpan<Outcome> outcomes, IOutlet outlet) =>
        _connection.Outbound.SendReceipt(outlet, correlation, outcomes);

    /// <inheritdoc/>
    void IConfirmationOwner.GoOn() => _connection.Resume();

    /// <inheritdoc/>
    void IConfirmationOwner.Failed(Exception exception) => _services.Loop.Call(() => _services.Loop.Fail(_connection, exception));

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

        var refused = new RefusedFrame(code, text, correlation, header.Type == FrameType.Relay ? frameBytes : 0)
        {
            Missing = frameBytes - frame.Length,
        };
        if (refused.Missing == 0)
        {
            SendError(refused);
        }
        else
        {
            _refused = refused;
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
            SendError(_refused);
            _refused = null;
        }

        return skipped > 0;
    }

    private void SendError(RefusedFrame refused)
    {
        if (refused.RelayBytes > 0)
        {
            CountRelays(1, refused.RelayBytes);
        }

        _connection.SendError(refused.Code, refused.Text, refused.Correlation);
        CountError(refused.Code);
    }

    /// <summary>A frame that is being skipped, and the error that answers it.</summary>
    /// <param name="RelayBytes">If it is a relay, its bytes: it counts as processed.</param>
    private sealed record RefusedFrame(ProtocolCode Code, string Text, ulong? Correlation, int RelayBytes)
    {
        public int Missing { get; set; }
    }
}
