namespace MessageDelivery.Protocol.Text;

/// <summary>What <see cref="LineReader"/> found.</summary>
internal enum LineStatus
{
    Incomplete,
    Complete,
    TooLong,
}

/// <summary>How the input ends.</summary>
internal enum InputEnd : byte
{
    /// <summary>More may come at any time.</summary>
    None,
    /// <summary>Nothing has come for <see cref="TextParser.PauseMilliseconds"/>.</summary>
    Pause,
    /// <summary>Nothing comes any more.</summary>
    HalfClose,
}

/// <summary>Finds lines of commands and of ids, and skips what programs send before the first command.</summary>
internal struct LineReader
{
    private const int MaxLineBytes = ProtocolLimits.MaxLineBytes;

    private Preamble _preamble;
    private bool _hasBegun;

    /// <summary>The first command has come: nothing is skipped any more.</summary>
    public void Begin() => _hasBegun = true;

    /// <summary>Finds the line at a position, which moves behind a preamble in front of it.</summary>
    /// <param name="input">All that has come.</param>
    /// <param name="isCommand">Whether it is a command, not a line of ids.</param>
    /// <param name="final">Whether nothing follows the input.</param>
    /// <param name="position">Where the line begins.</param>
    /// <param name="length">Its bytes without its end.</param>
    /// <param name="lineBytes">Its bytes with its end.</param>
    public LineStatus Find(ReadOnlySpan<byte> input, bool isCommand, bool final, ref int position, out int length, out int lineBytes)
    {
        length = lineBytes = 0;
        if (!_hasBegun && !SkipPreamble(input, final, ref position))
        {
            return LineStatus.Incomplete;
        }
        ReadOnlySpan<byte> rest = input[position..];
        length = LineEnd.Find(rest[..Math.Min(rest.Length, MaxLineBytes + 2)], isCommand, out int endBytes);
        if (length >= 0)
        {
            lineBytes = length + endBytes;
            return length > MaxLineBytes ? LineStatus.TooLong : LineStatus.Complete;
        }
        length = lineBytes = rest.Length;
        // A CR behind the longest line may yet belong to its end.
        if (length > MaxLineBytes + 1 || (length > MaxLineBytes && (final || rest[MaxLineBytes] != '\r')))
        {
            return LineStatus.TooLong;
        }
        return final && length > 0 ? LineStatus.Complete : LineStatus.Incomplete;
    }

    /// <summary>False if more of it may come.</summary>
    private bool SkipPreamble(ReadOnlySpan<byte> input, bool final, ref int position)
    {
        position += _preamble.Skip(input[position..], out bool isUndecided);
        if (isUndecided && final && _preamble.IsTelnet(input[position..]))
        {
            position = input.Length;
        }
        return !isUndecided || final;
    }
}
