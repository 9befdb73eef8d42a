using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>
/// Hands each frame from the hub to its target: a pending call, the delivery queue, the watchers. Called by one receive loop at a time. Takes
/// the session's lock for its bookkeeping, and never while it calls the program.
/// </summary>
internal sealed class FrameDispatcher
{
    private readonly Lock _gate;
    private readonly FrameSender _sender;
    private readonly Acknowledgements _acknowledgements;
    private readonly DeliveryQueue _deliveries;
    private readonly PresenceFeed _presence;
    private readonly bool _discardsDeliveries;
    private readonly ClientTelemetry _telemetry;
    private readonly Action<HubRequestException> _relayRejected;

    public FrameDispatcher(
        Lock gate,
        FrameSender sender,
        Acknowledgements acknowledgements,
        DeliveryQueue deliveries,
        PresenceFeed presence,
        bool discardsDeliveries,
        ClientTelemetry telemetry,
        Action<HubRequestException> relayRejected)
    {
        _gate = gate;
        _sender = sender;
        _acknowledgements = acknowledgements;
        _deliveries = deliveries;
        _presence = presence;
        _discardsDeliveries = discardsDeliveries;
        _telemetry = telemetry;
        _relayRejected = relayRejected;
        _deliveries.Taken = Take;
    }

    /// <summary>Whether the session is resumable, so that frames are counted and acknowledged.</summary>
    private bool IsCounting => _sender.Frames.Retains;

    /// <summary>Processes a frame behind WELCOME, or a GOODBYE at any time. Returns why the connection is to end, or null.</summary>
    public HubConnectionException? Dispatch(in Frame frame)
    {
        switch (frame.Header.Type)
        {
            case FrameType.Delivery:
                return ReceiveDelivery(frame);
            case FrameType.GoodbyeReply:
                return ReceiveGoodbye(frame);
            case FrameType.Error:
                return ReceiveError(frame);
            case FrameType.Receipt:
                return ReceiveReceipt(frame);
            case FrameType.AckReply:
                return ReceiveAcknowledgement(frame);
            case FrameType.Presence:
                return ReceivePresence(frame);
            case FrameType.EchoReply or FrameType.IdentityReply or FrameType.ListReply or FrameType.HeartbeatReply:
                return ReceiveAnswer(frame);
            default:
                return ProtocolViolation.Sent($"a frame of type 0x{(byte)frame.Header.Type:x2}, which nobody asked for");
        }
    }

    /// <summary>Acknowledges what the program has taken if it is due. Called by the receive loop before it waits.</summary>
    public void AcknowledgeIfDue()
    {
        if (IsCounting && _acknowledgements.IsDue())
        {
            Acknowledge();
        }
    }

    /// <summary>Sends an ACK if there is something to acknowledge.</summary>
    public void Acknowledge()
    {
        bool isWritten;
        lock (_gate)
        {
            isWritten = _sender.TryWriteAcknowledgement();
        }

        if (isWritten)
        {
            _sender.Ready.Set();
        }
    }

    private void Take(ulong delivery)
    {
        if (_acknowledgements.Take(delivery))
        {
            Acknowledge();
        }
    }

    private HubConnectionException ReceiveGoodbye(in Frame frame)
    {
        var code = (ProtocolCode)frame.Header.Argument;
        if (code == ProtocolCode.Normal && _sender.IsGoodbyeWritten)
        {
            return HubConnectionException.ClosedHere();
        }

        string text = Encoding.UTF8.GetString(frame.Payload);
        return code is ProtocolCode.AuthRequired or ProtocolCode.AuthFailed ? new HubAuthenticationException(code, text) : new HubConnectionException(code, text);
    }

    private HubConnectionException? ReceiveDelivery(in Frame frame)
    {
        if (frame.PayloadBytes < 8)
        {
            return ProtocolViolation.Sent($"a DELIVERY of {frame.PayloadBytes} bytes; it has at least 8");
        }

        if (IsReplayed())
        {
            return null;
        }

        _telemetry.NoteDelivery(frame.PayloadBytes - 8);
        long bytes = ProtocolLimits.HeaderBytes + frame.PayloadBytes;
        bool isAwaited = (frame.Header.Flags & (byte)DeliveryFlags.Confirm) != 0;
        if (_discardsDeliveries)
        {
            // With this option every delivery counts as taken at once.
            Count(bytes, isAwaited);
            return null;
        }

        ulong user = BinaryPrimitives.ReadUInt64LittleEndian(frame.Payload);
        ulong number = IsCounting ? _acknowledgements.ReceiveUntaken(bytes, isAwaited) : 0;
        if (!_deliveries.TryEnqueue(new(user, frame.Block, frame.PayloadOffset + 8, frame.PayloadBytes - 8, _deliveries, number)))
        {
            _acknowledgements.Drop(number);
        }

        return null;
    }

