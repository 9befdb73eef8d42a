using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Protocol.Tests.Text;

public sealed class TextParserRelayTests
{
    private const string NoReceivers = "invalid_receivers: no receivers; 1 to 255 ids are wanted, such as 42,9001";

    [Theory]
    [InlineData("relay\n42,100500,9001\nfoo\n.\nlist\n", "Relay 42,100500,9001\n<foo>\nList\n")]
    [InlineData("RELAY\r\n 42 , 9001 \r\nfoo\r\nbar\r\n.\r\n", "Relay 42,9001\n<foo\r\nbar>\n")]
    [InlineData("relay 1,2\nfoo\n.\n", "Relay 1,2\n<foo>\n")]
    [InlineData("  relay   1,2\r\nfoo\n.\r\n", "Relay 1,2\n<foo>\n")]
    [InlineData("relay \n1\nfoo\n.\n", "Relay 1\n<foo>\n")]
    [InlineData("relay\n0,7,7,007,18446744073709551615\nx\n.\n", "Relay 0,7,7,7,18446744073709551615\n<x>\n")]
    public void A_body_of_many_lines(string input, string expected) => Assert.Equal(expected, Transcript.Of(input));

    [Theory]
    [InlineData("relay 1,2 foo bar\n", "Relay 1,2\n<foo bar>\n")]
    [InlineData("relay  1  foo \r\nlist\n", "Relay 1\n< foo >\nList\n")]
    [InlineData("relay 1 \nlist\n", "Relay 1\n<>\nList\n")]
    [InlineData("relay 1 \r\nlist\n", "Relay 1\n<>\nList\n")]
    [InlineData("relay 1 .\nlist\n", "Relay 1\n<.>\nList\n")]
    [InlineData("relay 1 ..x\rz\n", "Relay 1\n<..x\rz>\n")]
    [InlineData("relay 1 , 2\n", "Relay 1\n<, 2>\n")]
    [InlineData("relay 1 x", "")]
    public void A_body_in_the_same_line(string input, string expected) => Assert.Equal(expected, Transcript.Of(input));

    [Theory]
    [InlineData(".\n", "")]
    [InlineData(".\r\n", "")]
    [InlineData("\n.\n", "")]
    [InlineData("\r\n.\n", "")]
    [InlineData("\n\n.\n", "\n")]
    [InlineData("a\r\n.\n", "a")]
    [InlineData("a\r\r\n.\n", "a\r")]
    [InlineData("a\n\r\n.\r\n", "a\n")]
    [InlineData("..\n.\n", ".")]
    [InlineData("..\r\n..\n.\n", ".\r\n.")]
    [InlineData("...a\n.b\n.\n", "..a\nb")]
    [InlineData(".a.\n.\n", "a.")]
    [InlineData("a\n..\n..b\n\n..\n.\n", "a\n.\n.b\n\n.")]
    [InlineData("\0\u00ff\u0001\t\n.\n", "\0\u00ff\u0001\t")]
    public void The_body_is_what_stands_before_the_closing_line(string body, string expected) =>
        Assert.Equal($"Relay 1\n<{expected}>\nList\n", Transcript.Of("relay\n1\n" + body + "list\n"));

    [Theory]
    [InlineData("a\r.\r", "a\r.\r")]
    [InlineData("a\n.\r\r\n", "a\n\r\r\n")]
    [InlineData("a\r\n.\rb", "a\r\n\rb")]
    [InlineData("a\r.\n", "a\r.\n")]
    [InlineData("a\r.\r\n", "a\r.\r\n")]
    [InlineData("a\n. \n", "a\n \n")]
    [InlineData("a\n .\n", "a\n .\n")]
    [InlineData("a\n.\0\n", "a\n\0\n")]
    [InlineData(".\r\r\n", "\r\r\n")]
    [InlineData("\r.\r\n", "\r.\r\n")]
    [InlineData("a.\n", "a.\n")]
    public void Nothing_else_ends_a_body(string body, string expected) =>
        Assert.Equal($"Relay 1\n<{expected}list>\nList\n", Transcript.Of("relay\n1\n" + body + "list\n.\nlist\n"));

