using System.Buffers.Binary;
using System.Text;
using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <content>What the hub says, and which call it belongs to.</content>
internal sealed partial class Session
{
    /// <summary>Carries out a frame received on a connection. Returns why that is to end, or null. Called by its receive loop only.</summary>
    public HubConnectionException? Receive(SessionLink link, in Frame frame)
    {
        FrameType type = frame.Header.Type;
        if (link.Opening is null && type != FrameType.GoodbyeReply)
        {
            return type == FrameType.Welcome ? ReceiveWelcome(link, frame) : NotAHub(frame.Header);
        }

        switch (type)
        {
            case FrameType.Delivery:
                return ReceiveDelivery(frame);
            case FrameType.GoodbyeReply:
                var code = (ProtocolCode)frame.Header.Argument;
                return code == ProtocolCode.Normal && _goodbyeWritten ? ClosedHere() : Ended(code, Encoding.UTF8.GetString(frame.Payload));
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
                return Violation($"a frame of type 0x{(byte)type:x2}, which nobody asked for");
        }
    }

    private static HubConnectionException Ended(ProtocolCode code, string text) =>
        code is ProtocolCode.AuthRequired or ProtocolCode.AuthFailed ? new HubAuthenticationException(code, text) : new HubConnectionException(code, text);

    /// <summary>What to say of a frame whose length is above its type's limit.</summary>
    public static HubConnectionException TooLarge(SessionLink link, in FrameHeader header) => link.Opening is not null
        ? new(ProtocolCode.FrameTooLarge, $"the hub sent a frame of type 0x{(byte)header.Type:x2} with {header.Length} bytes; the limit is {FrameHeader.MaxLengthFromHub(header.Type)}")
        : header.Type == FrameType.Welcome
        ? new(ProtocolCode.FrameTooLarge, $"the hub's WELCOME declares {header.Length} bytes; the limit is {FrameHeader.MaxLengthFromHub(header.Type)}")
        : NotAHub(header);

    /// <summary>Acknowledges what the program has taken if it is due. Called by the receive loop before it waits.</summary>
    public void AcknowledgeIfDue()
    {
        if (_frames.Retains && _acknowledgements.IsDue())
        {
            Acknowledge();
        }
    }

    private void Take(ulong delivery)
    {
        if (_acknowledgements.Take(delivery))
        {
            Acknowledge();
        }
    }

    private static HubConnectionException Violation(string what) => new(ProtocolCode.ProtocolError, "the hub sent " + what);

    private static HubConnectionException NotAHub(in FrameHeader header) => new(
        ProtocolCode.ProtocolError, $"what answers there is not a hub of protocol version {ProtocolLimits.Version}: its first byte is 0x{(byte)header.Type:x2}, not 0x{(byte)FrameType.Welcome:x2}");

    private void Acknowledge()
    {
        lock (_gate)
        {
            // Behind a GOODBYE nothing is sent.
            if (_link is null || _goodbyeWritten || !_acknowledgements.TryAcknowledge(out ulong total))
            {
                return;
            }

            _frames.Acknowledge(total);
        }

        Outbound.Set();
    }

    private HubConnectionException? ReceiveAcknowledgement(in Frame frame)
    {
        ulong total = frame.PayloadBytes == 8 ? BinaryPrimitives.ReadUInt64LittleEndian(frame.Payload) : 0;
        lock (_gate)
        {
            if (!_frames.Retains || frame.PayloadBytes != 8 || _frames.NumberAt(total) is not { } relay)
            {
                return Violation($"an ACK of {total} relays, which is not due");
            }

            _frames.Settle(relay);
            Pump();
        }

        Outbound.Set();
        return null;
    }

    private HubConnectionException? ReceiveDelivery(in Frame frame)
    {
        if (frame.PayloadBytes < 8)
        {
            return Violation($"a DELIVERY of {frame.PayloadBytes} bytes; it has at least 8");
        }

        if (IsRepeat())
        {
            return null;
        }

        _telemetry.NoteDelivery(frame.PayloadBytes - 8);
        long bytes = ProtocolLimits.HeaderBytes + frame.PayloadBytes;
        bool isAwaited = (frame.Header.Flags & (byte)DeliveryFlags.Confirm) != 0;
        if (_options.DiscardDeliveries)
        {
            // Whoever sets this disposes of each beforehand.
            Count(bytes, isAwaited);
            return null;
        }

        ulong sender = BinaryPrimitives.ReadUInt64LittleEndian(frame.Payload);
        ulong number = _frames.Retains ? _acknowledgements.ReceiveUntaken(bytes, isAwaited) : 0;
        if (!_deliveries.TryEnqueue(new(sender, frame.Block, frame.PayloadOffset + 8, frame.PayloadBytes - 8, _deliveries, number)))
        {
            _acknowledgements.Lose(number);
        }

        return null;
    }

