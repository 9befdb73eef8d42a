using System.Buffers.Binary;

namespace MessageDelivery.Fuzz.InProcess;

/// <summary>A frame as the protocol's text describes it, read without the product's help.</summary>
internal readonly record struct PlainFrame(byte Type, byte Flags, ushort Argument, ReadOnlyMemory<byte> Payload)
{
    public const byte Welcome = 0x81, Echo = 0x82, Identity = 0x83, List = 0x84, Delivery = 0x85, Ack = 0x86, Heartbeat = 0x87, Goodbye = 0x88, Receipt = 0x89, Error = 0x8B;

    public ulong Number(int offset = 0) => BinaryPrimitives.ReadUInt64LittleEndian(Payload.Span[offset..]);

    public override string ToString() => $"type 0x{Type:x2}, flags {Flags}, argument {Argument}, {Oracle.Show(Payload.Span)}";
}

/// <summary>Cuts a hub's bytes into frames and hands them out one by one.</summary>
internal sealed class FrameList(ReadOnlyMemory<byte> bytes)
{
    private ReadOnlyMemory<byte> _rest = bytes;

    public bool IsEmpty => _rest.IsEmpty;

    public PlainFrame Peek()
    {
        Oracle.True(_rest.Length >= 8, $"the hub should have answered, and there are {_rest.Length} bytes");
        var span = _rest.Span;
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(span[4..]);
        Oracle.True(length <= _rest.Length - 8, $"the hub's frame of type 0x{span[0]:x2} is cut off");
        return new(span[0], span[1], BinaryPrimitives.ReadUInt16LittleEndian(span[2..]), _rest.Slice(8, (int)length));
    }

    public PlainFrame Next()
    {
        var frame = Peek();
        _rest = _rest[(8 + frame.Payload.Length)..];
        return frame;
    }
}
