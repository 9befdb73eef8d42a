namespace MessageDelivery.Protocol;

/// <summary>
/// The offsets of the parts of a RELAY. The sixteen bytes before the body always belong to the frame: a hub writes a DELIVERY's header
/// over them and sends the body in place.
/// </summary>
public readonly record struct RelayLayout
{
    private RelayLayout(int receiversOffset, int receiverCount, int bodyOffset, int bodyBytes)
    {
        ReceiversOffset = receiversOffset;
        ReceiverCount = receiverCount;
        BodyOffset = bodyOffset;
        BodyBytes = bodyBytes;
    }

    /// <summary>Bytes from the frame's start to its first receiver id; the correlation, if any, stands before it.</summary>
    public int ReceiversOffset { get; }

    /// <summary>The number of ids (u64 each).</summary>
    public int ReceiverCount { get; }

    /// <summary>Bytes from the frame's start to its body.</summary>
    public int BodyOffset { get; }

    /// <summary>Bytes of the body.</summary>
    public int BodyBytes { get; }

    /// <summary>Bytes of the frame before its body, header included, for a relay with these flags to so many receivers.</summary>
    public static int HeadBytes(RelayFlags flags, int receivers) =>
        ProtocolLimits.HeaderBytes + ((flags & RelayFlags.Receipt) != 0 ? 8 : 0) + (8 * receivers);

    /// <summary>
    /// Lays out a RELAY from its header. <see cref="ProtocolCode.Normal"/>, or what is wrong with it:
    /// <see cref="ProtocolCode.InvalidReceivers"/> for none, too many, or a frame too short for them;
    /// <see cref="ProtocolCode.Unsupported"/> for an undefined flag, or CONFIRM without RECEIPT; <see cref="ProtocolCode.FrameTooLarge"/> for its body.
    /// </summary>
    public static ProtocolCode TryLayOut(in FrameHeader header, out RelayLayout layout)
    {
        layout = default;
        var flags = (RelayFlags)header.Flags;
        bool confirmsNothing = flags.HasFlag(RelayFlags.Confirm) && !flags.HasFlag(RelayFlags.Receipt);
        if ((flags & ~RelayFlags.All) != 0 || confirmsNothing)
        {
            return ProtocolCode.Unsupported;
        }

        int head = HeadBytes(flags, header.Argument);
        long bodyBytes = header.Length - (head - (long)ProtocolLimits.HeaderBytes);
        if (header.Argument is 0 or > ProtocolLimits.MaxReceivers || bodyBytes < 0)
        {
            return ProtocolCode.InvalidReceivers;
        }

        if (bodyBytes > ProtocolLimits.MaxBodyBytes)
        {
            return ProtocolCode.FrameTooLarge;
        }

        layout = new(head - (8 * header.Argument), header.Argument, head, (int)bodyBytes);
        return ProtocolCode.Normal;
    }
}
