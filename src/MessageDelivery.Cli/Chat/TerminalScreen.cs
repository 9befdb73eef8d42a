using MessageDelivery.Cli.Terminal;
using Spectre.Console;

namespace MessageDelivery.Cli.Chat;

/// <summary>A terminal: the line being typed stays at the bottom, and what arrives is shown above it.</summary>
internal sealed class TerminalScreen : IChatScreen
{
    private const string ClearLine = "\r\x1b[K";
    private const int UnknownWidth = 80;

    private readonly TextWriter _output;
    private readonly LineEditor _editor = new();
    private readonly Lock _lock = new();
    private readonly TypedLines _lines;
    private string _prompt = "> ";
    private bool _isTyping;

    public TerminalScreen(TextWriter output)
    {
        _output = output;
        _lines = new(ReadLine);
    }

    public string Prompt
    {
        set
        {
            lock (_lock)
            {
                _prompt = value;
                Redraw();
            }
        }
    }

    public void Show(string text)
    {
        lock (_lock)
        {
            _output.Write(ClearLine);
            _output.WriteLine(text);
            Redraw();
        }
    }

    public ValueTask<string?> ReadLineAsync(CancellationToken cancellationToken) => _lines.ReadAsync(cancellationToken);

    private string? ReadLine()
    {
        lock (_lock)
        {
            _isTyping = true;
            Redraw();
        }

        while (true)
        {
            var key = Console.ReadKey(intercept: true);
            lock (_lock)
            {
                switch (_editor.Handle(key))
                {
                    case EditResult.Submit:
                        string line = _editor.Take();
                        // What was typed stays on the screen, as part of the conversation.
                        _output.WriteLine($"{ClearLine}{Colors.Quiet(_prompt)}{line}");
                        Redraw();
                        return line;
                    case EditResult.End:
                        _isTyping = false;
                        _output.Write(ClearLine);
                        _output.Flush();
                        return null;
                    case EditResult.Changed:
                        Redraw();
                        break;
                    default:
                        break;
                }
            }
        }
    }

    private void Redraw()
    {
        if (_isTyping)
        {
            int width = Console.WindowWidth is > 0 and var columns ? columns : UnknownWidth;
            int promptWidth = _prompt.GetCellWidth();
            var (visible, column) = _editor.View(Math.Max(width - promptWidth, 2));
            string position = $"\r\x1b[{promptWidth + column}C";
            _output.Write($"{ClearLine}{Colors.Quiet(_prompt)}{visible}{(promptWidth + column > 0 ? position : "\r")}");
        }

        _output.Flush();
    }
}
