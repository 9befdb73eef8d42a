using System.Buffers.Binary;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;

namespace MessageDelivery.Scenarios.Clients;

/// <summary>
/// Relays whose bodies carry their number and their sender, so that the receiver can tell what is missing,
/// doubled, out of order or somebody else's.
/// </summary>
internal static class RelayFrame
{
    /// <summary>The least that a numbered body has.</summary>
    public const int MinBodyBytes = 16;

    public static int Bytes(RelayFlags flags, int bodyBytes, int receivers = 1) => RelayLayout.HeadBytes(flags, receivers) + bodyBytes;

    /// <summary>Writes the frame; the body's bytes after the first sixteen stay as they are.</summary>
    /// <param name="correlation">Used with <see cref="RelayFlags.Receipt"/>.</param>
    public static void Write(
        Span<byte> frame, RelayFlags flags, ulong correlation, ulong receiver, ulong sender, long number) =>
        Write(frame, flags, correlation, [receiver], sender, number);

    /// <summary>The same to several receivers.</summary>
    public static void Write(
        Span<byte> frame, RelayFlags flags, ulong correlation, ReadOnlySpan<ulong> receivers, ulong sender, long number)
    {
        int head = FrameBytes.WriteRelayHead(frame, flags, correlation, receivers, frame.Length - RelayLayout.HeadBytes(flags, receivers.Length));
        BinaryPrimitives.WriteInt64LittleEndian(frame[head..], number);
        BinaryPrimitives.WriteUInt64LittleEndian(frame[(head + 8)..], sender);
    }

    /// <summary>Reads a DELIVERY's payload: the sender by the hub's word, the number, and the sender by the body's own.</summary>
    public static (ulong Sender, long Number, ulong Author) Read(ReadOnlySpan<byte> payload) => (
        BinaryPrimitives.ReadUInt64LittleEndian(payload),
        BinaryPrimitives.ReadInt64LittleEndian(payload[8..]),
        BinaryPrimitives.ReadUInt64LittleEndian(payload[16..]));
}
