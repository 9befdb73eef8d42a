using System.Buffers.Binary;
using MessageDelivery.Protocol;

namespace MessageDelivery.RawClient;

/// <summary>Frames as bytes, with whatever types, lengths and arguments they are to have.</summary>
public static class FrameBytes
{
    public static byte[] Header(FrameType type, uint length = 0, byte flags = 0, ushort argument = 0)
    {
        byte[] header = new byte[ProtocolLimits.HeaderBytes];
        new FrameHeader(type, flags, argument, length).Write(header);
        return header;
    }

    public static byte[] Of(FrameType type, ushort argument, params ReadOnlySpan<byte> payload) =>
        [.. Header(type, (uint)payload.Length, 0, argument), .. payload];

    /// <param name="key">Of the session that it resumes; none begins a new one.</param>
    /// <param name="framesReceived">Of that session.</param>
    public static byte[] Hello(
        HelloFlags flags = HelloFlags.None, ReadOnlySpan<byte> key = default, ulong framesReceived = 0, ReadOnlySpan<byte> token = default)
    {
        var payload = new HelloPayload { SessionKey = key, FramesReceived = framesReceived, Token = token };
        byte[] hello = new byte[ProtocolLimits.HeaderBytes + payload.Length];
        new FrameHeader(FrameType.Hello, (byte)flags, ProtocolLimits.Version, (uint)payload.Length).Write(hello);
        payload.Write(hello.AsSpan(ProtocolLimits.HeaderBytes));
        return hello;
    }

    /// <param name="total">Counted frames received.</param>
    public static byte[] Ack(ulong total) => Of(FrameType.Ack, 0, Number(total));

    public static byte[] Relay(ReadOnlySpan<ulong> receivers, ReadOnlySpan<byte> body, RelayFlags flags = RelayFlags.None, ulong correlation = 0)
    {
        byte[] frame = new byte[RelayLayout.HeadBytes(flags, receivers.Length) + body.Length];
        body.CopyTo(frame.AsSpan(WriteRelayHead(frame, flags, correlation, receivers, body.Length)));
        return frame;
    }

    /// <summary>Writes a RELAY up to its body; the number of bytes.</summary>
    /// <param name="correlation">Used with <see cref="RelayFlags.Receipt"/>.</param>
    public static int WriteRelayHead(
        Span<byte> destination, RelayFlags flags, ulong correlation, ReadOnlySpan<ulong> receivers, int bodyBytes)
    {
        int head = RelayLayout.HeadBytes(flags, receivers.Length);
        uint length = (uint)(head - ProtocolLimits.HeaderBytes + bodyBytes);
        new FrameHeader(FrameType.Relay, (byte)flags, (ushort)receivers.Length, length).Write(destination);
        if (flags.HasFlag(RelayFlags.Receipt))
        {
            BinaryPrimitives.WriteUInt64LittleEndian(destination[ProtocolLimits.HeaderBytes..], correlation);
        }

        for (int i = 0; i < receivers.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(destination[(head - (sizeof(ulong) * (receivers.Length - i)))..], receivers[i]);
        }

        return head;
    }

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
