using System.Buffers.Binary;
using System.Text;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Support;

/// <summary>A frame as it came from the hub.</summary>
internal sealed record Frame(FrameType Type, byte Flags, ushort Argument, byte[] Payload)
{
    public ProtocolCode Code => (ProtocolCode)Argument;

    /// <summary>The correlation of a RECEIPT, or of an ERROR that stands for one.</summary>
    public ulong? Correlation => Type == FrameType.Receipt || (Type == FrameType.Error && Flags == 1) ? Number(0) : null;

    /// <summary>A DELIVERY, a RECEIPT, or the ERROR that stands for one: what a session keeps until it is acknowledged.</summary>
    public bool IsCounted => Type == FrameType.Delivery || Correlation is not null;

    public byte[] Bytes => Frames.Build(Type, Flags, Argument, Payload);

    public ulong Sender => Number(0);

    public byte[] Body => Payload[8..];

    public Outcome[] Outcomes => [.. Payload[8..].Select(b => (Outcome)b)];

    public ulong[] UserIds => [.. Enumerable.Range(0, Payload.Length / 8).Select(i => Number(8 * i))];

    public string Text => Encoding.UTF8.GetString(Correlation is null ? Payload : Payload[8..]);

    public override string ToString() =>
        $"{Type} flags {Flags} arg {Argument} length {Payload.Length}: {RawConnection.Show(Payload)}";

    public ulong Number(int offset) => BinaryPrimitives.ReadUInt64LittleEndian(Payload.AsSpan(offset));
}
