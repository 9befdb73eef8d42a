using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Protocols.Binary;

/// <summary>What a client may send after its HELLO, by header alone; what it may not is answered with an ERROR that names it.</summary>
internal static class FrameCheck
{
    private const int MaxFrameBytes = ProtocolLimits.HeaderBytes + ProtocolLimits.MaxRelayLength;

    /// <summary><see cref="ProtocolCode.Normal"/>, or why the frame is refused. A RELAY that is not is laid out.</summary>
    public static ProtocolCode Refusal(in FrameHeader header, bool isResumable, out RelayLayout layout, out string text)
    {
        layout = default;
        text = "";
        return header.Type switch
        {
            FrameType.Relay => Relay(header, out layout, out text),
            FrameType.Hello => Because(ProtocolCode.ProtocolError, "HELLO comes once, and this connection has said it", out text),
            FrameType.Ack when isResumable => Ack(header, out text),
            FrameType.Ack => Because(ProtocolCode.Unsupported, "ACK is for resumable sessions, and this one is not", out text),
            FrameType.Goodbye when header.Flags == 0 => ProtocolCode.Normal,
            FrameType.List => Plain(header, (byte)ListFlags.Watch, out text),
            FrameType.Echo or FrameType.Identity or FrameType.Heartbeat or FrameType.Goodbye => Plain(header, 0, out text),
            _ => Because(ProtocolCode.Unsupported, $"type 0x{(byte)header.Type:x2} is not one that a client sends", out text),
        };
    }

    public static string TooLong(in FrameHeader header) =>
        $"a frame of type 0x{(byte)header.Type:x2} declares {header.Length} bytes; the limit is {FrameHeader.MaxLengthFromClient(header.Type)}";

    /// <summary>The most bytes that may still come of a frame, after so many; more than one frame may have begun.</summary>
    public static int MaxMissingBytes(ReadOnlySpan<byte> begun)
    {
        int missing = MaxBytes(begun) - begun.Length;
        return missing > 0 && begun.Length >= ProtocolLimits.HeaderBytes ? missing : MaxFrameBytes;
    }

    /// <summary>The bytes of the frames at the front that are whole; if none is, the most that the first may have in all.</summary>
    public static int RequestBytes(ReadOnlySpan<byte> front)
    {
        int whole = 0;
        while (front.Length - whole >= ProtocolLimits.HeaderBytes && MaxBytes(front[whole..]) is var next && next <= front.Length - whole)
        {
            whole += next;
        }

        return whole > 0 ? whole : MaxBytes(front);
    }

    private static int MaxBytes(ReadOnlySpan<byte> begun) => begun.Length < ProtocolLimits.HeaderBytes
        ? MaxFrameBytes
        : ProtocolLimits.HeaderBytes + (int)Math.Min(FrameHeader.Read(begun).Length, ProtocolLimits.MaxRelayLength);

    private static ProtocolCode Plain(in FrameHeader header, byte definedFlags, out string text)
    {
        if ((header.Flags & ~definedFlags) != 0)
        {
            return Because(ProtocolCode.Unsupported, $"flags 0x{header.Flags:x2} are not defined for type 0x{(byte)header.Type:x2}", out text);
        }

        text = "";
        return header.Argument == 0
            ? ProtocolCode.Normal
            : Because(ProtocolCode.Unsupported, $"argument {header.Argument} is not defined for type 0x{(byte)header.Type:x2}; it must be 0", out text);
    }

    private static ProtocolCode Ack(in FrameHeader header, out string text)
    {
        var code = Plain(header, 0, out text);
        return code != ProtocolCode.Normal || header.Length == sizeof(ulong)
            ? code
            : Because(ProtocolCode.ProtocolError, $"an ACK of {header.Length} bytes; it has {sizeof(ulong)}", out text);
    }

    private static ProtocolCode Relay(in FrameHeader header, out RelayLayout layout, out string text)
    {
        var code = RelayLayout.TryLayOut(header, out layout);
        var flags = (RelayFlags)header.Flags;
        text = code switch
        {
            ProtocolCode.Unsupported =>
                $"flags 0x{header.Flags:x2} are not defined for RELAY; 0x{(byte)RelayFlags.All:x2} are, and 4 CONFIRM only with 1 RECEIPT",
            ProtocolCode.InvalidReceivers when header.Argument is 0 or > ProtocolLimits.MaxReceivers =>
                $"{header.Argument} receivers; a relay lists 1 to {ProtocolLimits.MaxReceivers}",
            ProtocolCode.InvalidReceivers =>
                $"{header.Length} bytes are too few for {header.Argument} receivers; they take {RelayLayout.HeadBytes(flags, header.Argument) - ProtocolLimits.HeaderBytes}",
            ProtocolCode.FrameTooLarge =>
                $"a body of {header.Length - (RelayLayout.HeadBytes(flags, header.Argument) - ProtocolLimits.HeaderBytes)} bytes; the limit is {ProtocolLimits.MaxBodyBytes}",
            _ => "",
        };
        return code;
    }

    private static ProtocolCode Because(ProtocolCode code, string why, out string text)
    {
        text = why;
        return code;
    }
}
