using MessageDelivery.Hub.Protocols.Binary;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Protocols.Detection;

/// <summary>What a HELLO must be, by its header alone.</summary>
internal static class HelloCheck
{
    public const string WrongPayload =
        "a HELLO begins with 4D 44 53 31, with flag 2 RESUME goes on with a key of 16 bytes and a total of 8, and ends with a token of at most 8192 bytes";

    /// <summary><see cref="ProtocolCode.Normal"/>, or why the connection ends.</summary>
    public static ProtocolCode Refusal(in FrameHeader header, out string text)
    {
        if (header.Length > ProtocolLimits.MaxHelloLength)
        {
            text = FrameCheck.TooLong(header);
            return ProtocolCode.FrameTooLarge;
        }

        if (header.Argument != ProtocolLimits.Version)
        {
            text = $"version {header.Argument} is not offered; version {ProtocolLimits.Version} is";
            return ProtocolCode.Unsupported;
        }

        if (((HelloFlags)header.Flags & ~HelloFlags.All) != 0)
        {
            text = $"flags 0x{header.Flags:x2} are not defined for HELLO; 0x{(byte)HelloFlags.All:x2} are";
            return ProtocolCode.Unsupported;
        }

        text = header.Length < sizeof(uint) ? WrongPayload : "";
        return header.Length < sizeof(uint) ? ProtocolCode.ProtocolError : ProtocolCode.Normal;
    }

    public static CloseReason Reason(ProtocolCode code) => code switch
    {
        ProtocolCode.Unsupported => CloseReason.Unsupported,
        ProtocolCode.FrameTooLarge => CloseReason.FrameTooLarge,
        _ => CloseReason.ProtocolError,
    };
}
