using Spectre.Console;

namespace MessageDelivery.Cli.Chat;

/// <summary>What a key did to the line.</summary>
internal enum EditResult
{
    Nothing,
    Changed,
    Submit,
    End,
}

/// <summary>The line being typed, and those typed before it. Knows keys and texts, no terminal.</summary>
internal sealed class LineEditor
{
    private const int MaxHistory = 500;

    private readonly List<string> _history = [];
    private string _text = "";
    private string _draft = "";
    private int _cursor;
    private int _historyIndex;

    public string Text => _text;

    public int Cursor => _cursor;

    public EditResult Handle(ConsoleKeyInfo key)
    {
        bool control = key.Modifiers.HasFlag(ConsoleModifiers.Control);
        return key.Key switch
        {
            ConsoleKey.Enter => EditResult.Submit,
            ConsoleKey.D when control => _text.Length == 0 ? EditResult.End : Remove(_cursor, Next(_cursor)),
            ConsoleKey.Backspace => Remove(Previous(_cursor), _cursor),
            ConsoleKey.Delete => Remove(_cursor, Next(_cursor)),
            ConsoleKey.LeftArrow => MoveTo(control ? WordStart(_cursor) : Previous(_cursor)),
            ConsoleKey.RightArrow => MoveTo(control ? WordEnd(_cursor) : Next(_cursor)),
            ConsoleKey.Home => MoveTo(0),
            ConsoleKey.A when control => MoveTo(0),
            ConsoleKey.End => MoveTo(_text.Length),
            ConsoleKey.E when control => MoveTo(_text.Length),
            ConsoleKey.U when control => Remove(0, _cursor),
            ConsoleKey.K when control => Remove(_cursor, _text.Length),
            ConsoleKey.W when control => Remove(WordStart(_cursor), _cursor),
            ConsoleKey.L when control => EditResult.Changed,
            ConsoleKey.UpArrow => Recall(_historyIndex - 1),
            ConsoleKey.DownArrow => Recall(_historyIndex + 1),
            ConsoleKey.Tab when key.Modifiers != 0 => EditResult.Nothing,
            // A tab is text: a terminal pastes it as if it had been typed.
            _ => char.IsControl(key.KeyChar) && key.KeyChar != '\t' ? EditResult.Nothing : Insert(key.KeyChar),
        };
    }

    /// <summary>Takes the line that was submitted, and remembers it.</summary>
    public string Take()
    {
        string line = _text;
        if (line.Length > 0 && (_history.Count == 0 || _history[^1] != line))
        {
            _history.Add(line);
            if (_history.Count > MaxHistory)
            {
                _history.RemoveAt(0);
            }
        }

        (_text, _cursor, _draft, _historyIndex) = ("", 0, "", _history.Count);
        return line;
    }

    /// <summary>
    /// The part of the line around the cursor that fits in so many columns, with one left free for the cursor behind it, and
    /// the column where the cursor stands. A tab is shown as one blank.
    /// </summary>
    public (string Visible, int Column) View(int columns)
    {
        int start = _cursor, end = _cursor, before = 0, after = 0;
        while (start > 0 && before + Width(Previous(start), start) is var wider && wider < columns)
        {
            (before, start) = (wider, Previous(start));
        }

        while (end < _text.Length && after + Width(end, Next(end)) is var wider && before + wider < columns)
        {
            (after, end) = (wider, Next(end));
        }

        return (_text[start..end].Replace('\t', ' '), before);
    }

    private int Width(int from, int to) => _text[from..to] is "\t" ? 1 : _text[from..to].GetCellWidth();

    // A pair of surrogates is one character and is never taken apart.
    private int Previous(int index) =>
        index >= 2 && char.IsSurrogatePair(_text[index - 2], _text[index - 1]) ? index - 2 : Math.Max(index - 1, 0);

    private int Next(int index) =>
        index + 1 < _text.Length && char.IsSurrogatePair(_text[index], _text[index + 1]) ? index + 2 : Math.Min(index + 1, _text.Length);

    private int WordStart(int index)
    {
        while (index > 0 && _text[index - 1] == ' ')
        {
            index--;
        }

        return index > 0 ? _text.LastIndexOf(' ', index - 1) + 1 : 0;
    }

    private int WordEnd(int index)
    {
        while (index < _text.Length && _text[index] == ' ')
        {
            index++;
        }

        int space = _text.IndexOf(' ', index);
        return space < 0 ? _text.Length : space;
    }

    private EditResult Insert(char typed)
    {
        _text = _text.Insert(_cursor, typed.ToString());
        _cursor++;
        // Half a pair has no width of its own to draw.
        return char.IsHighSurrogate(typed) ? EditResult.Nothing : EditResult.Changed;
    }

    private EditResult Remove(int from, int to)
    {
        if (from == to)
        {
            return EditResult.Nothing;
        }

        _text = _text.Remove(from, to - from);
        _cursor = from;
        return EditResult.Changed;
    }

    private EditResult MoveTo(int index)
    {
        if (index == _cursor)
        {
            return EditResult.Nothing;
        }

        _cursor = index;
        return EditResult.Changed;
    }

    private EditResult Recall(int index)
    {
        if (index < 0 || index > _history.Count)
        {
            return EditResult.Nothing;
        }

        if (_historyIndex == _history.Count)
        {
            _draft = _text;
        }

        _historyIndex = index;
        _text = index == _history.Count ? _draft : _history[index];
        _cursor = _text.Length;
        return EditResult.Changed;
    }
}
