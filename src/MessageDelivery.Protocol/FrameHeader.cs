using System.Buffers.Binary;

namespace MessageDelivery.Protocol;

/// <summary>The eight bytes that begin every frame: type, flags, argument (u16) and length (u32), little-endian.</summary>
/// <param name="Type">What the frame is; may be a value this version does not know.</param>
/// <param name="Flags">Bits whose meaning depends on the type.</param>
/// <param name="Argument">A number whose meaning depends on the type.</param>
/// <param name="Length">Bytes that follow the header, as declared; nothing has checked it yet.</param>
public readonly record struct FrameHeader(FrameType Type, byte Flags, ushort Argument, uint Length)
{
    /// <summary>Reads a header from the first eight bytes of <paramref name="source"/>, which must have them.</summary>
    public static FrameHeader Read(ReadOnlySpan<byte> source)
    {
        ulong bits = BinaryPrimitives.ReadUInt64LittleEndian(source);
        return new((FrameType)(byte)bits, (byte)(bits >> 8), (ushort)(bits >> 16), (uint)(bits >> 32));
    }

    /// <summary>Writes the header to the first eight bytes of <paramref name="destination"/>, which must have room.</summary>
    public void Write(Span<byte> destination) => BinaryPrimitives.WriteUInt64LittleEndian(
        destination,
        (byte)Type | ((ulong)Flags << 8) | ((ulong)Argument << 16) | ((ulong)Length << 32));

    /// <summary>
    /// The most <see cref="Length"/> may be in a frame that a client sends. A hub answers more with GOODBYE
    /// <c>frame_too_large</c> and does not read it. A type that the hub does not know may have as much as an ECHO.
    /// </summary>
    public static uint MaxLengthFromClient(FrameType type) => FrameRule.MaxLengthFromClient(type);

    /// <summary>The most <see cref="Length"/> may be in a frame that a hub sends; a client closes on more.</summary>
    public static uint MaxLengthFromHub(FrameType type) => FrameRule.MaxLengthFromHub(type);
}
