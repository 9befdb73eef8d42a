namespace MessageDelivery.Protocol.Text;

/// <summary>Skips a line above the length limit, up to its end.</summary>
internal struct LongLine
{
    private Part _part;

    /// <param name="beginning">The line's first bytes, without the spaces in front; its end is not among them.</param>
    /// <param name="isOfIds">Whether it is a line of ids.</param>
    public LongLine(ReadOnlySpan<byte> beginning, bool isOfIds)
    {
        _part = isOfIds ? Part.Ids : Part.Command;
        ReadOnlySpan<byte> word = CommandWords.First(beginning);
        if (!isOfIds && word.Length < beginning.Length && CommandWords.Is(word, "relay"u8))
        {
            _part = Part.RelayWord;
            Skip(beginning[word.Length..], final: false, out _);
        }
    }

    private enum Part : byte
    {
        Command,
        /// <summary>Of a relay of one line.</summary>
        Body,
        Ids,
        /// <summary>Of a relay, before and within its ids: a space behind the ids means that the body is in the same line.</summary>
        RelayWord,
        RelayIds,
    }

    /// <summary>Whether it is, or may yet be, a line of ids with a body behind it.</summary>
    public readonly bool IsOfIds => _part > Part.Body;

    /// <summary>Skips what has come of it. True at its end.</summary>
    public bool Skip(ReadOnlySpan<byte> rest, bool final, out int skipped)
    {
        skipped = 0;
        if (_part == Part.RelayWord && rest.IndexOfAnyExcept((byte)' ') is var spaces and >= 0)
        {
            skipped = spaces;
            _part = Part.RelayIds;
        }
        int end = End(rest[skipped..], out int endBytes);
        if (_part == Part.RelayIds && rest.Slice(skipped, end < 0 ? rest.Length - skipped : end).IndexOf((byte)' ') is var space and >= 0)
        {
            skipped += space;
            _part = Part.Body;
            end = End(rest[skipped..], out endBytes);
        }
        if (end >= 0)
        {
            skipped += end + endBytes;
            return true;
        }
        // NUL may follow the CR.
        skipped = rest.Length - (!final && rest.EndsWith("\r"u8) ? 1 : 0);
        return false;
    }

    private readonly int End(ReadOnlySpan<byte> rest, out int endBytes)
    {
        endBytes = 1;
        return _part == Part.Body ? rest.IndexOf(LineEnd.Lf) : LineEnd.Find(rest, isCommand: false, out endBytes);
    }
}
