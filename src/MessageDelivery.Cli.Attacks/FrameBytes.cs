using System.Buffers.Binary;
using System.Text;
using MessageDelivery.Protocol;

namespace MessageDelivery.Cli.Attacks;

/// <summary>Frames as bytes, with whatever lengths and arguments an attacker would write into them.</summary>
internal static class FrameBytes
{
    private static readonly byte[] Magic = [.. "MDS1"u8];

    public static byte[] Header(byte type, uint length, byte flags = 0, ushort argument = 0)
    {
        byte[] header = new byte[ProtocolLimits.HeaderBytes];
        header[0] = type;
        header[1] = flags;
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(2), argument);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(4), length);
        return header;
    }

    public static byte[] Frame(FrameType type, ushort argument, params byte[] payload) =>
        [.. Header((byte)type, (uint)payload.Length, 0, argument), .. payload];

    public static byte[] Hello(string? token) => Hello(Encoding.UTF8.GetBytes(token ?? ""));

    public static byte[] Hello(byte[] token) => Frame(FrameType.Hello, ProtocolLimits.Version, [.. Magic, .. token]);

    public static byte[] Relay(ulong receiver, params byte[] body) => Frame(FrameType.Relay, 1, [.. Number(receiver), .. body]);

    public static byte[] Number(ulong value)
    {
        byte[] bytes = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return bytes;
    }

    /// <summary>A piece again and again, up to so many bytes.</summary>
    public static byte[] Repeat(ReadOnlySpan<byte> piece, int bytes)
    {
        byte[] all = new byte[bytes / piece.Length * piece.Length];
        for (int i = 0; i < all.Length; i += piece.Length)
        {
            piece.CopyTo(all.AsSpan(i));
        }

        return all;
    }
}
