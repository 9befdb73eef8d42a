using System.Buffers.Binary;
using System.Text;
using MessageDelivery.Protocol;

namespace MessageDelivery.RawClient;

/// <summary>A frame as it came.</summary>
/// <param name="Payload">What follows its header; valid until more is received.</param>
public readonly record struct Frame(FrameHeader Header, ReadOnlyMemory<byte> Payload)
{
    public FrameType Type => Header.Type;

    /// <summary>The argument of a GOODBYE or an ERROR.</summary>
    public ProtocolCode Code => (ProtocolCode)Header.Argument;

    /// <summary>The payload of a GOODBYE or an ERROR.</summary>
    public string Text => Encoding.UTF8.GetString(Payload.Span);

    /// <summary>A number in the payload, by default the one at its front: an id, the sender of a delivery, a correlation.</summary>
    public ulong Number(int offset = 0) => BinaryPrimitives.ReadUInt64LittleEndian(Payload.Span[offset..]);
}
