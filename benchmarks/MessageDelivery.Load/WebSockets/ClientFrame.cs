using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace MessageDelivery.Load.WebSockets;

/// <summary>What a client of WebSocket writes (RFC 6455): the upgrade's request, and frames, which it has to mask.</summary>
internal static class ClientFrame
{
    /// <summary>The most bytes of a masked frame before its payload.</summary>
    public const int MaxHeaderBytes = 14;

    public const byte Text = 0x1;
    public const byte Binary = 0x2;
    public const byte Close = 0x8;

    private const byte Final = 0x80;
    private const byte Masked = 0x80;
    private const int KeyBytes = 4;
    private const int MaxShortLength = 125;
    private const byte TwoLengthBytes = 126;
    private const byte EightLengthBytes = 127;

    /// <summary>The request that a connection begins with.</summary>
    public static byte[] Upgrade(string host, string path, string? subprotocol) => Encoding.ASCII.GetBytes(
        $"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        + $"Sec-WebSocket-Key: {Convert.ToBase64String(RandomNumberGenerator.GetBytes(16))}\r\n"
        + (subprotocol is null ? "\r\n" : $"Sec-WebSocket-Protocol: {subprotocol}\r\n\r\n"));

    /// <summary>Bytes of a masked frame before so long a payload.</summary>
    public static int HeaderBytes(long payloadBytes) =>
        2 + (payloadBytes <= MaxShortLength ? 0 : payloadBytes <= ushort.MaxValue ? sizeof(ushort) : sizeof(ulong)) + KeyBytes;

    /// <summary>Writes what comes before the payload of a whole message; how many bytes.</summary>
    public static int WriteHeader(Span<byte> destination, byte opcode, long payloadBytes, uint key)
    {
        int header = HeaderBytes(payloadBytes);
        destination[0] = (byte)(Final | opcode);
        switch (header - KeyBytes)
        {
            case 2:
                destination[1] = (byte)(Masked | payloadBytes);
                break;
            case 2 + sizeof(ushort):
                destination[1] = Masked | TwoLengthBytes;
                BinaryPrimitives.WriteUInt16BigEndian(destination[2..], (ushort)payloadBytes);
                break;
            default:
                destination[1] = Masked | EightLengthBytes;
                BinaryPrimitives.WriteUInt64BigEndian(destination[2..], (ulong)payloadBytes);
                break;
        }

        BinaryPrimitives.WriteUInt32LittleEndian(destination[(header - KeyBytes)..], key);
        return header;
    }

    /// <summary>Masks a payload from its beginning, or takes the mask off.</summary>
    /// <param name="key">As it stands in the header, read little-endian.</param>
    public static void Mask(Span<byte> payload, uint key)
    {
        var mask = Vector.AsVectorByte(new Vector<uint>(key));
        int i = 0;
        for (; i <= payload.Length - Vector<byte>.Count; i += Vector<byte>.Count)
        {
            (new Vector<byte>(payload[i..]) ^ mask).CopyTo(payload[i..]);
        }

        for (; i < payload.Length; i++)
        {
            payload[i] ^= (byte)(key >> (8 * (i % KeyBytes)));
        }
    }

    /// <summary>One frame with a whole message, masked with a key of its own.</summary>
    public static byte[] Create(byte opcode, ReadOnlySpan<byte> payload)
    {
        uint key = (uint)Random.Shared.NextInt64(1L << 32);
        byte[] frame = new byte[HeaderBytes(payload.Length) + payload.Length];
        int header = WriteHeader(frame, opcode, payload.Length, key);
        payload.CopyTo(frame.AsSpan(header));
        Mask(frame.AsSpan(header), key);
        return frame;
    }
}
