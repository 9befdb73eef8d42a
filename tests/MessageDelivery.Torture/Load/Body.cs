using System.Buffers.Binary;
using MessageDelivery.Torture.Checking;

namespace MessageDelivery.Torture.Load;

/// <summary>
/// Bodies that tell who sent them, where they stand among that session's relays, how long they are, and whose every byte is
/// known from that. Bodies for text users are the same in letters and digits, on one line.
/// </summary>
internal static class Body
{
    /// <summary>Bytes of the stamp; shorter bodies are only counted.</summary>
    public const int StampBytes = 24;

    /// <summary>The least that a body for text users has.</summary>
    public const int MinTextBytes = 1 + (2 * StampBytes);

    /// <summary>The first byte of a stamp and of the text form; nothing else begins so.</summary>
    private const byte Mark = 0xD5;
    private const byte TextMark = (byte)'T';
    private const int PatternBytes = 1 << 21;
    private const int Offsets = 1 << 20;

    private static readonly byte[] Pattern = MakePattern();
    private static readonly byte[] TextPattern = Array.ConvertAll(Pattern, value => "abcdefghijklmnopqrstuvwxyz012345"u8[value & 31]);

    /// <summary>The bytes of which bodies are cut.</summary>
    public static ReadOnlySpan<byte> AllBytes => Pattern;

    /// <summary>Fills a body.</summary>
    /// <param name="run">Tells this run from others; its lowest byte is not used.</param>
    public static void Write(Span<byte> body, uint run, ulong author, long number, bool isText)
    {
        if (isText)
        {
            Span<byte> stamp = stackalloc byte[StampBytes];
            Stamp(stamp, run, author, number, body.Length);
            body[0] = TextMark;
            Convert.TryToHexString(stamp, body[1..], out _);
            TextPattern.AsSpan(Offset(author, number), body.Length - MinTextBytes).CopyTo(body[MinTextBytes..]);
        }
        else if (body.Length < StampBytes)
        {
            Pattern.AsSpan(0, body.Length).CopyTo(body);
        }
        else
        {
            Stamp(body, run, author, number, body.Length);
            Pattern.AsSpan(Offset(author, number), body.Length - StampBytes).CopyTo(body[StampBytes..]);
        }
    }

    /// <summary>Looks at a body that arrived.</summary>
    public static ReceivedBody Read(ReadOnlySpan<byte> body, uint run)
    {
        var changed = new ReceivedBody(BodyState.Changed, 0, 0, body.Length);
        if (body.Length >= MinTextBytes && body[0] == TextMark)
        {
            Span<byte> stamp = stackalloc byte[StampBytes];
            if (Convert.FromHexString(body[1..MinTextBytes], stamp, out _, out _) != System.Buffers.OperationStatus.Done)
            {
                return changed;
            }

            return Compare(stamp, body[MinTextBytes..], TextPattern, run, body.Length);
        }

        if (body.Length < StampBytes)
        {
            return body.SequenceEqual(Pattern.AsSpan(0, body.Length)) ? changed with { State = BodyState.Tiny } : changed;
        }

        return Compare(body, body[StampBytes..], Pattern, run, body.Length);
    }

    private static ReceivedBody Compare(ReadOnlySpan<byte> stamp, ReadOnlySpan<byte> rest, byte[] pattern, uint run, int bytes)
    {
        ulong author = BinaryPrimitives.ReadUInt64LittleEndian(stamp[8..]);
        long number = BinaryPrimitives.ReadInt64LittleEndian(stamp[16..]);
        bool isIntact = BinaryPrimitives.ReadUInt32LittleEndian(stamp) == ((run & ~0xFFu) | Mark)
            && BinaryPrimitives.ReadUInt32LittleEndian(stamp[4..]) == bytes
            && rest.SequenceEqual(pattern.AsSpan(Offset(author, number), rest.Length));
        return new(isIntact ? BodyState.Intact : BodyState.Changed, author, number, bytes);
    }

    private static void Stamp(Span<byte> stamp, uint run, ulong author, long number, int bytes)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(stamp, (run & ~0xFFu) | Mark);
        BinaryPrimitives.WriteUInt32LittleEndian(stamp[4..], (uint)bytes);
        BinaryPrimitives.WriteUInt64LittleEndian(stamp[8..], author);
        BinaryPrimitives.WriteInt64LittleEndian(stamp[16..], number);
    }

    private static int Offset(ulong author, long number) =>
        (int)((((author * 0x9E3779B97F4A7C15) ^ (ulong)number) * 0xBF58476D1CE4E5B9) >> 44) & (Offsets - 1);

    private static byte[] MakePattern()
    {
        byte[] pattern = new byte[PatternBytes];
        new Random(20_260_101).NextBytes(pattern);
        pattern[0] = (byte)'.';
        return pattern;
    }
}
