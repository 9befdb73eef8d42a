using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Protocol.Tests.Text;

/// <summary>What depends on the bytes that arrive together: the prompt, and bodies that a pause ends.</summary>
public sealed class TextParserArrivalTests
{
    private const string Rest = " is no command: it is taken for the rest of the body that a pause of 1 s ended, and is thrown away";

    [Fact]
    public void A_person_is_asked_for_the_body()
    {
        Assert.Equal("Relay 1 prompt\n", new Transcript().Arrive("relay\n").Arrive("1\n").Log);
        Assert.Equal("Relay 1 prompt\n", new Transcript().Arrive("relay 1\r\n").Log);
        Assert.Equal("Relay 1\n", new Transcript().Arrive("relay\n").Arrive("1\nx").Log);
        Assert.Equal("Relay 1\n<>\n", new Transcript().Arrive("relay 1 \n").Log);
    }

    [Theory]
    [InlineData("relay\n1\nfoo", "foo")]
    [InlineData("relay\n1\nfoo\n", "foo")]
    [InlineData("relay\n1\nfoo\r\n", "foo")]
    [InlineData("relay\n1\nfoo\n\n", "foo\n")]
    [InlineData("relay\n1\nfoo\r", "foo\r")]
    [InlineData("relay\n1\nfoo\n.", "foo")]
    [InlineData("relay\n1\nfoo\r\n.", "foo")]
    [InlineData("relay\n1\nfoo\n.\r", "foo\n\r")]
    [InlineData("relay\n1\n.", "")]
    [InlineData("relay\n1\n\n", "")]
    [InlineData("relay\n1\n\r\n.", "")]
    [InlineData("relay\n1\n..", ".")]
    [InlineData("relay 1\nfoo", "foo")]
    [InlineData("list\n\n  relay\r\n1\r\nfoo", "foo")]
    public void A_pause_or_a_half_close_ends_a_body_that_arrived_with_its_relay(string input, string body)
    {
        foreach (bool pause in new[] { true, false })
        {
            var transcript = new Transcript().Arrive(input);
            Assert.True(transcript.Parser.BodyMayEndByPause);
            transcript = pause ? transcript.Pause() : transcript.HalfClose();
            Assert.EndsWith($"Relay 1\n<{body}>\n", transcript.Log, StringComparison.Ordinal);
            Assert.False(transcript.Parser.BodyMayEndByPause);
            Assert.Equal(0, transcript.Held);
        }
    }

