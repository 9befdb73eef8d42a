namespace MessageDelivery.Protocol.Text;

/// <summary>What is to become of a line's beginning.</summary>
internal enum Verdict : byte
{
    /// <summary>More must come to tell.</summary>
    Undecided,
    /// <summary>It is like any other text.</summary>
    Ordinary,
    /// <summary>What cannot be seen at its front is to be shown, and the line still begins behind it.</summary>
    ShowFront,
    /// <summary>It would turn round what follows: what cannot be seen at its front is to be shown.</summary>
    ShowFrontAndGoOn,
    /// <summary>It looks like the hub's own: what cannot be seen at its front is to be shown, and the rest to be marked.</summary>
    Forged,
}

/// <summary>Judges whether a line would look like one of the hub's to a person, who sees no invisible characters and one kind of space.</summary>
internal static class LineJudge
{
    /// <summary>
    /// The most bytes that may be undecided. A line is judged by its first <see cref="JudgedBytes"/>: an unfinished
    /// <c>[Server] </c> among more that cannot be seen is taken for forged, since nobody writes so.
    /// </summary>
    public const int MaxUndecidedBytes = JudgedBytes + 3;

    private const int JudgedBytes = 32;

    private static ReadOnlySpan<byte> HubPrefix => "[Server] "u8;

    /// <summary>Judges a line.</summary>
    /// <param name="line">Bytes from the line's beginning; they may go on behind its end.</param>
    /// <param name="final">Whether nothing follows them.</param>
    /// <param name="frontBytes">The bytes that cannot be seen at the front.</param>
    public static Verdict Judge(ReadOnlySpan<byte> line, bool final, out int frontBytes)
    {
        frontBytes = 0;
        bool turnsRound = false;
        int matched = 0;
        int position = 0;
        while (position < line.Length)
        {
            if (position >= JudgedBytes)
            {
                return matched > 0 ? Verdict.Forged : Verdict.ShowFront;
            }
            Look look = Appearance.Of(line[position..], final, out int length);
            if (look == Look.Unknown)
            {
                return Verdict.Undecided;
            }
            bool isUnseen = look is Look.Invisible or Look.Override || (matched == 0 && look == Look.Separator);
            if (!isUnseen && !Matches(look, line[position], matched++))
            {
                return turnsRound ? Verdict.ShowFrontAndGoOn : Verdict.Ordinary;
            }
            if (matched == HubPrefix.Length)
            {
                return Verdict.Forged;
            }
            position += length;
            frontBytes = matched == 0 ? position : frontBytes;
            turnsRound |= matched == 0 && look == Look.Override;
        }
        return !final ? Verdict.Undecided : turnsRound ? Verdict.ShowFrontAndGoOn : Verdict.Ordinary;
    }

    private static bool Matches(Look look, byte first, int index) =>
        HubPrefix[index] == ' ' ? look is Look.Space or Look.Separator or Look.ControlSpace : look == Look.Visible && first == HubPrefix[index];
}
