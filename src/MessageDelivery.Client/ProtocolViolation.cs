using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>Why a connection ends whose other end does not keep to the protocol.</summary>
internal static class ProtocolViolation
{
    /// <param name="what">What the hub sent.</param>
    public static HubConnectionException Sent(string what) => new(ProtocolCode.ProtocolError, "the hub sent " + what);

    /// <summary>Something else came where a WELCOME is due.</summary>
    public static HubConnectionException NotAHub(in FrameHeader header) => new(
        ProtocolCode.ProtocolError, $"what answers there is not a hub of protocol version {ProtocolLimits.Version}: its first byte is 0x{(byte)header.Type:x2}, not 0x{(byte)FrameType.Welcome:x2}");

    /// <summary>A frame's length is above its type's limit.</summary>
    public static HubConnectionException TooLarge(SessionLink link, in FrameHeader header) => link.Start is not null
        ? new(ProtocolCode.FrameTooLarge, $"the hub sent a frame of type 0x{(byte)header.Type:x2} with {header.Length} bytes; the limit is {FrameHeader.MaxLengthFromHub(header.Type)}")
        : header.Type == FrameType.Welcome
        ? new(ProtocolCode.FrameTooLarge, $"the hub's WELCOME declares {header.Length} bytes; the limit is {FrameHeader.MaxLengthFromHub(header.Type)}")
        : NotAHub(header);
}