    [Theory]
    [InlineData("relay\n", "1\nfoo\n")]
    [InlineData("relay\n1\n", "foo\n")]
    [InlineData("rela", "y\n1\nfoo\n")]
    [InlineData("relay 1\n", "foo\n")]
    [InlineData("relay", "\n1\nfoo\n")]
    [InlineData("relay\n1", "\nfoo\n")]
    public void A_pause_ends_no_body_that_did_not_arrive_with_its_relay(string first, string second)
    {
        var transcript = new Transcript().Arrive(first);
        Assert.False(transcript.Parser.BodyMayEndByPause);
        transcript.Arrive(second);
        Assert.False(transcript.Parser.BodyMayEndByPause);
        string before = transcript.Log;
        Assert.Equal(before, transcript.Pause().Log);
        Assert.EndsWith("<foo>\nList\n", transcript.Arrive(".\nlist\n").Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Spaces_of_an_earlier_arrival_are_not_part_of_the_word() =>
        Assert.True(new Transcript().Arrive("  ").Arrive("relay\n1\nfoo").Parser.BodyMayEndByPause);

    [Fact]
    public void A_body_in_many_arrivals_ends_by_a_pause_after_the_last()
    {
        var transcript = new Transcript().Arrive("relay\n1\nfoo").Arrive("bar\r").Arrive("\nbaz\n");
        Assert.True(transcript.Parser.BodyMayEndByPause);
        Assert.Equal("Relay 1\n<foobar\r\nbaz>\nList\n", transcript.Pause().Arrive("list\n").Log);
    }

    [Fact]
    public void A_pause_ends_no_line_and_no_finished_body()
    {
        Assert.Equal("", new Transcript().Arrive("list").Pause().Log);
        Assert.Equal("Relay 1\n<x>\n", new Transcript().Arrive("relay\n1\nx\n.\nlist").Pause().Log);
        Assert.False(new Transcript().Arrive("relay\n1\nx\n.\n").Parser.BodyMayEndByPause);
        Assert.False(new Transcript().Arrive("relay 1 x").Parser.BodyMayEndByPause);
    }

    [Fact]
    public void A_pause_ends_a_body_that_is_thrown_away()
    {
        var transcript = new Transcript().Arrive("relay\nx\nfoo\n");
        Assert.True(transcript.Parser.BodyMayEndByPause);
        transcript.Pause().Arrive("list\n");
        Assert.Equal("invalid_receivers: \"x\" is not an id: ids are decimal numbers, separated by commas" + Transcript.Waits + "\nList\n", transcript.Log);

        transcript = new Transcript(maxBody: 2).Arrive("relay\n1\nfoo\n").Pause().Arrive("list\n");
        Assert.Equal("Relay 1\nframe_too_large: this body is longer than the limit of 2 bytes" + Transcript.Waits + "\nList\n", transcript.Log);

        transcript = new Transcript().Arrive($"relay\n{new string('1', 9_000)}\nfoo\n").Pause().Arrive("list\n");
        Assert.Equal("frame_too_large: this line of ids is longer than the limit of 8192 bytes" + Transcript.Waits + "\nList\n", transcript.Log);
    }

    [Fact]
    public void A_half_close_ends_a_body_that_is_thrown_away()
    {
        const string Error = "invalid_receivers: \"x\" is not an id: ids are decimal numbers, separated by commas";
        Assert.Equal(Error + Transcript.Waits + "\n", new Transcript().Arrive("relay\nx\nfoo").HalfClose().Log);
        Assert.Equal(Error + "\n", new Transcript().Arrive("relay\nx").HalfClose().Log);
    }

    [Theory]
    [InlineData("\r\n.\nlist\nx\n", "List\ninvalid_message: unknown command \"x\"; \"help\" lists the commands\n")]
    [InlineData(".\r\n.\n", "invalid_message: unknown command \".\"; \"help\" lists the commands\n")]
    [InlineData("  LIST \nx\n", "List\ninvalid_message: unknown command \"x\"; \"help\" lists the commands\n")]
    [InlineData("list 1\n.\n", "invalid_message: \"list\" takes nothing more, not \"1\"\ninvalid_message: unknown command \".\"; \"help\" lists the commands\n")]
    [InlineData("relay 2 x\nRELAY\n3\ny\n.\n", "Relay 2\n<x>\nRelay 3\n<y>\n")]
    [InlineData("\n \nbar\nrelay 2 x\n..\n.\nlist\n", "invalid_message: \"bar\"" + Rest + "\nList\n")]
    [InlineData("..\n.\nlist\n", "invalid_message: \"..\"" + Rest + "\nList\n")]
    [InlineData(" .\nquit\n.\nlist\n", "invalid_message: \" .\"" + Rest + "\nList\n")]
    [InlineData(".\r\0list\n.\nlist\n", "invalid_message: \".\"" + Rest + "\nList\n")]
    [InlineData("bar", "")]
    [InlineData("bar\nquit\n", "invalid_message: \"bar\"" + Rest + Transcript.Waits + "\n")]
    public void After_a_pause_the_next_line_decides(string input, string expected)
    {
        foreach (string begun in new[] { "relay\n1\nfoo\n", "relay\nx\nfoo\n" })
        {
            var transcript = new Transcript().Arrive(begun).Pause();
            string before = transcript.Log;
            Assert.Equal(before + expected, transcript.Arrive(input).Log);
            var cut = new Transcript { IgnoreArrivals = true }.Arrive(begun).Pause();
            foreach (char one in input)
            {
                cut.Arrive($"{one}");
            }
            Assert.Equal((before + expected).Replace(Transcript.Waits, "", StringComparison.Ordinal), cut.Log);
        }
    }

    [Fact]
    public void What_is_taken_for_the_rest_ends_by_the_next_pause_and_then_the_rule_holds_again()
    {
        var transcript = new Transcript().Arrive("relay\n1\nfoo\n").Pause();
        Assert.True(transcript.Parser.EndedByPause);
        transcript.Arrive("bar\n").Arrive("quit\n");
        Assert.True(transcript.Parser.BodyMayEndByPause);
        transcript.Pause().Arrive("baz").Pause().Arrive("\nquit\n").Pause().Arrive(".\nlist\nrelay 1 x\n");
        string error = Rest + Transcript.Waits + "\n";
        Assert.Equal($"Relay 1\n<foo>\ninvalid_message: \"bar\"{error}invalid_message: \"baz\"{error}List\nRelay 1\n<x>\n", transcript.Log);
        Assert.False(transcript.Parser.EndedByPause);
    }

    [Fact]
    public void A_line_too_long_after_a_pause_is_a_command_only_if_it_begins_like_one()
    {
        string more = new('x', 9_000);
        Assert.EndsWith("frame_too_large: this line is longer than the limit of 8192 bytes\nQuit\n", new Transcript().Arrive("relay\n1\nfoo\n").Pause().Arrive($"echo {more}\nquit\n").Log, StringComparison.Ordinal);
        Assert.EndsWith($"\" ...{Rest}{Transcript.Waits}\n", new Transcript().Arrive("relay\n1\nfoo\n").Pause().Arrive($"{more}\nquit\n").Log, StringComparison.Ordinal);
    }

    [Fact]
    public void A_half_close_ends_the_rest_and_the_line_that_decides()
    {
        Assert.Equal($"Relay 1\n<foo>\ninvalid_message: \"bar\"{Rest}\n", new Transcript().Arrive("relay\n1\nfoo\n").Pause().Arrive("bar\nquit").HalfClose().Log.Replace(Transcript.Waits, "", StringComparison.Ordinal));
        Assert.Equal($"Relay 1\n<foo>\ninvalid_message: \"bar\"{Rest}\n", new Transcript().Arrive("relay\n1\nfoo\n").Pause().Arrive("bar").HalfClose().Log);
        Assert.Equal("Relay 1\n<foo>\nList\n", new Transcript().Arrive("relay\n1\nfoo\n").Pause().Arrive("list").HalfClose().Log);
        Assert.Equal("Relay 1\n<foo>\n", new Transcript().Arrive("relay\n1\nfoo\n").Pause().Arrive(".").HalfClose().Log);
    }

    [Fact]
    public void An_end_mark_and_a_half_close_are_no_guess()
    {
        Assert.False(new Transcript().Arrive("relay\n1\nfoo\n.\n").Parser.EndedByPause);
        Assert.False(new Transcript().Arrive("relay\n1\nfoo\n").HalfClose().Parser.EndedByPause);
        Assert.True(new Transcript().Arrive("relay\n1\nx.\n").Pause().Parser.EndedByPause);
        Assert.True(new Transcript().Arrive("relay\n1\nfoo\n.").Pause().Parser.EndedByPause);
    }

    [Fact]
    public void What_a_pause_left_behind_is_read_on()
    {
        // The caller need not have read all when the pause comes: what stands behind the end is not the pause's.
        var parser = new TextParser();
        parser.BeginArrival();
        byte[] input = Transcript.Bytes("relay\n1\nx\n.\nlist\n");
        Assert.Equal(TextEvent.RelayBegins, parser.Read(input, out int consumed));
        ReadOnlySpan<byte> rest = input.AsSpan(consumed);
        Assert.Equal(TextEvent.Body, parser.ReadAfterPause(rest, out consumed));
        rest = rest[consumed..];
        Assert.Equal(TextEvent.RelayEnds, parser.ReadAfterPause(rest, out consumed));
        rest = rest[consumed..];
        Assert.Equal(TextEvent.NeedMoreData, parser.ReadAfterPause(rest, out consumed));
        Assert.Equal(0, consumed);
        Assert.Equal(TextEvent.Command, parser.Read(rest, out _));
    }
}
