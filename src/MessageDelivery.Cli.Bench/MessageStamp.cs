using System.Buffers.Binary;
using MessageDelivery.Protocol;

namespace MessageDelivery.Cli.Bench;

/// <summary>
/// What a body begins with: when it was due, its number among those from its sender to its receivers, and its sender. A check
/// over these follows, and bytes that depend on them fill the rest, so that a body that was changed, cut or put together from
/// two shows.
/// </summary>
/// <param name="DueAt">A timestamp of <see cref="System.Diagnostics.Stopwatch"/>.</param>
/// <param name="Number">0, 1, 2, … from this sender to these receivers.</param>
/// <param name="Sender">The sender's place among the users of the run.</param>
internal readonly record struct MessageStamp(long DueAt, long Number, int Sender)
{
    /// <summary>Bytes of the stamp, the least a body has.</summary>
    public const int Bytes = 24;

    private const int CheckOffset = 20;

    // A prime: patterns of consecutive numbers begin at different places.
    private const int PatternOffsets = 4_093;

    private static readonly byte[] Pattern = CreatePattern();

    /// <summary>Fills a body of at least <see cref="Bytes"/>.</summary>
    public void Write(Span<byte> body)
    {
        BinaryPrimitives.WriteInt64LittleEndian(body, DueAt);
        BinaryPrimitives.WriteInt64LittleEndian(body[8..], Number);
        BinaryPrimitives.WriteInt32LittleEndian(body[16..], Sender);
        uint check = Check();
        BinaryPrimitives.WriteUInt32LittleEndian(body[CheckOffset..], check);
        Span<byte> rest = body[Bytes..];
        Pattern.AsSpan((int)(check % PatternOffsets), rest.Length).CopyTo(rest);
    }

    /// <summary>Reads the stamp alone; false where the body is too short for one.</summary>
    public static bool TryRead(ReadOnlySpan<byte> body, out MessageStamp stamp)
    {
        if (body.Length < Bytes)
        {
            stamp = default;
            return false;
        }

        stamp = new(
            BinaryPrimitives.ReadInt64LittleEndian(body),
            BinaryPrimitives.ReadInt64LittleEndian(body[8..]),
            BinaryPrimitives.ReadInt32LittleEndian(body[16..]));
        return true;
    }

    /// <summary>Whether a body of at least <see cref="Bytes"/> is byte for byte what <see cref="Write"/> made.</summary>
    public bool Fills(ReadOnlySpan<byte> body)
    {
        uint check = Check();
        ReadOnlySpan<byte> rest = body[Bytes..];
        return BinaryPrimitives.ReadUInt32LittleEndian(body[CheckOffset..]) == check
            && rest.SequenceEqual(Pattern.AsSpan((int)(check % PatternOffsets), rest.Length));
    }

    private uint Check()
    {
        // The finalizer of SplitMix64, twice: each bit of the three moves about half of the bits of the result.
        ulong bits = Mix((ulong)DueAt + (((ulong)Sender + 1) * 0x9E3779B97F4A7C15));
        return (uint)(Mix(bits ^ (ulong)Number) >> 32);
    }

    private static ulong Mix(ulong bits)
    {
        bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9;
        bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
        return bits ^ (bits >> 31);
    }

    private static byte[] CreatePattern()
    {
        byte[] pattern = new byte[ProtocolLimits.MaxBodyBytes + PatternOffsets];
        new Random(1).NextBytes(pattern);
        return pattern;
    }
}
