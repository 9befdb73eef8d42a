using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Protocols.Binary;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Protocols.Detection;

/// <summary>What a HELLO must be.</summary>
internal static class HelloCheck
{
    private static readonly Ending s_wrongPayload = Ending.ProtocolError(
        "a HELLO begins with 4D 44 53 31, with flag 2 RESUME goes on with a key of 16 bytes and a total of 8, and ends with a token of at most 8192 bytes");

    /// <summary>Reads a HELLO. False if it is refused, or has not wholly come: then there is no refusal.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out FrameHeader header, out HelloPayload hello, out Ending? refusal)
    {
        header = default;
        hello = default;
        refusal = null;
        if (bytes.Length < ProtocolLimits.HeaderBytes)
        {
            return false;
        }

        header = FrameHeader.Read(bytes);
        refusal = Refusal(header);
        if (refusal is not null || bytes.Length - ProtocolLimits.HeaderBytes < header.Length)
        {
            return false;
        }

        if (!HelloPayload.TryRead((HelloFlags)header.Flags, bytes.Slice(ProtocolLimits.HeaderBytes, (int)header.Length), out hello))
        {
            refusal = s_wrongPayload;
        }

        return refusal is null;
    }

    /// <summary>How the connection ends for a header; null if it does not.</summary>
    public static Ending? Refusal(in FrameHeader header)
    {
        var rule = FrameRule.Of(FrameType.Hello)!;
        return header.Length > rule.MaxLength ? FrameCheck.TooLong(header)
            : header.Argument != ProtocolLimits.Version
                ? Ending.Unsupported($"version {header.Argument} is not offered; version {ProtocolLimits.Version} is")
            : (header.Flags & ~rule.Flags) != 0
                ? Ending.Unsupported($"flags 0x{header.Flags:x2} are not defined for HELLO; 0x{rule.Flags:x2} are")
            : header.Length < rule.MinLength ? s_wrongPayload
            : null;
    }
}
