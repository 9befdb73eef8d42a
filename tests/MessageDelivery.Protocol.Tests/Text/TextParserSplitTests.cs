using CsCheck;
using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Protocol.Tests.Text;

/// <summary>The events do not depend on where the input is cut, except where the protocol says so.</summary>
public sealed class TextParserSplitTests
{
    private const int SmallBody = 40;

    public static TheoryData<string> Inputs => new(
        "\r\n identity \r\nlist\n\necho foo  bar \r\necho\nhelp\r\nauth tok en\nverbose\nverbose off\nfoo\nlist 1\nquit",
        "relay\r\n 1 , 2\r\nfoo\r\n..bar\r\n.\rx\r\n.\r\r\n\r\n.\r\nlist\n",
        "relay 1\n.\nrelay 1\n..\n.\nrelay 1\n\n.\nrelay 1\n\r\n\r\n.\r\nrelay 1 x y\nrelay 2 \r\nlist",
        "relay\nx\nquit\n..\n.x\n.\nlist\nrelay 1,,2 quit\nrelay\n\n\n.\nlist\nrelay 1,\n\r\n.\r\nlist\n",
        "relay\n1\n" + new string('a', SmallBody) + "\r\n.\r\nrelay\n1\n" + new string('b', SmallBody) + "\r\nquit\n..\n\r\n.\r\nlist\n",
        "\u00ff\u00fb\u001f\u00ff\u00fa\u001f\n\u00ff\u00ff\r\n\u00ff\u00f0\r\n\u00ef\u00bb\u00bf\u00ff\u00f1list\n\u00ef\u00bb\u00bflist\n\u00ff\u00fb\u001flist\n",
        "\u00ef\u00bb", "\u00ef\u00bbx\n", "\u00ff", "\u00ff\u00fb", "\u00ff\u00fax\u00ff", "\u00ff\u00ff\u00ff\u00fb\u0001\n", "\u00ff\u00ebx\nlist\n",
        "list\r\0echo foo\r\0relay\r\01,2\r\0a\r\0.\r\0b\n.\r\nrelay 1\r\0x\n.\nrelay 1 x\r\0y\r\0\nrelay 1 \r\0z\nrelay\r\0x\r\0list\r\0\n.\nlist\r\r\0list\n",
        "relay 1 " + new string('a', SmallBody + 1) + "\nrelay 1 " + new string('a', SmallBody) + "\nlist\n",
        "relay\n1\nfoo\n.\r", "relay\n1\nfoo\r\n.", "relay\n1\nfoo\r", "relay\n1\n.\r", "relay\n1\n.", "relay\nx\nfoo\n.", "relay", "relay\n", "relay 1");

    [Theory]
    [MemberData(nameof(Inputs))]
    public void Cut_once_at_every_byte(string input)
    {
        string whole = Run(input, []);
        for (int cut = 0; cut <= input.Length; cut++)
        {
            Assert.Equal(whole, Run(input, [cut]));
        }
        Assert.Equal(whole, Run(input, [.. Enumerable.Range(0, input.Length)]));
    }

    [Fact]
    public void Cut_around_the_longest_line()
    {
        string ids = new('1', 8_192);
        string[] inputs =
        [
            "echo " + new string('a', 8_187) + "\r\nlist\n",
            "echo " + new string('a', 8_188) + "\r\nlist\n",
            "echo " + new string('a', 8_188) + "\rx\nlist\n",
            "relay\n" + ids + "1\r\nquit\n.\nlist\n",
            "relay " + ids + "\r\nquit\n.\nlist\n",
            "relay " + ids + " x\r\nlist\n",
            "relay " + new string(' ', 8_192) + "\nquit\n.\nlist\n",
            "relay" + new string(' ', 8_183) + "1,2 x\nlist\n",
            "echo " + new string('a', 8_187) + "\r\0list\n",
            "echo " + new string('a', 8_188) + "\r\0list\n",
            "echo " + new string('a', 8_188) + "\r\r\0list\n",
            "relay\n" + ids + "1\r\0quit\n.\nlist\n",
            "relay " + ids + "\r\0quit\n.\nlist\n",
            "relay " + new string(' ', 8_192) + "\r\0quit\n.\nlist\n",
            "relay " + ids + " x\r\0quit\nlist\n",
        ];
        foreach (string input in inputs)
        {
            string whole = Run(input, []);
            Assert.EndsWith("List\n", whole, StringComparison.Ordinal);
            for (int cut = 8_180; cut <= input.Length; cut++)
            {
                Assert.Equal(whole, Run(input, [cut]));
                Assert.Equal(whole, Run(input, [5, 6, cut - 1, cut]));
            }
        }
    }

