using System.Buffers.Binary;
using System.Text;
using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <content>What the hub says, and which call it belongs to.</content>
internal sealed partial class Session
{
    /// <summary>Carries out a received frame. Returns why the connection is to end, or null.</summary>
    public HubConnectionException? Receive(in Frame frame)
    {
        FrameType type = frame.Header.Type;
        if (Welcome is null && type != FrameType.GoodbyeReply)
        {
            return type == FrameType.Welcome ? ReceiveWelcome(frame) : NotAHub(frame.Header);
        }

        switch (type)
        {
            case FrameType.Delivery:
                return ReceiveDelivery(frame);
            case FrameType.GoodbyeReply:
                var code = (ProtocolCode)frame.Header.Argument;
                return code == ProtocolCode.Normal && _goodbyeWritten ? ClosedHere() : new(code, Encoding.UTF8.GetString(frame.Payload));
            case FrameType.Error:
                return ReceiveError(frame);
            case FrameType.EchoReply or FrameType.IdentityReply or FrameType.ListReply or FrameType.Receipt or FrameType.HeartbeatReply:
                return ReceiveAnswer(frame);
            default:
                return Violation($"a frame of type 0x{(byte)type:x2}, which nobody asked for");
        }
    }

    /// <summary>What to say of a frame whose length is above its type's limit.</summary>
    public HubConnectionException TooLarge(in FrameHeader header) => Welcome is not null
        ? new(ProtocolCode.FrameTooLarge, $"the hub sent a frame of type 0x{(byte)header.Type:x2} with {header.Length} bytes; the limit is {FrameHeader.MaxLengthFromHub(header.Type)}")
        : NotAHub(header);

    private static HubConnectionException Violation(string what) => new(ProtocolCode.ProtocolError, "the hub sent " + what);

    private static HubConnectionException NotAHub(in FrameHeader header) => new(
        ProtocolCode.ProtocolError, $"what answers there is not a hub of protocol version {ProtocolLimits.Version}: its first byte is 0x{(byte)header.Type:x2}, not 0x{(byte)FrameType.Welcome:x2}");

    private HubConnectionException? ReceiveWelcome(in Frame frame)
    {
        if (frame.Header.Argument != ProtocolLimits.Version || !WelcomePayload.TryRead(frame.Payload, out WelcomePayload welcome)
            || welcome.UserId is 0 or >= ProtocolLimits.MaxUserIdExclusive)
        {
            return Violation($"a WELCOME of version {frame.Header.Argument} with {frame.PayloadBytes} bytes that this client does not understand");
        }

        Welcome = welcome with
        {
            MaxBodyBytes = Math.Min(welcome.MaxBodyBytes, ProtocolLimits.MaxBodyBytes),
            MaxReceivers = Math.Min(welcome.MaxReceivers, (ushort)ProtocolLimits.MaxReceivers),
        };
        return null;
    }

    private HubConnectionException? ReceiveDelivery(in Frame frame)
    {
        if (frame.PayloadBytes < 8)
        {
            return Violation($"a DELIVERY of {frame.PayloadBytes} bytes; it has at least 8");
        }

        if (!options.DiscardDeliveries)
        {
            ulong sender = BinaryPrimitives.ReadUInt64LittleEndian(frame.Payload);
            deliveries.Enqueue(new(sender, frame.Block, frame.PayloadOffset + 8, frame.PayloadBytes - 8));
        }

        return null;
    }

    private HubConnectionException? ReceiveAnswer(in Frame frame)
    {
        if (PeekPending() is not { } request || request.Answer != frame.Header.Type)
        {
            return Violation($"a frame of type 0x{(byte)frame.Header.Type:x2} where another answer is due");
        }

        try
        {
            // Dequeued after: while it is in the queue, a close on another thread ends it.
            if (request.Complete(frame))
            {
                Answered();
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
        ReadOnlySpan<byte> text = frame.Payload;
        PendingRequest? request = PeekPending();
        bool correlated = ((ErrorFlags)frame.Header.Flags).HasFlag(ErrorFlags.Correlated);
        if (correlated)
        {
            if (text.Length < 8 || request is not ReceiptRequest || BinaryPrimitives.ReadUInt64LittleEndian(text) != request.Sequence)
            {
                return Violation("an ERROR in the place of a receipt that is not due");
            }

            text = text[8..];
        }

        var error = new HubRequestException((ProtocolCode)frame.Header.Argument, Encoding.UTF8.GetString(text));
        if (request is null || (!correlated && request is ReceiptRequest or HeartbeatRequest))
        {
            relayRejected(error);
        }
        else
        {
            request.Fail(error);
            Answered();
        }

        return null;
    }

    private PendingRequest? PeekPending()
    {
        lock (_gate)
        {
            return _pending.TryPeek(out PendingRequest? request) ? request : null;
        }
    }

    private void Answered()
    {
        lock (_gate)
        {
            if (_pending.TryDequeue(out PendingRequest? request))
            {
                _answered = request.Sequence;
                Pump();
            }
        }

        Outbound.Set();
    }
}
