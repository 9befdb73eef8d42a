using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Protocol.Tests.Text;

public sealed class TextParserCommandTests
{
    [Theory]
    [InlineData("identity\n", "Identity\n")]
    [InlineData("IdEnTiTy\r\n", "Identity\n")]
    [InlineData("  list  \n", "List\n")]
    [InlineData("\n\r\n   \nlist\n\n", "List\n")]
    [InlineData("help\nquit\n", "Help\nQuit\n")]
    [InlineData("verbose\nverbose on\nVERBOSE  OFF \n", "VerboseOn\nVerboseOn\nVerboseOff\n")]
    [InlineData("echo foo bar\n", "Echo(foo bar)\n")]
    [InlineData("  ECHO foo\r\n", "Echo(foo)\n")]
    [InlineData("echo\necho \n", "Echo()\nEcho()\n")]
    [InlineData("echo  two  spaces  \r\n", "Echo( two  spaces  )\n")]
    [InlineData("echo a\rb\r\r\n", "Echo(a\rb\r)\n")]
    [InlineData("auth  s3cret \n", "Auth(s3cret)\n")]
    [InlineData("auth two words\n", "Auth(two words)\n")]
    [InlineData("identity", "")]
    [InlineData("identity\r", "")]
    [InlineData("identity\r\0list\r\0", "Identity\nList\n")]
    [InlineData("echo a\r\0\0list\n", "Echo(a)\ninvalid_message: unknown command \"\\x00list\"; \"help\" lists the commands\n")]
    [InlineData("\u00ef\u00bb\u00bfidentity\n", "Identity\n")]
    [InlineData("\u00ff\u00fb\u0003\u00ff\u00fd\u0001\u00ff\u00fa\u0018\0xterm\u00ff\u00ff\n\u00ff\u00f0identity\n", "Identity\n")]
    [InlineData("\n\u00ff\u00f6\n\u00ef\u00bb\u00bf\nlist\n", "List\n")]
    [InlineData("\u00ff\u00fa list\n list\n", "")]
    public void Commands(string input, string expected) => Assert.Equal(expected, Transcript.Of(input));

    [Theory]
    [InlineData("foo bar\n", "invalid_message: unknown command \"foo\"; \"help\" lists the commands\n")]
    [InlineData("identity\rlist\n", "invalid_message: unknown command \"identity\\x0dlist\"; \"help\" lists the commands\n")]
    [InlineData("\tlist\n", "invalid_message: unknown command \"\tlist\"; \"help\" lists the commands\n")]
    [InlineData("\0\u001b[2J\n\0\n", "invalid_message: unknown command \"\\x00\\x1b[2J\"; \"help\" lists the commands\n"
        + "invalid_message: unknown command \"\\x00\"; \"help\" lists the commands\n")]
    [InlineData("list\n\u00ef\u00bb\u00bflist\n", "List\ninvalid_message: unknown command \"\\xef\\xbb\\xbflist\"; \"help\" lists the commands\n")]
    [InlineData("list\n\u00ff\u00fb\u0001list\n", "List\ninvalid_message: unknown command \"\\xff\\xfb\\x01list\"; \"help\" lists the commands\n")]
    [InlineData("\u00ff\u00fflist\n", "invalid_message: unknown command \"\\xff\\xfflist\"; \"help\" lists the commands\n")]
    [InlineData("li\u00c2\u00adst\u00c2\u00a0\u00c3\u00a9\u00e2\u0080\u00ae\n", "invalid_message: unknown command \"li\\xc2\\xadst\\xc2\\xa0\u00e9\\xe2\\x80\\xae\"; \"help\" lists the commands\n")]
    [InlineData("identity foo\nlist\n", "invalid_message: \"identity\" takes nothing more, not \"foo\"\nList\n")]
    [InlineData("list 1\nhelp 1\nquit  now \n", "invalid_message: \"list\" takes nothing more, not \"1\"\n"
        + "invalid_message: \"help\" takes nothing more, not \"1\"\ninvalid_message: \"quit\" takes nothing more, not \"now\"\n")]
    [InlineData("verbose maybe\n", "invalid_message: \"verbose\" takes only \"on\" or \"off\", not \"maybe\"\n")]
    [InlineData("auth\nauth  \n", "invalid_message: \"auth\" wants a token\ninvalid_message: \"auth\" wants a token\n")]
    [InlineData("echoes\n", "invalid_message: unknown command \"echoes\"; \"help\" lists the commands\n")]
    public void Malformed_commands_are_named_and_the_connection_goes_on(string input, string expected) =>
        Assert.Equal(expected, Transcript.Of(input));