    [Theory]
    [InlineData("", NoReceivers)]
    [InlineData("   ", NoReceivers)]
    [InlineData(",", "invalid_receivers: an id is missing in \",\"")]
    [InlineData("1,2,", "invalid_receivers: an id is missing in \"1,2,\"")]
    [InlineData("1, ,2", "invalid_receivers: an id is missing in \"1, ,2\"")]
    [InlineData("1,abc", "invalid_receivers: \"abc\" is not an id: ids are decimal numbers, separated by commas")]
    [InlineData("-1", "invalid_receivers: \"-1\" is not an id: ids are decimal numbers, separated by commas")]
    [InlineData("+1", "invalid_receivers: \"+1\" is not an id: ids are decimal numbers, separated by commas")]
    [InlineData("1 2", "invalid_receivers: \"1 2\" is not an id: ids are decimal numbers, separated by commas")]
    [InlineData("1\0", "invalid_receivers: \"1\\x00\" is not an id: ids are decimal numbers, separated by commas")]
    [InlineData("0x1", "invalid_receivers: \"0x1\" is not an id: ids are decimal numbers, separated by commas")]
    [InlineData("18446744073709551616", "invalid_receivers: \"18446744073709551616\" is not an id: the largest is 18446744073709551615")]
    [InlineData(".", "invalid_receivers: \".\" is not an id: ids are decimal numbers, separated by commas")]
    public void Wrong_ids_are_told_once_and_the_body_is_thrown_away(string ids, string error)
    {
        Assert.Equal(error + "\nList\n", Transcript.Of($"relay\n{ids}\nquit\n..\n.\nlist\n"));
        Assert.Equal(error + "\nList\n", Transcript.Of($"relay\n{ids}\n.\nlist\n"));
        // Where the end is not there yet, the error says that it is waited for.
        var transcript = new Transcript().Arrive($"relay\n{ids}\n");
        Assert.Equal(error + Transcript.Waits + "\n", transcript.Log);
        transcript.Arrive("quit\n").Arrive(".").Arrive("\n").Arrive("list\n");
        Assert.Equal(error + Transcript.Waits + "\nList\n", transcript.Log);
    }

    [Theory]
    [InlineData("relay x body\n", "invalid_receivers: \"x\" is not an id: ids are decimal numbers, separated by commas")]
    [InlineData("relay 1, 2 body\n", "invalid_receivers: an id is missing in \"1,\"")]
    [InlineData("relay x \n", "invalid_receivers: \"x\" is not an id: ids are decimal numbers, separated by commas")]
    public void Wrong_ids_with_a_body_in_the_same_line_end_with_it(string input, string error) =>
        Assert.Equal(error + "\nList\n", Transcript.Of(input + "list\n"));

    [Fact]
    public void A_relay_may_list_255_receivers()
    {
        string ids = string.Join(',', Enumerable.Range(1, 255));
        Assert.Equal($"Relay {ids}\n<x>\n", Transcript.Of($"relay {ids} x\n"));
        Assert.Equal($"Relay {ids}\n<x>\n", Transcript.Of($"relay\n{ids}\nx\n.\n"));
        Assert.Equal("invalid_receivers: 256 receivers; the limit is 255\nList\n", Transcript.Of($"relay\n{ids},1\nx\n.\nlist\n"));
        Assert.Equal("invalid_receivers: 256 receivers; the limit is 255\nList\n", Transcript.Of($"relay {ids},1 x\nlist\n"));
    }

    [Fact]
    public void A_body_may_have_1048576_bytes()
    {
        string body = new('b', ProtocolLimits.MaxBodyBytes);
        Assert.Equal($"Relay 1\n<{body}>\n", Transcript.Of($"relay\n1\n{body}\r\n.\r\n"));
        Assert.Equal(
            "Relay 1\nframe_too_large: this body is longer than the limit of 1048576 bytes\nList\n",
            Transcript.Of($"relay\n1\n{body}b\r\n.\r\nlist\n"));
    }

