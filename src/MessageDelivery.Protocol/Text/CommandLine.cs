namespace MessageDelivery.Protocol.Text;

/// <summary>A command line: its word and what follows.</summary>
internal readonly ref struct CommandLine
{
    private readonly ReadOnlySpan<byte> _line;

    public CommandLine(ReadOnlySpan<byte> line)
    {
        _line = line;
        WordStart = line.IndexOfAnyExcept((byte)' ');
        if (WordStart < 0)
        {
            return;
        }
        Word = CommandWords.First(line[WordStart..]);
        TextStart = Math.Min(WordStart + Word.Length + 1, line.Length);
        ReadOnlySpan<byte> text = line[TextStart..];
        Argument = text.Trim((byte)' ');
        ArgumentStart = TextStart + Math.Max(0, text.IndexOfAnyExcept((byte)' '));
    }

    /// <summary>Whether there is no word.</summary>
    public bool IsBlank => WordStart < 0;

    public int WordStart { get; }

    public ReadOnlySpan<byte> Word { get; }

    /// <summary>Where the text begins: behind one space after the word.</summary>
    public int TextStart { get; }

    /// <summary>Where the argument begins: behind all spaces after the word.</summary>
    public int ArgumentStart { get; }

    /// <summary>The text without spaces around it.</summary>
    public ReadOnlySpan<byte> Argument { get; }

    /// <summary>Which command it is. False, and the error is written, if it is none.</summary>
    /// <param name="error">Where errors are written.</param>
    /// <param name="verb">The command.</param>
    /// <param name="argument">The place of its argument in the line: the text of <c>echo</c> and the token of <c>auth</c>.</param>
    public bool TryParse(ErrorText error, out TextVerb verb, out Range argument)
    {
        argument = default;
        if (CommandWords.Is(Word, "relay"u8))
        {
            verb = TextVerb.Relay;
            return true;
        }
        if (CommandWords.Is(Word, "echo"u8))
        {
            verb = TextVerb.Echo;
            argument = TextStart.._line.Length;
            return true;
        }
        if (CommandWords.Is(Word, "auth"u8))
        {
            verb = TextVerb.Auth;
            argument = ArgumentStart..(ArgumentStart + Argument.Length);
            return !Argument.IsEmpty || Fail(error.Begin(ProtocolCode.ProtocolError).Add("\"auth\" wants a token"u8));
        }
        if (CommandWords.Is(Word, "verbose"u8))
        {
            bool isOff = CommandWords.Is(Argument, "off"u8);
            verb = isOff ? TextVerb.VerboseOff : TextVerb.VerboseOn;
            return isOff || Argument.IsEmpty || CommandWords.Is(Argument, "on"u8) || Surplus(error, " takes only \"on\" or \"off\", not "u8);
        }
        if (CommandWords.Simple(Word) is { } simple)
        {
            verb = simple;
            return Argument.IsEmpty || Surplus(error, " takes nothing more, not "u8);
        }
        verb = default;
        return Fail(error.Begin(ProtocolCode.ProtocolError).Add("unknown command "u8).Quote(Word).Add("; \"help\" lists the commands"u8));
    }

    private bool Surplus(ErrorText error, ReadOnlySpan<byte> what) =>
        Fail(error.Begin(ProtocolCode.ProtocolError).Quote(Word).Add(what).Quote(Argument));

    private static bool Fail(ErrorText _) => false;
}