    private HubConnectionException? ReceiveAcknowledgement(in Frame frame)
    {
        ulong total = frame.PayloadBytes == 8 ? BinaryPrimitives.ReadUInt64LittleEndian(frame.Payload) : 0;
        lock (_gate)
        {
            if (!IsCounting || frame.PayloadBytes != 8 || _sender.Frames.RelayAt(total) is not { } relay)
            {
                return ProtocolViolation.Sent($"an ACK of {total} relays, which is not due");
            }

            _sender.NoteProcessed(relay);
        }

        _sender.Ready.Set();
        return null;
    }

    private HubConnectionException? ReceiveReceipt(in Frame frame)
    {
        ulong relay = frame.PayloadBytes >= 8 ? BinaryPrimitives.ReadUInt64LittleEndian(frame.Payload) : 0;
        ReceiptRequest? request = FindReceipt(relay);
        if (request is null && relay != 0 && IsReplayed())
        {
            return null;
        }

        if (request is null || IsReplayed())
        {
            return ProtocolViolation.Sent($"a RECEIPT of relay {relay}, which is not due");
        }

        try
        {
            request.Complete(frame);
        }
        catch (InvalidDataException error)
        {
            return ProtocolViolation.Sent(error.Message);
        }

        NoteReceipt(frame, relay);
        return null;
    }

    private HubConnectionException? ReceiveAnswer(in Frame frame)
    {
        if (FindOldestRequest() is not { } request || request.Answer != frame.Header.Type)
        {
            return ProtocolViolation.Sent($"a frame of type 0x{(byte)frame.Header.Type:x2} where another answer is due");
        }

        try
        {
            // Removed afterwards: while it is pending, a close on another thread fails it.
            if (request.Complete(frame))
            {
                NoteAnswered(request);
            }

            return null;
        }
        catch (InvalidDataException error)
        {
            return ProtocolViolation.Sent(error.Message);
        }
    }

    private HubConnectionException? ReceiveError(in Frame frame)
    {
        var code = (ProtocolCode)frame.Header.Argument;
        if (((ErrorFlags)frame.Header.Flags).HasFlag(ErrorFlags.Correlated))
        {
            return ReceiveReceiptError(frame, code);
        }

        var error = new HubRequestException(code, Encoding.UTF8.GetString(frame.Payload));
        if (FindOldestRequest() is { } request and not HeartbeatRequest)
        {
            request.Fail(error);
            NoteAnswered(request);
        }
        else
        {
            _relayRejected(error);
        }

        return null;
    }

    /// <summary>An ERROR in the place of a receipt.</summary>
    private HubConnectionException? ReceiveReceiptError(in Frame frame, ProtocolCode code)
    {
        ulong relay = frame.PayloadBytes >= 8 ? BinaryPrimitives.ReadUInt64LittleEndian(frame.Payload) : 0;
        ReceiptRequest? receipt = FindReceipt(relay);
        if (receipt is null && relay != 0 && IsReplayed())
        {
            return null;
        }

        if (receipt is null || IsReplayed())
        {
            return ProtocolViolation.Sent("an ERROR in the place of a receipt that is not due");
        }

        receipt.Fail(new HubRequestException(code, Encoding.UTF8.GetString(frame.Payload[8..])));
        NoteReceipt(frame, relay);
        return null;
    }

    private HubConnectionException? ReceivePresence(in Frame frame)
    {
        var change = (PresenceChange)frame.Header.Argument;
        if (change is not (PresenceChange.Joined or PresenceChange.Left) || frame.PayloadBytes % 8 != 0)
        {
            return ProtocolViolation.Sent($"a PRESENCE of {frame.PayloadBytes} bytes with argument {frame.Header.Argument}; it has 8 for each id, and 1 or 2");
        }

        lock (_gate)
        {
            if (!_sender.Subscription.MayReceive)
            {
                return ProtocolViolation.Sent("a PRESENCE, though nobody watches");
            }
        }

        ulong[] users = MemoryMarshal.Cast<byte, ulong>(frame.Payload).ToArray();
        if (!BitConverter.IsLittleEndian)
        {
            BinaryPrimitives.ReverseEndianness(users, users);
        }

        _presence.Apply(change, users);
        return null;
    }

    /// <summary>Whether a counted frame is a replay of one that was received before; it is dropped.</summary>
    private bool IsReplayed() => IsCounting && _acknowledgements.TryDropReplayed();

    private void Count(long bytes, bool isAwaited = false)
    {
        if (IsCounting)
        {
            _acknowledgements.Receive(bytes, isAwaited);
        }
    }

    private PendingRequest? FindOldestRequest()
    {
        lock (_gate)
        {
            return _sender.Requests.Oldest;
        }
    }

    private ReceiptRequest? FindReceipt(ulong relay)
    {
        lock (_gate)
        {
            return _sender.Requests.FindReceipt(relay);
        }
    }

    private void NoteReceipt(in Frame frame, ulong relay)
    {
        lock (_gate)
        {
            _sender.NoteReceipt(relay);
        }

        _sender.Ready.Set();
        Count(ProtocolLimits.HeaderBytes + frame.PayloadBytes);
    }

    private void NoteAnswered(PendingRequest request)
    {
        lock (_gate)
        {
            _sender.NoteAnswered(request);
        }

        _sender.Ready.Set();
    }
}
