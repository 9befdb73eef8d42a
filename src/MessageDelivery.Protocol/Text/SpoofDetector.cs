namespace MessageDelivery.Protocol.Text;

/// <summary>Whether a line imitates a line of the hub, and what to do about its beginning.</summary>
internal enum SpoofCheck : byte
{
    /// <summary>More input is needed.</summary>
    NeedMoreData,
    /// <summary>Nothing: it is ordinary text.</summary>
    Ordinary,
    /// <summary>Escape the invisible prefix, then check again: the line still begins behind it.</summary>
    EscapePrefix,
    /// <summary>Escape the invisible prefix, which would reverse what follows.</summary>
    EscapePrefixOnly,
    /// <summary>It imitates the hub: escape the invisible prefix and mark the rest.</summary>
    Spoofed,
}

/// <summary>Detects lines that look like the hub's <c>[Server]</c> lines to a person, who sees no invisible characters and one kind of space.</summary>
internal static class SpoofDetector
{
    /// <summary>
    /// The most bytes without a result. A line is checked by its first <see cref="CheckedBytes"/>: an unfinished
    /// <c>[Server] </c> with more invisible characters than that is taken for spoofed.
    /// </summary>
    public const int MaxPendingBytes = CheckedBytes + 3;

    private const int CheckedBytes = 32;

    private static ReadOnlySpan<byte> HubPrefix => "[Server] "u8;

    /// <summary>Checks the beginning of a line.</summary>
    /// <param name="line">Bytes from the line's beginning; they may go on behind its end.</param>
    /// <param name="final">Whether nothing follows them.</param>
    /// <param name="prefixBytes">The bytes of the invisible prefix.</param>
    public static SpoofCheck Check(ReadOnlySpan<byte> line, bool final, out int prefixBytes)
    {
        prefixBytes = 0;
        bool isReversed = false;
        int matched = 0;
        int position = 0;
        while (position < line.Length)
        {
            if (position >= CheckedBytes)
            {
                return matched > 0 ? SpoofCheck.Spoofed : SpoofCheck.EscapePrefix;
            }
            CharacterClass kind = CharacterClassifier.Classify(line[position..], final, out int length);
            if (kind == CharacterClass.Unknown)
            {
                return SpoofCheck.NeedMoreData;
            }
            bool isInvisible = kind is CharacterClass.Invisible or CharacterClass.DirectionOverride || (matched == 0 && kind == CharacterClass.Separator);
            if (!isInvisible && !Matches(kind, line[position], matched++))
            {
                return isReversed ? SpoofCheck.EscapePrefixOnly : SpoofCheck.Ordinary;
            }
            if (matched == HubPrefix.Length)
            {
                return SpoofCheck.Spoofed;
            }
            position += length;
            prefixBytes = matched == 0 ? position : prefixBytes;
            isReversed |= matched == 0 && kind == CharacterClass.DirectionOverride;
        }
        return !final ? SpoofCheck.NeedMoreData : isReversed ? SpoofCheck.EscapePrefixOnly : SpoofCheck.Ordinary;
    }

    private static bool Matches(CharacterClass kind, byte first, int index) =>
        HubPrefix[index] == ' ' ? kind is CharacterClass.Space or CharacterClass.Separator or CharacterClass.ControlSpace : kind == CharacterClass.Visible && first == HubPrefix[index];
}
