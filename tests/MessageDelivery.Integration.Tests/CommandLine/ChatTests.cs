using MessageDelivery.Cli.Chat;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>The line that a person edits, and what it is understood as; no terminal.</summary>
public sealed class ChatTests
{
    private readonly LineEditor _editor = new();

    [Theory]
    [InlineData("", "Nothing", "")]
    [InlineData("hello /to you", "Send", "hello /to you")]
    [InlineData("//to", "Send", "/to")]
    [InlineData("/to 2, 3 ", "SetReceivers", "2, 3")]
    [InlineData("/TO", "SetReceivers", "")]
    [InlineData("/to\t2,3", "SetReceivers", "2,3")]
    [InlineData("--json", "Send", "--json")]
    [InlineData("-- ", "Send", "-- ")]
    [InlineData("/who", "Who", "")]
    [InlineData("/me", "Me", "")]
    [InlineData("/help", "Help", "")]
    [InlineData("/quit", "Quit", "")]
    [InlineData("/sing a song", "Unknown", "/sing")]
    [InlineData("/", "Unknown", "/")]
    public void A_line_is_understood(string line, string request, string argument)
    {
        var input = ChatInput.Parse(line);
        Assert.Equal((request, argument), (input.Request.ToString(), input.Argument));
    }

    [Fact]
    public void Keys_edit_the_line()
    {
        Type("helo");
        Press(ConsoleKey.LeftArrow);
        Type("l");
        Assert.Equal(("hello", 4), (_editor.Text, _editor.Cursor));
        Press(ConsoleKey.Home);
        Press(ConsoleKey.Delete);
        Type("H");
        Press(ConsoleKey.End);
        Type(" big world");
        Press(ConsoleKey.LeftArrow, control: true);
        Press(ConsoleKey.W, control: true);
        Assert.Equal(("Hello world", 6), (_editor.Text, _editor.Cursor));
        Press(ConsoleKey.K, control: true);
        Press(ConsoleKey.Backspace);
        Assert.Equal("Hello", _editor.Text);
        Press(ConsoleKey.U, control: true);
        Assert.Equal(("", 0), (_editor.Text, _editor.Cursor));
    }

    [Fact]
    public void A_character_of_two_halves_stays_whole()
    {
        Type("a🎉b");
        Press(ConsoleKey.LeftArrow);
        Press(ConsoleKey.LeftArrow);
        Assert.Equal(1, _editor.Cursor);
        Press(ConsoleKey.RightArrow);
        Press(ConsoleKey.Backspace);
        Assert.Equal("ab", _editor.Text);
    }

    [Fact]
    public void Arrows_walk_through_what_was_typed_and_back()
    {
        Submit("first");
        Submit("second");
        Submit("second");
        Type("draft");
        Press(ConsoleKey.UpArrow);
        Assert.Equal("second", _editor.Text);
        Press(ConsoleKey.UpArrow);
        Press(ConsoleKey.UpArrow);
        Assert.Equal("first", _editor.Text);
        Press(ConsoleKey.DownArrow);
        Press(ConsoleKey.DownArrow);
        Press(ConsoleKey.DownArrow);
        Assert.Equal(("draft", 5), (_editor.Text, _editor.Cursor));
    }

    [Fact]
    public void Ctrl_D_ends_an_empty_line_only()
    {
        Type("x");
        Assert.Equal(EditResult.Nothing, Press(ConsoleKey.D, control: true));
        Press(ConsoleKey.Backspace);
        Assert.Equal(EditResult.End, Press(ConsoleKey.D, control: true));
    }

    [Fact]
    public void Keys_without_a_character_do_nothing()
    {
        Assert.Equal(EditResult.Nothing, Press(ConsoleKey.F1));
        Assert.Equal(EditResult.Nothing, Press(ConsoleKey.Escape, '\u001b'));
        Assert.Equal(EditResult.Nothing, _editor.Handle(new('\t', ConsoleKey.Tab, shift: true, alt: false, control: false)));
        Assert.Equal("", _editor.Text);
    }

    [Fact]
    public void A_pasted_tab_stays_in_the_text_and_is_one_blank_on_the_screen()
    {
        Type("name");
        Assert.Equal(EditResult.Changed, Press(ConsoleKey.Tab, '\t'));
        Type("value");
        Assert.Equal(("name\tvalue", 10), (_editor.Text, _editor.Cursor));
        Assert.Equal(("name value", 10), _editor.View(20));
        Assert.Equal(("value", 5), _editor.View(6));
    }

    [Theory]
    [InlineData("hello", 10, "hello", 5)]
    [InlineData("hello world", 6, "world", 5)]
    [InlineData("日本語", 5, "本語", 4)]
    [InlineData("日本語", 6, "本語", 4)]
    [InlineData("日本語", 7, "日本語", 6)]
    public void A_long_line_shows_what_is_around_the_cursor(string text, int columns, string visible, int column)
    {
        Type(text);
        Assert.Equal((visible, column), _editor.View(columns));
    }

    [Fact]
    public void A_long_line_shows_its_beginning_from_its_beginning()
    {
        Type("hello world");
        Press(ConsoleKey.Home);
        Assert.Equal(("hello", 0), _editor.View(6));
    }

    private void Type(string text)
    {
        foreach (char c in text)
        {
            _editor.Handle(new(c, ConsoleKey.None, false, false, false));
        }
    }

    private EditResult Press(ConsoleKey key, bool control = false) => _editor.Handle(new('\0', key, false, false, control));

    private EditResult Press(ConsoleKey key, char character) => _editor.Handle(new(character, key, false, false, false));

    private void Submit(string line)
    {
        Type(line);
        Assert.Equal(EditResult.Submit, Press(ConsoleKey.Enter, '\r'));
        Assert.Equal(line, _editor.Take());
    }
}
