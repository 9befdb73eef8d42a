using MessageDelivery.Hub.Outbound;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Protocols.Binary;

/// <summary>What a client counts and acknowledges: frames (protocol, section 5).</summary>
internal sealed class CountedFrames : ICountedUnits
{
    public static readonly CountedFrames Instance = new();

    public int HeadBytes => ProtocolLimits.HeaderBytes;

    public long LengthOf(ReadOnlySpan<byte> head) => ProtocolLimits.HeaderBytes + (long)FrameHeader.Read(head).Length;
}
