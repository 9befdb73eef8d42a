using System.Buffers.Binary;
using MessageDelivery.Protocol;

namespace MessageDelivery.Load.Protocols;

/// <summary>The same with sessions that could be resumed: both sides acknowledge (docs/protocol.md, section 5).</summary>
internal sealed class ResumableMdsProtocol(int bodyBytes) : MdsProtocol(bodyBytes)
{
    private const int AckBytes = ProtocolLimits.HeaderBytes + sizeof(ulong);
    private const int MaxFrames = 64;
    private const int MaxBytes = 256 << 10;

    public override int MaxUnacknowledged { get; } = Math.Clamp(MaxBytes / (ProtocolLimits.DeliveryHeaderBytes + bodyBytes), 1, MaxFrames);

    public override int AcknowledgementBytes => AckBytes;

    public override void WriteAcknowledgement(Span<byte> destination, long total)
    {
        new FrameHeader(FrameType.Ack, 0, 0, sizeof(ulong)).Write(destination);
        BinaryPrimitives.WriteInt64LittleEndian(destination[ProtocolLimits.HeaderBytes..], total);
    }

    public override int BytesToPassOver(byte first) => first == (byte)FrameType.AckReply ? AckBytes : 0;

    /// <summary>Senders are told what was processed, which need not be read to send on.</summary>
    public override string? FaultIn(ReadOnlySpan<byte> received) =>
        received.Contains((byte)FrameType.AckReply) ? null : Describe(received);

    protected override HelloFlags Flags => HelloFlags.Resumable;
}