    [Fact]
    public void A_body_too_long_is_told_at_once_and_its_rest_is_thrown_away()
    {
        var transcript = new Transcript(maxBody: 5).Arrive("relay\n1\n").Arrive("12345").Arrive("\r\n");
        Assert.Equal("Relay 1 prompt\n", transcript.Log);
        transcript.Arrive("6");
        string error = "Relay 1 prompt\nframe_too_large: this body is longer than the limit of 5 bytes" + Transcript.Waits + "\n";
        Assert.Equal(error, transcript.Log);
        transcript.Arrive("quit\n..\n").Arrive("\r\n.\r\nlist\n");
        Assert.Equal(error + "List\n", transcript.Log);
    }

    [Theory]
    [InlineData("relay\n1\n12345\n.\n", "Relay 1\n<12345>\n")]
    [InlineData("relay\n1\n..2345\r\n.\n", "Relay 1\n<.2345>\n")]
    [InlineData("relay\n1\n123456\n.\nlist\n", "Relay 1\nframe_too_large: this body is longer than the limit of 5 bytes\nList\n")]
    [InlineData("relay 1 12345\n", "Relay 1\n<12345>\n")]
    [InlineData("relay 1 123456\nlist\n", "frame_too_large: this body is longer than the limit of 5 bytes\nList\n")]
    public void The_limit_is_for_the_body_as_delivered(string input, string expected) =>
        Assert.Equal(expected, new Transcript(maxBody: 5).Arrive(input).Log);

    [Fact]
    public void A_body_too_long_at_the_half_close_is_an_error()
    {
        var transcript = new Transcript(maxBody: 5).Arrive("relay\n1\n12345\r").HalfClose();
        Assert.Equal("Relay 1\nframe_too_large: this body is longer than the limit of 5 bytes\n", transcript.Log);
    }

    [Fact]
    public void A_line_of_ids_too_long_takes_its_body_with_it()
    {
        string ids = new('1', 8_193);
        const string Error = "frame_too_large: this line of ids is longer than the limit of 8192 bytes";
        Assert.Equal(Error + "\nList\n", Transcript.Of($"relay\n{ids}\nquit\n.\nlist\n"));
        Assert.Equal(Error + "\nList\n", Transcript.Of($"relay {ids}\r\nquit\n.\nlist\n"));
        Assert.Equal(Error + "\nList\n", Transcript.Of($"relay {new string(' ', 9_000)}\nquit\n.\nlist\n"));
        Assert.Equal(Error + "\nList\n", Transcript.Of($"relay {new string(' ', 9_000)}1\nquit\n.\nlist\n"));
        Assert.Equal(Error + Transcript.Waits + "\n", new Transcript().Arrive($"relay\n{ids}").Log);
        Assert.Equal(Error + Transcript.Waits + "\n", new Transcript().Arrive($"relay\n{ids}\nqui").Log);
    }

    [Fact]
    public void A_one_line_relay_too_long_ends_with_its_line()
    {
        const string Error = "frame_too_large: this line is longer than the limit of 8192 bytes";
        Assert.Equal(Error + "\nList\n", Transcript.Of($"relay 1 {new string('x', 9_000)}\nlist\n"));
        Assert.Equal(Error + "\n", Transcript.Of($"relay 1 {new string('x', 9_000)}"));
        string ids = new('1', 9_000);
        Assert.Equal("frame_too_large: this line of ids is longer than the limit of 8192 bytes\nList\n", Transcript.Of($"relay {ids} x\nlist\n"));
        Assert.Equal(Error + "\nList\n", Transcript.Of($"relayed {ids}\nlist\n"));
    }

    [Fact]
    public void A_relay_of_one_kind_leaves_no_trace_in_the_next()
    {
        Assert.Equal(
            "Relay 1,2,3\n<a>\nRelay 4\n<b>\ninvalid_receivers: \"x\" is not an id: ids are decimal numbers, separated by commas\nRelay 5\n<.>\n",
            Transcript.Of("relay 1,2,3 a\nrelay\n4\nb\n.\nrelay\nx\n.\nrelay 5\n..\n.\n"));
    }

    [Fact]
    public void Receivers_are_empty_before_the_first_relay() => Assert.Empty(new TextParser().Receivers.ToArray());
}
