using System.Buffers;
using System.Text;

namespace MessageDelivery.Protocol.Text;

/// <summary>What a character looks like to a person.</summary>
internal enum Look : byte
{
    /// <summary>More must come to tell.</summary>
    Unknown,
    Visible,
    /// <summary>A space of any kind.</summary>
    Space,
    /// <summary>U+2028 and U+2029: a space to some programs, the end of a line to others.</summary>
    Separator,
    /// <summary>Nothing to see: of no width, filling, or steering the direction of others.</summary>
    Invisible,
    /// <summary>U+202D and U+202E, which turn round whatever follows.</summary>
    Override,
    /// <summary>LF or CR LF.</summary>
    LineEnd,
    /// <summary>What a terminal obeys: 00 to 1F, 7F, and 80 to 9F in UTF-8 and outside it.</summary>
    Control,
    /// <summary>A control that Unicode counts among the spaces: VT, FF, a CR alone, U+0085.</summary>
    ControlSpace,
}

/// <summary>Tells the characters of UTF-8 that cannot be seen from those that can. Bytes outside it are taken for ISO 8859-1.</summary>
internal static class Appearance
{
    // Default_Ignorable_Code_Point (DerivedCoreProperties.txt of Unicode 17.0), first and last of each range, and what is as invisible
    // without being in it: the annotation controls FFF9 to FFFB, the null notehead 1D159, and the controls of Egyptian hieroglyphs.
    private static ReadOnlySpan<int> InvisibleRanges =>
    [
        0xAD, 0xAD, 0x34F, 0x34F, 0x61C, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180F, 0x200B, 0x200F, 0x202A, 0x202E,
        0x2060, 0x206F, 0x3164, 0x3164, 0xFE00, 0xFE0F, 0xFEFF, 0xFEFF, 0xFFA0, 0xFFA0, 0xFFF0, 0xFFFB, 0x13430, 0x1343F,
        0x1BCA0, 0x1BCA3, 0x1D159, 0x1D159, 0x1D173, 0x1D17A, 0xE0000, 0xE0FFF,
    ];

    /// <summary>Looks at the first character of what is not empty.</summary>
    /// <param name="input">Bytes from a character's beginning.</param>
    /// <param name="final">Whether nothing follows them.</param>
    /// <param name="length">The bytes of the character; one where they are no UTF-8.</param>
    public static Look Of(ReadOnlySpan<byte> input, bool final, out int length)
    {
        length = 1;
        byte first = input[0];
        if (first is >= 0x20 and < 0x7F)
        {
            return first == ' ' ? Look.Space : Look.Visible;
        }
        if (first < 0x80)
        {
            return OfControl(input, final, ref length);
        }
        OperationStatus status = Rune.DecodeFromUtf8(input, out Rune rune, out int runeBytes);
        if (status == OperationStatus.Done)
        {
            length = runeBytes;
            return Of(rune);
        }
        return status == OperationStatus.NeedMoreData && !final ? Look.Unknown
            : first < 0xA0 ? Look.Control
            : Of(new Rune((int)first));
    }

    private static Look OfControl(ReadOnlySpan<byte> input, bool final, ref int length)
    {
        switch (input[0])
        {
            case (byte)'\t':
                return Look.Space;
            case (byte)'\n':
                return Look.LineEnd;
            case (byte)'\v' or (byte)'\f':
                return Look.ControlSpace;
            case (byte)'\r' when input.Length == 1:
                return final ? Look.ControlSpace : Look.Unknown;
            case (byte)'\r' when input[1] == '\n':
                length = 2;
                return Look.LineEnd;
            case (byte)'\r':
                return Look.ControlSpace;
            default:
                return Look.Control;
        }
    }

    private static Look Of(Rune rune) => rune.Value switch
    {
        0x85 => Look.ControlSpace,
        < 0xA0 => Look.Control,
        0x2028 or 0x2029 => Look.Separator,
        0x202D or 0x202E => Look.Override,
        // A pattern of braille without a dot.
        0x2800 => Look.Space,
        _ when IsInvisible(rune.Value) => Look.Invisible,
        _ => Rune.IsWhiteSpace(rune) ? Look.Space : Look.Visible,
    };

    private static bool IsInvisible(int value)
    {
        ReadOnlySpan<int> ranges = InvisibleRanges;
        for (int i = 0; i < ranges.Length && ranges[i] <= value; i += 2)
        {
            if (value <= ranges[i + 1])
            {
                return true;
            }
        }
        return false;
    }
}
