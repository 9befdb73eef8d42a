using System.Buffers;
using System.Text;

namespace MessageDelivery.Protocol.Text;

/// <summary>How a character is displayed.</summary>
internal enum CharacterClass : byte
{
    /// <summary>More input is needed.</summary>
    Unknown,
    Visible,
    /// <summary>A space of any kind.</summary>
    Space,
    /// <summary>U+2028 and U+2029: a space to some programs, the end of a line to others.</summary>
    Separator,
    /// <summary>Zero-width, filler, and direction controls.</summary>
    Invisible,
    /// <summary>U+202D and U+202E, which reverse what follows.</summary>
    DirectionOverride,
    /// <summary>LF or CR LF.</summary>
    LineEnd,
    /// <summary>Control characters of terminals: 00 to 1F, 7F, and 80 to 9F in UTF-8 and outside it.</summary>
    Control,
    /// <summary>A control that Unicode counts among the spaces: VT, FF, a CR alone, U+0085.</summary>
    ControlSpace,
}

/// <summary>Classifies the characters of UTF-8 by whether they can be seen. Invalid bytes are taken for ISO 8859-1.</summary>
internal static class CharacterClassifier
{
    // Default_Ignorable_Code_Point (DerivedCoreProperties.txt of Unicode 17.0), first and last of each range, and others that are
    // invisible: the annotation controls FFF9 to FFFB, the null notehead 1D159, and the controls of Egyptian hieroglyphs.
    private static ReadOnlySpan<int> InvisibleRanges =>
    [
        0xAD, 0xAD, 0x34F, 0x34F, 0x61C, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180F, 0x200B, 0x200F, 0x202A, 0x202E,
        0x2060, 0x206F, 0x3164, 0x3164, 0xFE00, 0xFE0F, 0xFEFF, 0xFEFF, 0xFFA0, 0xFFA0, 0xFFF0, 0xFFFB, 0x13430, 0x1343F,
        0x1BCA0, 0x1BCA3, 0x1D159, 0x1D159, 0x1D173, 0x1D17A, 0xE0000, 0xE0FFF,
    ];

    /// <summary>Classifies the first character of a non-empty input.</summary>
    /// <param name="input">Bytes from a character's beginning.</param>
    /// <param name="final">Whether nothing follows them.</param>
    /// <param name="length">The bytes of the character; 1 where they are not valid UTF-8.</param>
    public static CharacterClass Classify(ReadOnlySpan<byte> input, bool final, out int length)
    {
        length = 1;
        byte first = input[0];
        if (first is >= 0x20 and < 0x7F)
        {
            return first == ' ' ? CharacterClass.Space : CharacterClass.Visible;
        }
        if (first < 0x80)
        {
            return ClassifyControl(input, final, ref length);
        }
        OperationStatus status = Rune.DecodeFromUtf8(input, out Rune rune, out int runeBytes);
        if (status == OperationStatus.Done)
        {
            length = runeBytes;
            return Classify(rune);
        }
        return status == OperationStatus.NeedMoreData && !final ? CharacterClass.Unknown
            : first < 0xA0 ? CharacterClass.Control
            : Classify(new Rune((int)first));
    }

    private static CharacterClass ClassifyControl(ReadOnlySpan<byte> input, bool final, ref int length)
    {
        switch (input[0])
        {
            case (byte)'\t':
                return CharacterClass.Space;
            case (byte)'\n':
                return CharacterClass.LineEnd;
            case (byte)'\v' or (byte)'\f':
                return CharacterClass.ControlSpace;
            case (byte)'\r' when input.Length == 1:
                return final ? CharacterClass.ControlSpace : CharacterClass.Unknown;
            case (byte)'\r' when input[1] == '\n':
                length = 2;
                return CharacterClass.LineEnd;
            case (byte)'\r':
                return CharacterClass.ControlSpace;
            default:
                return CharacterClass.Control;
        }
    }

    private static CharacterClass Classify(Rune rune) => rune.Value switch
    {
        0x85 => CharacterClass.ControlSpace,
        < 0xA0 => CharacterClass.Control,
        0x2028 or 0x2029 => CharacterClass.Separator,
        0x202D or 0x202E => CharacterClass.DirectionOverride,
        // A pattern of braille without a dot.
        0x2800 => CharacterClass.Space,
        _ when IsInvisible(rune.Value) => CharacterClass.Invisible,
        _ => Rune.IsWhiteSpace(rune) ? CharacterClass.Space : CharacterClass.Visible,
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
