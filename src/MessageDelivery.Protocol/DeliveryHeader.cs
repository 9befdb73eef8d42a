using System.Buffers.Binary;

namespace MessageDelivery.Protocol;

/// <summary>The sixteen bytes before a delivered body: a frame header and the sender's id.</summary>
/// <param name="SenderId">Who sent the body.</param>
/// <param name="BodyBytes">Bytes of the body.</param>
/// <param name="Flags">Whether somebody waits for the acknowledgement; the same for all receivers of a relay.</param>
public readonly record struct DeliveryHeader(ulong SenderId, int BodyBytes, DeliveryFlags Flags = DeliveryFlags.None)
{
    /// <summary>Writes the sixteen bytes to the start of <paramref name="destination"/>, which must have room.</summary>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(
            destination, (byte)FrameType.Delivery | ((ulong)Flags << 8) | ((ulong)(8 + (uint)BodyBytes) << 32));
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], SenderId);
    }

    /// <summary>Reads the sixteen bytes at the start of <paramref name="source"/>, which must be a DELIVERY's.</summary>
    public static DeliveryHeader Read(ReadOnlySpan<byte> source) => new(
        BinaryPrimitives.ReadUInt64LittleEndian(source[8..]),
        (int)BinaryPrimitives.ReadUInt32LittleEndian(source[4..]) - 8,
        (DeliveryFlags)source[1]);
}
