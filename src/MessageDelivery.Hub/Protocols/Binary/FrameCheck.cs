using MessageDelivery.Hub.Limits;
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
        var type = header.Type;
        if (FrameRule.FromClient(type) is not { } rule)
        {
            return Because(ProtocolCode.Unsupported, $"type 0x{(byte)type:x2} is not one that a client sends", out text);
        }

        return type switch
        {
            FrameType.Relay => Relay(header, out layout, out text),
            FrameType.Hello => Because(ProtocolCode.ProtocolError, "HELLO comes once, and this connection has said it", out text),
            FrameType.Ack when !isResumable =>
                Because(ProtocolCode.Unsupported, "ACK is for resumable sessions, and this one is not", out text),
            _ => Plain(header, rule, out text),
        };
    }

    /// <summary>A frame declares more than its type may have.</summary>
    public static Ending TooLong(in FrameHeader header) => Ending.FrameTooLarge(
        $"a frame of type 0x{(byte)header.Type:x2} declares {header.Length} bytes; the limit is {FrameHeader.MaxLengthFromClient(header.Type)}");

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

    private static ProtocolCode Plain(in FrameHeader header, FrameRule rule, out string text)
    {
        if ((header.Flags & ~rule.Flags) != 0)
        {
            return Because(ProtocolCode.Unsupported, $"flags 0x{header.Flags:x2} are not defined for type 0x{(byte)header.Type:x2}", out text);
        }

        if (header.Argument != 0 && !rule.HasArgument)
        {
            return Because(ProtocolCode.Unsupported, $"argument {header.Argument} is not defined for type 0x{(byte)header.Type:x2}; it must be 0", out text);
        }

        text = "";
        return header.Length >= rule.MinLength
            ? ProtocolCode.Normal
            : Because(ProtocolCode.ProtocolError, $"{rule.Name} with {header.Length} bytes; it has {rule.MinLength}", out text);
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