    [Fact]
    public void Long_input_is_quoted_in_part_and_never_within_a_character()
    {
        string word = new string('x', 63) + "\u00c3\u00a9" + "zz";
        Assert.Equal($"invalid_message: unknown command \"{new string('x', 63)}\" ...; \"help\" lists the commands\n", Transcript.Of(word + "\n"));
        string junk = new('\u0001', 100);
        string shown = string.Concat(Enumerable.Repeat("\\x01", 64));
        Assert.Contains($"\"{shown}\" ...", Transcript.Of(junk + "\n"), StringComparison.Ordinal);
        Assert.Contains($"\"{shown}\" ...", Transcript.Of("list " + junk + "\n"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    public void A_line_may_have_8192_bytes(string lineEnd)
    {
        string text = new('a', 8_192 - 5);
        Assert.Equal($"Echo({text})\n", Transcript.Of("echo " + text + lineEnd));
        Assert.Equal("frame_too_large: this line is longer than the limit of 8192 bytes\nList\n", Transcript.Of("echo a" + text + lineEnd + "list\n"));
    }

    [Fact]
    public void A_line_too_long_is_told_as_soon_as_it_is_too_long_and_once()
    {
        var transcript = new Transcript().Arrive(new string('a', 8_192)).Arrive("\r");
        Assert.Equal("", transcript.Log);
        Assert.Equal(8_193, transcript.Held);
        transcript.Arrive("x");
        Assert.Equal("frame_too_large: this line is longer than the limit of 8192 bytes\n", transcript.Log);
        Assert.Equal(0, transcript.Held);
        transcript.Arrive(new string('b', 50_000)).Arrive("\nlist\n");
        Assert.Equal("frame_too_large: this line is longer than the limit of 8192 bytes\nList\n", transcript.Log);
    }

    [Theory]
    [InlineData("identity", "Identity\n")]
    [InlineData("list\nidentity", "List\nIdentity\n")]
    [InlineData("echo x\ny", "Echo(x)\ninvalid_message: unknown command \"y\"; \"help\" lists the commands\n")]
    [InlineData("   ", "")]
    [InlineData("", "")]
    [InlineData("list\r", "invalid_message: unknown command \"list\\x0d\"; \"help\" lists the commands\n")]
    [InlineData("relay 1 x", "Relay 1\n<x>\n")]
    [InlineData("relay 1 x\r\0", "Relay 1\n<x\r\0>\n")]
    [InlineData("\u00ff\u00fb", "")]
    [InlineData("\u00ff\u00fa\n", "")]
    [InlineData("\u00ef\u00bb", "invalid_message: unknown command \"\\xef\\xbb\"; \"help\" lists the commands\n")]
    [InlineData("relay", "invalid_receivers: no receivers; 1 to 255 ids are wanted, such as 42,9001\n")]
    [InlineData("relay\n", "invalid_receivers: no receivers; 1 to 255 ids are wanted, such as 42,9001\n")]
    [InlineData("relay\n1", "Relay 1\n<>\n")]
    [InlineData("relay\nx", "invalid_receivers: \"x\" is not an id: ids are decimal numbers, separated by commas\n")]
    [InlineData("relay 1", "Relay 1\n<>\n")]
    public void A_half_close_ends_the_last_line(string input, string expected)
    {
        Assert.Equal(expected, Transcript.OfFinal(input));
        // Nothing is left to say after it.
        Assert.Equal(expected, new Transcript().Arrive(input).HalfClose().HalfClose().Log);
    }

    [Fact]
    public void The_last_line_too_long_is_an_error_too()
    {
        Assert.Equal("frame_too_large: this line is longer than the limit of 8192 bytes\n", Transcript.OfFinal(new string('a', 8_192) + "\r"));
        Assert.StartsWith("invalid_message", Transcript.OfFinal(new string('a', 8_192)), StringComparison.Ordinal);
        var ids = new Transcript().Arrive("relay\n" + new string('1', 9_000)).HalfClose();
        Assert.Equal("frame_too_large: this line of ids is longer than the limit of 8192 bytes" + Transcript.Waits + "\n", ids.Log);
    }

    [Fact]
    public void A_complete_line_shows_that_the_user_has_spoken()
    {
        var transcript = new Transcript().Arrive("rel");
        Assert.False(transcript.Parser.LineSeen);
        Assert.True(transcript.Arrive("ay\n").Parser.LineSeen);
        Assert.True(new Transcript().Arrive("\n").Parser.LineSeen);
    }

    [Fact]
    public void Limits_must_make_sense()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new TextParser(maxBodyBytes: -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TextParser(maxReceivers: 0));
    }
}