    [Fact]
    public void Any_input_at_any_cuts() =>
        Gen.Select(GenLikelyInput, Gen.Int[0, 400].Array[0, 8]).Sample((input, cuts) =>
        {
            int[] sorted = [.. cuts.Where(cut => cut <= input.Length).Order()];
            return Run(input, []) == Run(input, sorted);
        });

    [Fact]
    public void Any_body_comes_out_as_it_went_in() =>
        Gen.Select(GenBody, Gen.Bool, Gen.Int[0, 400].Array[0, 8]).Sample((body, crlf, cuts) =>
        {
            string input = "relay\n7\n" + Stuff(body, crlf) + "list\n";
            return Run(input, [.. cuts.Where(cut => cut <= input.Length).Order()], int.MaxValue) == $"Relay 7\n<{body}>\nList\n";
        });

    [Fact]
    public void Random_bytes_never_throw_and_nothing_but_a_line_is_kept() =>
        Gen.Byte.Array[0, 20_000].Array[1, 4].Sample(arrivals =>
        {
            var transcript = new Transcript(SmallBody, 3);
            foreach (byte[] arrival in arrivals)
            {
                transcript.Arrive(arrival).Pause();
            }
            transcript.HalfClose();
        }, iter: 100);

    [Fact]
    public void Reading_allocates_nothing_once_a_relay_and_an_error_have_been_seen()
    {
        byte[] input = Transcript.Bytes(
            "relay\n1,2,3\nfoo\n..bar\n.\necho x\nidentity\nrelay 4,5 y\nfoo\nrelay x y\nrelay\n1\n" + new string('z', 60) + "\n.\nlist\n");
        var parser = new TextParser(maxBodyBytes: SmallBody);
        int events = 0;

        Assert.Equal(0, Allocations.MinOf(() =>
        {
            parser.BeginArrival();
            ReadOnlySpan<byte> rest = input;
            while (parser.Read(rest, out int consumed) != TextEvent.NeedMoreData)
            {
                rest = rest[consumed..];
                events++;
            }
        }));
        Assert.True(events > 10);
    }

    private static Gen<string> GenLikelyInput => Transcript.AnyOf(
        "\n", "\n", "\r\n", "\r", ".", "\n.\n", ".\r\n", " ", ",", "1", "22", "x", "relay", "relay 1", "relay 1 ", "\nrelay\n1\n",
        "echo ", "list", "\0", "\u009b", "a body of some length ", "\r\0", "\u00ff", "\u00fa", "\u00f0", "\u00fb", "\u00ef\u00bb\u00bf").Array[0, 40].Select(string.Concat);

    private static Gen<string> GenBody => Transcript.AnyOf(
        "\n", "\r\n", "\r", ".", "..", "\n.", "\r\n.", "\n.\n", "a", "some text", "\0", "\r\0", "\u00ff", "[Server] ").Array[0, 30].Select(string.Concat);

    private static string Run(string input, int[] cuts, int maxBody = SmallBody)
    {
        var transcript = new Transcript(maxBody) { IgnoreArrivals = true };
        int start = 0;
        foreach (int cut in cuts)
        {
            transcript.Arrive(input[start..cut]);
            start = cut;
        }
        return transcript.Arrive(input[start..]).HalfClose().Log;
    }

    // What a client does (RFC 5321 section 4.5.2). A body that ends in CR can only be closed with CR LF before the dot:
    // with LF alone that CR would be read as part of the line end.
    private static string Stuff(string body, bool crlf)
    {
        string stuffed = (body.StartsWith('.') ? "." : "") + body.Replace("\n.", "\n..", StringComparison.Ordinal);
        return stuffed + (crlf || body.EndsWith('\r') ? "\r\n.\r\n" : "\n.\n");
    }
}
