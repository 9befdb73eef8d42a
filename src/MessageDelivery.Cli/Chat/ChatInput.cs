namespace MessageDelivery.Cli.Chat;

/// <summary>What a line that a person typed asks for.</summary>
internal enum ChatRequest
{
    Nothing,
    Send,
    SetReceivers,
    Who,
    Me,
    Help,
    Quit,
    Unknown,
}

/// <summary>A typed line, understood. <see cref="Argument"/> is the text to send, the receivers, or the unknown word.</summary>
internal readonly record struct ChatInput(ChatRequest Request, string Argument)
{
    public const string Help = """
        TEXT        send it to those chosen with /to
        /to 2,3     choose whom to talk to; /to all is everybody who is here now; /to alone tells
        /who        who is here
        /me         your own id
        //TEXT      send a text that begins with a slash
        /quit       leave; so do Ctrl-D and Ctrl-C
        """;

    /// <summary>Whether it takes a connection to the hub.</summary>
    public bool NeedsHub => Request is ChatRequest.Send or ChatRequest.Who
        || (Request == ChatRequest.SetReceivers && Argument.Equals("all", StringComparison.OrdinalIgnoreCase));

    public static ChatInput Parse(string line)
    {
        if (line.Length == 0)
        {
            return new(ChatRequest.Nothing, "");
        }

        if (line[0] != '/')
        {
            return new(ChatRequest.Send, line);
        }

        if (line.StartsWith("//", StringComparison.Ordinal))
        {
            return new(ChatRequest.Send, line[1..]);
        }

        string[] words = line.TrimEnd().Split([' ', '\t'], 2, StringSplitOptions.TrimEntries);
        string argument = words.Length > 1 ? words[1] : "";
        return words[0].ToUpperInvariant() switch
        {
            "/TO" => new(ChatRequest.SetReceivers, argument),
            "/WHO" => new(ChatRequest.Who, argument),
            "/ME" => new(ChatRequest.Me, argument),
            "/HELP" or "/?" => new(ChatRequest.Help, argument),
            "/QUIT" or "/EXIT" => new(ChatRequest.Quit, argument),
            _ => new(ChatRequest.Unknown, words[0]),
        };
    }
}
