namespace MessageDelivery.Cli.Chat;

/// <summary>Without a terminal: lines in, lines out, nothing in between.</summary>
internal sealed class PipeScreen(TextReader input, TextWriter output) : IChatScreen
{
    private readonly TypedLines _lines = new(input.ReadLine);
    private readonly Lock _lock = new();

    public string Prompt
    {
        set { }
    }

    public void Show(string text)
    {
        lock (_lock)
        {
            output.WriteLine(text);
            output.Flush();
        }
    }

    public ValueTask<string?> ReadLineAsync(CancellationToken cancellationToken) => _lines.ReadAsync(cancellationToken);
}
