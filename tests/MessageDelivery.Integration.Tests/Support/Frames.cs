using System.Buffers.Binary;
using System.Text;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Support;

/// <summary>Frames as bytes, written by hand from the specification and not by the product's own code.</summary>
internal static class Frames
{
    public const int MaxBodyBytes = 1_048_576;

    public static readonly byte[] Identity = Build(FrameType.Identity);
    public static readonly byte[] List = Build(FrameType.List);
    public static readonly byte[] Heartbeat = Build(FrameType.Heartbeat);
    public static readonly byte[] Goodbye = Build(FrameType.Goodbye);
    public static readonly byte[] HeartbeatReply = Build(FrameType.HeartbeatReply);

    public static byte[] Header(FrameType type, byte flags, ushort argument, uint length)
    {
        byte[] header = new byte[8];
        header[0] = (byte)type;
        header[1] = flags;
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(2), argument);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(4), length);
        return header;
    }

    public static byte[] Build(FrameType type, byte flags = 0, ushort argument = 0, params byte[][] payload) =>
        Join([Header(type, flags, argument, (uint)payload.Sum(p => p.Length)), .. payload]);

    public static byte[] Hello(string token = "") => Build(FrameType.Hello, 0, 1, "MDS1"u8.ToArray(), Utf8(token));

    /// <summary>A HELLO that asks for a session that survives its connection.</summary>
    public static byte[] HelloResumable(string token = "") => Build(FrameType.Hello, 1, 1, "MDS1"u8.ToArray(), Utf8(token));

    /// <summary>A HELLO that takes a session over; RESUME implies RESUMABLE, so <paramref name="flags"/> is 2 or 3.</summary>
    public static byte[] HelloResume(byte[] key, ulong framesReceived, byte flags = 2, string token = "") =>
        Build(FrameType.Hello, flags, 1, "MDS1"u8.ToArray(), key, Number(framesReceived), Utf8(token));

    public static byte[] Ack(ulong total) => Build(FrameType.Ack, 0, 0, Number(total));

    public static byte[] Welcome(ulong id, ushort heartbeat = 30) =>
        Build(FrameType.Welcome, 0, 1, Number(id), [0, 0, 0x10, 0, 0xFF, 0, (byte)heartbeat, (byte)(heartbeat >> 8)]);

    public static byte[] Echo(byte[] payload) => Build(FrameType.Echo, 0, 0, payload);

    public static byte[] EchoReply(byte[] payload) => Build(FrameType.EchoReply, 0, 0, payload);

    public static byte[] IdentityReply(ulong id) => Build(FrameType.IdentityReply, 0, 0, Number(id));

    public static byte[] ListReply(params ulong[] ids) => Build(FrameType.ListReply, 0, 0, Numbers(ids));

    public static byte[] Relay(ulong receiver, byte[] body, ulong? correlation = null, RelayFlags flags = 0) =>
        Relay([receiver], body, correlation, flags);

    public static byte[] Relay(ulong[] receivers, byte[] body, ulong? correlation = null, RelayFlags flags = 0) => Build(
        FrameType.Relay,
        (byte)(flags | (correlation is null ? 0 : RelayFlags.Receipt)),
        (ushort)receivers.Length,
        correlation is { } c ? Number(c) : [],
        Numbers(receivers),
        body);

    public static byte[] Delivery(ulong sender, byte[] body) => Build(FrameType.Delivery, 0, 0, Number(sender), body);

    /// <summary>One whose sender waits for the acknowledgement: flag 4.</summary>
    public static byte[] ConfirmedDelivery(ulong sender, byte[] body) => Build(FrameType.Delivery, 4, 0, Number(sender), body);

    public static byte[] Receipt(ulong correlation, params Outcome[] outcomes) => Build(
        FrameType.Receipt, 0, (ushort)outcomes.Length, Number(correlation), [.. outcomes.Select(o => (byte)o)]);

    public static byte[] Number(ulong value)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return bytes;
    }

    public static byte[] Numbers(ulong[] values) => Join([.. values.Select(Number)]);

    public static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>Bytes in which a piece that is missing, doubled or moved shows.</summary>
    public static byte[] Pattern(int count, int seed = 0)
    {
        byte[] bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public static byte[] Join(params byte[][] parts)
    {
        byte[] joined = new byte[parts.Sum(p => p.Length)];
        int offset = 0;
        foreach (byte[] part in parts)
        {
            part.CopyTo(joined, offset);
            offset += part.Length;
        }

        return joined;
    }
}