    private HubConnectionException? ReceiveReceipt(in Frame frame)
    {
        ulong relay = frame.PayloadBytes >= 8 ? BinaryPrimitives.ReadUInt64LittleEndian(frame.Payload) : 0;
        ReceiptRequest? request = PeekReceipt(relay);
        if (request is null && relay != 0 && IsRepeat())
        {
            return null;
        }

        if (request is null || IsRepeat())
        {
            return Violation($"a RECEIPT of relay {relay}, which is not due");
        }

        try
        {
            request.Complete(frame);
        }
        catch (InvalidDataException error)
        {
            return Violation(error.Message);
        }

        ReceiptReceived(relay);
        Count(ProtocolLimits.HeaderBytes + frame.PayloadBytes);
        return null;
    }

    private HubConnectionException? ReceiveAnswer(in Frame frame)
    {
        if (PeekRequest() is not { } request || request.Answer != frame.Header.Type)
        {
            return Violation($"a frame of type 0x{(byte)frame.Header.Type:x2} where another answer is due");
        }

        try
        {
            // Dequeued after: while it is in the queue, a close on another thread ends it.
            if (request.Complete(frame))
            {
                Answered(request);
            }

            return null;
        }
        catch (InvalidDataException error)
        {
            return Violation(error.Message);
        }
    }

    private HubConnectionException? ReceiveError(in Frame frame)
    {
        var code = (ProtocolCode)frame.Header.Argument;
        if (((ErrorFlags)frame.Header.Flags).HasFlag(ErrorFlags.Correlated))
        {
            ulong relay = frame.PayloadBytes >= 8 ? BinaryPrimitives.ReadUInt64LittleEndian(frame.Payload) : 0;
            ReceiptRequest? receipt = PeekReceipt(relay);
            if (receipt is null && relay != 0 && IsRepeat())
            {
                return null;
            }

            if (receipt is null || IsRepeat())
            {
                return Violation("an ERROR in the place of a receipt that is not due");
            }

            receipt.Fail(new HubRequestException(code, Encoding.UTF8.GetString(frame.Payload[8..])));
            ReceiptReceived(relay);
            Count(ProtocolLimits.HeaderBytes + frame.PayloadBytes);
            return null;
        }

        var error = new HubRequestException(code, Encoding.UTF8.GetString(frame.Payload));
        if (PeekRequest() is { } request and not HeartbeatRequest)
        {
            request.Fail(error);
            Answered(request);
        }
        else
        {
            _relayRejected(error);
        }

        return null;
    }

    /// <summary>Whether a counted frame is one that had come before the session was resumed; it is dropped.</summary>
    private bool IsRepeat() => _frames.Retains && _acknowledgements.TryDropRepeat();

    private void Count(long bytes, bool isAwaited = false)
    {
        if (_frames.Retains)
        {
            _acknowledgements.Receive(bytes, isAwaited);
        }
    }

    private PendingRequest? PeekRequest()
    {
        lock (_gate)
        {
            return _requests.TryPeek(out PendingRequest? request) ? request : null;
        }
    }

    private ReceiptRequest? PeekReceipt(ulong relay)
    {
        lock (_gate)
        {
            return _receipts.GetValueOrDefault(relay);
        }
    }

    private void ReceiptReceived(ulong relay)
    {
        lock (_gate)
        {
            if (_receipts.Remove(relay))
            {
                _frames.Settle(relay);
                Pump();
            }
        }

        Outbound.Set();
    }

    private void Answered(PendingRequest answered)
    {
        lock (_gate)
        {
            if (_requests.TryPeek(out PendingRequest? request) && request == answered)
            {
                _requests.Dequeue();
                _isProbing &= request is not HeartbeatRequest { IsProbe: true };
                _frames.NoteAnswered();
                _frames.Settle(request.Relay);
                if (request is ListRequest list)
                {
                    NoteListAnswered(list);
                }

                Pump();
            }
        }

        Outbound.Set();
    }
}
