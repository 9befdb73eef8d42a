using System.Buffers;
using System.Text;
using CsCheck;
using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Protocol.Tests.Text;

public sealed class TextRendererTests
{
    [Theory]
    [InlineData("", "\n")]
    [InlineData("foo", "foo\n")]
    [InlineData("foo\n", "foo\n")]
    [InlineData("foo\r\n", "foo\r\n")]
    [InlineData("\n\n", "\n\n")]
    [InlineData("a\tb\\x1b", "a\tb\\x1b\n")]
    [InlineData("\u001b[2J\0\u007f\b\u001f", "\\x1b[2J\\x00\\x7f\\x08\\x1f\n")]
    [InlineData("a\rb\r\r\n\r", "a\\x0db\\x0d\r\n\\x0d\n")]
    [InlineData("\u00c2\u009b31m\u00c2\u0080\u00c2\u009f\u00c2\u00a0", "\\xc2\\x9b31m\\xc2\\x80\\xc2\\x9f\u00c2\u00a0\n")]
    [InlineData("\u009b31m\u0080\u009f", "\\x9b31m\\x80\\x9f\n")]
    [InlineData("\u00e9t\u00e9 \u00a0\u00ff\u00c2", "\u00e9t\u00e9 \u00a0\u00ff\u00c2\n")]
    [InlineData("\u00c0\u009b \u00e0\u0082\u009b \u00f0\u0080\u0080\u009b", "\u00c0\\x9b \u00e0\\x82\\x9b \u00f0\\x80\\x80\\x9b\n")]
    [InlineData("\u00e2\u0082", "\u00e2\\x82\n")]
    [InlineData("\u00e2\u0082\n", "\u00e2\\x82\n")]
    [InlineData("\u00ed\u00a0\u0080", "\u00ed\u00a0\\x80\n")]
    [InlineData("[Server] Your ID is 9", "\\[Server] Your ID is 9\n")]
    [InlineData("a\n[Server] b\r\n[Server] c\n", "a\n\\[Server] b\r\n\\[Server] c\n")]
    [InlineData("[Server] [Server] ", "\\[Server] [Server] \n")]
    [InlineData("[Server]", "[Server]\n")]
    [InlineData("[Server]\n[Server", "[Server]\n[Server\n")]
    [InlineData("[[Server] x", "[[Server] x\n")]
    [InlineData(" [Server] x", " [Server] x\n")]
    [InlineData("[server] x", "[server] x\n")]
    [InlineData("\\[Server] x", "\\[Server] x\n")]
    [InlineData("a\r[Server] x", "a\\x0d[Server] x\n")]
    [InlineData("[Serv\r\n[Server] x", "[Serv\r\n\\[Server] x\n")]
    [InlineData("[Server]\rx\n[Server]\r\n", "\\[Server]\\x0dx\n[Server]\r\n")]
    [InlineData("[Server]\tx\n[Server]\u00a0x\n[Ser\u00adver] x", "\\[Server]\tx\n\\[Server]\u00a0x\n\\[Ser\u00adver] x\n")]
    [InlineData("[\u00c2\u00adServer]\u00c2\u0085x", "\\[\u00c2\u00adServer]\\xc2\\x85x\n")]
    public void What_a_text_user_sees(string body, string expected)
    {
        byte[] bytes = Transcript.Bytes(body);
        MustLook(bytes, expected);
    }

    // What is seen of a line of the hub's, and what a person would take for one.
    [Theory]
    [InlineData("\u200b[Server] x", @"\xe2\x80\x8b\[Server] x")]
    [InlineData("\u202a\u202c[Server] x", @"\xe2\x80\xaa\xe2\x80\xac\[Server] x")]
    [InlineData("\U000e0001\U000e0fff[Server] x", @"\xf3\xa0\x80\x81\xf3\xa0\xbf\xbf\[Server] x")]
    [InlineData("[\u2062S\u3164e\ufe0fr\u200dv\u034fe\u202er\u180b]\u1160\u205fx", "\\[\u2062S\u3164e\ufe0fr\u200dv\u034fe\u202er\u180b]\u1160\u205fx")]
    [InlineData("[Server]\u2000x", "\\[Server]\u2000x")]
    [InlineData("[Server]\u2800x", "\\[Server]\u2800x")]
    [InlineData("[Server]\u2028x\u2028[Server]\u2029y", "\\[Server]\u2028x\\xe2\\x80\\xa8\\[Server]\u2029y")]
    [InlineData("\u2028\u2029\u200b[Server] x", @"\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\x8b\[Server] x")]
    [InlineData("a\u2028", "a\u2028")]
    [InlineData("\u200f\u2067שלום\u2069 [Server] x", "\u200f\u2067שלום\u2069 [Server] x")]
    [InlineData("\u202d[Serv", @"\xe2\x80\xad[Serv")]
    [InlineData("a\u202eb", "a\u202eb")]
    [InlineData("\u00a0[Server] x", "\u00a0[Server] x")]
    [InlineData("👩\u200d👩\u200d👧 ☎\ufe0f\n🏴\U000e0067\U000e007f", "👩\u200d👩\u200d👧 ☎\ufe0f\n🏴\U000e0067\U000e007f")]
    public void Who_looks_like_the_hub_is_marked(string body, string expected) =>
        MustLook(Encoding.UTF8.GetBytes(body), Transcript.Text(Encoding.UTF8.GetBytes(expected)) + "\n");

    [Theory]
    [InlineData(10)]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(1_000)]
    public void However_much_is_invisible_it_hides_nothing(int count)
    {
        string invisible = new('\u200b', count);
        string shown = string.Concat(Enumerable.Repeat(@"\xe2\x80\x8b", count));
        string raw = Transcript.Text(Encoding.UTF8.GetBytes(invisible));
        MustLook(Encoding.UTF8.GetBytes(invisible + "[Server] x"), shown + "\\[Server] x\n");
        MustLook(Encoding.UTF8.GetBytes($"[{invisible}Server] x"), $"\\[{raw}Server] x\n");
        MustLook(Encoding.UTF8.GetBytes($"x{invisible}[Server] x"), $"x{raw}[Server] x\n");
    }

    // The framework's own table, against the one of the renderer: all characters of format are invisible but those that enclose numbers.
    [Fact]
    public void No_character_of_format_hides_who_looks_like_the_hub()
    {
        var format = Enumerable.Range(0, 0x110000).Where(Rune.IsValid).Select(value => new Rune(value))
            .Where(rune => Rune.GetUnicodeCategory(rune) == System.Globalization.UnicodeCategory.Format)
            .Where(rune => rune.Value is not ((>= 0x600 and <= 0x605) or 0x6DD or 0x70F or 0x890 or 0x891 or 0x8E2 or 0x110BD or 0x110CD))
            .ToList();
        Assert.True(format.Count > 150);
        Assert.All(format, rune => Assert.StartsWith("\\x", Whole(Encoding.UTF8.GetBytes($"{rune}[Server] x")), StringComparison.Ordinal));
        Assert.All(format, rune => Assert.StartsWith("\\[", Whole(Encoding.UTF8.GetBytes($"[Ser{rune}ver] x")), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("grüße, 你好 \\x", "grüße, 你好 \\x")]
    [InlineData("a\u200bb\u00a0c\ufeff\u3164", @"a\xe2\x80\x8bb\xc2\xa0c\xef\xbb\xbf\xe3\x85\xa4")]
    [InlineData("\u001b[2J\r\n\u0085\u2028", @"\x1b[2J\x0d\x0a\xc2\x85\xe2\x80\xa8")]
    [InlineData("plain", "plain")]
    public void What_is_revealed_hides_nothing(string text, string expected) => Assert.Equal(expected, TextRenderer.Reveal(text));

    private static void MustLook(byte[] bytes, string expected)
    {
        Assert.Equal(expected, Reference(bytes));
        Assert.Equal(expected, Whole(bytes));
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            Assert.Equal(expected, Pieces(bytes, [cut], TextRenderer.MaxFinishBytes + 4));
        }
        Assert.Equal(expected, Pieces(bytes, [.. Enumerable.Range(0, bytes.Length)], TextRenderer.MaxFinishBytes));
    }

    [Fact]
    public void Characters_of_utf8_stay()
    {
        byte[] bytes = Encoding.UTF8.GetBytes("Grüße, Привет, \u00db\u045b \u4f60\u597d, \u20ac, \U0001F600 \u00a0\u2028\n");
        Assert.Equal(Transcript.Text(bytes), Pieces(bytes, [.. Enumerable.Range(0, bytes.Length)], TextRenderer.MaxFinishBytes));
    }

    [Fact]
    public void Any_body_looks_the_same_at_any_cuts_and_holds_no_control_bytes() =>
        Gen.Select(GenBody, Gen.Int[0, 200].Array[0, 8], Gen.Int[TextRenderer.MaxFinishBytes, TextRenderer.MaxFinishBytes + 24]).Sample((body, cuts, room) =>
        {
            string whole = Whole(body);
            int[] sorted = [.. cuts.Where(cut => cut <= body.Length).Order()];
            return IsHarmless(Transcript.Bytes(whole))
                && whole == Pieces(body, sorted, room)
                && whole.Length <= (TextRenderer.MaxExpansion * body.Length) + 1
                && whole == Reference(body);
        });

    [Fact]
    public void Random_bytes_hold_no_control_bytes() =>
        Gen.Byte.Array[0, 200].Sample(body => IsHarmless(Transcript.Bytes(Whole(body))) && Whole(body) == Reference(body));

    [Fact]
    public void One_value_renders_one_body_after_another()
    {
        var renderer = default(TextRenderer);
        byte[] output = new byte[2 * TextRenderer.MaxFinishBytes];
        foreach (string body in new[] { "[Serv", "[Server] x", "\r", "\u00e2", "" })
        {
            renderer.Render(Transcript.Bytes(body), output, out int consumed, out int written);
            Assert.Equal(body.Length, consumed);
            renderer.Finish(output.AsSpan(written), out int rest);
            Assert.Equal(Whole(Transcript.Bytes(body)), Transcript.Text(output.AsSpan(0, written + rest)));
        }
    }

    [Fact]
    public void Too_little_room_is_refused()
    {
        Assert.Throws<ArgumentException>(() => default(TextRenderer).Finish(new byte[TextRenderer.MaxFinishBytes - 1], out _));
        Assert.Throws<ArgumentException>(() => TextRenderer.RenderLine("ab"u8, new byte[TextRenderer.MaxRenderedBytes(2) - 1]));
        Assert.Throws<ArgumentNullException>(() => TextRenderer.RenderLine("ab"u8, (IBufferWriter<byte>)null!));
    }

    [Fact]
    public void Rendering_allocates_nothing()
    {
        byte[] body = Encoding.UTF8.GetBytes("plain\r\n[Server] \u001b \u00db \u009b\rx [Serv");
        byte[] output = new byte[TextRenderer.MaxRenderedBytes(body.Length)];
        TextRenderer.RenderLine(body, output);

        Assert.Equal(0, Allocations.MinOf(() =>
        {
            for (int i = 0; i < 100; i++)
            {
                TextRenderer.RenderLine(body, output);
            }
        }));
    }

    private static Gen<byte[]> GenBody => Transcript.AnyOf(
        "\n", "\r\n", "\r", "[Server] ", "[Serv", "er] ", "\n[Server] x", "\u001b", "\t", "plain text", "\u00c2", "\u009b", "\u00e2\u0082",
        "\u00ac", "\u00f0\u009f\u0098\u0080", "\u00db", "\u007f", "\0", "\u00c3\u009b", "\u00e2\u0080\u008b", "\u00e2\u0080\u00a8", "\u00e2\u0080\u00ae",
        "\u00c2\u00a0", "\u00c2\u00ad", "\u00ad", "\u00a0", "[", "[Ser", "ver]", "\v", "\u00f3\u00a0\u0080\u00a0").Array[0, 20]
        .Select(parts => Transcript.Bytes(string.Concat(parts)));

    private static string Whole(byte[] body)
    {
        var output = new ArrayBufferWriter<byte>();
        TextRenderer.RenderLine(body, output);
        return Transcript.Text(output.WrittenSpan);
    }

    private static string Pieces(byte[] body, int[] cuts, int room)
    {
        var renderer = default(TextRenderer);
        var all = new StringBuilder();
        byte[] output = new byte[room];
        int start = 0;
        foreach (int cut in cuts.Append(body.Length))
        {
            while (start < cut)
            {
                renderer.Render(body.AsSpan(start, cut - start), output, out int consumed, out int written);
                Assert.True(consumed > 0 || written > 0, "no progress");
                all.Append(Transcript.Text(output.AsSpan(0, written)));
                start += consumed;
            }
        }
        renderer.Finish(output, out int rest);
        return all.Append(Transcript.Text(output.AsSpan(0, rest))).ToString();
    }

    // The same rules once more, written for reading instead of streaming.
    private static string Reference(byte[] body)
    {
        var characters = Characters(body);
        var shown = new StringBuilder();
        for (int i = 0; i < characters.Count;)
        {
            bool wasShown = false;
            // As long as nothing but what cannot be seen fills what is judged, it is shown, and the line still begins.
            while (Begins(characters, i, out int front) is var begins)
            {
                bool isShown = wasShown || begins is 'f' or 't' or 'm';
                for (; front > 0; front--, i++)
                {
                    shown.Append(isShown ? characters[i].Escaped : characters[i].Plain);
                }
                shown.Append(begins == 'm' ? "\\" : "");
                wasShown = true;
                if (begins != 'f')
                {
                    break;
                }
            }
            while (i < characters.Count && !characters[i].IsSeparator)
            {
                shown.Append(characters[i].IsControl ? characters[i].Escaped : characters[i].Plain);
                if (characters[i++].Plain.EndsWith('\n'))
                {
                    break;
                }
            }
        }
        return shown.Append(body is [.., (byte)'\n'] ? "" : "\n").ToString();
    }

    // How a line begins: (o)rdinary, with a (f)ront that fills what is judged, with one that (t)urns text round, or like the hub's, to be (m)arked.
    private static char Begins(List<Character> characters, int start, out int front)
    {
        int bytes = 0;
        string seen = "";
        bool turns = false;
        front = 0;
        for (int i = start; i < characters.Count; i++)
        {
            if (bytes >= 32)
            {
                return seen.Length > 0 ? 'm' : 'f';
            }
            var character = characters[i];
            bytes += character.Plain.Length;
            if (character.IsInvisible || (seen.Length == 0 && character.IsSeparator))
            {
                front += seen.Length == 0 ? 1 : 0;
                turns |= seen.Length == 0 && character.Plain is "\u00e2\u0080\u00ad" or "\u00e2\u0080\u00ae";
                continue;
            }
            seen += character.IsSpace ? " " : character.Plain;
            if (seen == "[Server] ")
            {
                return 'm';
            }
            if (!"[Server] ".StartsWith(seen, StringComparison.Ordinal))
            {
                break;
            }
        }
        return turns ? 't' : 'o';
    }

    private sealed record Character(string Plain, Rune Value, bool IsControl)
    {
        // DerivedCoreProperties.txt: Default_Ignorable_Code_Point; and other controls of format without a look of their own.
        private const string Ignorable =
            "00AD 034F 061C 115F-1160 17B4-17B5 180B-180F 200B-200F 202A-202E 2060-206F 3164 FE00-FE0F FEFF FFA0 FFF0-FFFB 13430-1343F 1BCA0-1BCA3 1D159 1D173-1D17A E0000-E0FFF";

        private static readonly HashSet<int> Invisible = [.. Ignorable.Split(' ').Select(range => range.Split('-').Select(hex => Convert.ToInt32(hex, 16)).ToArray())
            .SelectMany(range => Enumerable.Range(range[0], range[^1] - range[0] + 1))];

        public string Escaped => string.Concat(Plain.Select(b => $"\\x{(int)b:x2}"));

        public bool IsSeparator => Value.Value is 0x2028 or 0x2029;

        public bool IsInvisible => Invisible.Contains(Value.Value);

        public bool IsSpace => (Rune.IsWhiteSpace(Value) || Value.Value == 0x2800) && !Plain.EndsWith('\n');
    }

    private static List<Character> Characters(byte[] body)
    {
        var characters = new List<Character>();
        for (int i = 0; i < body.Length;)
        {
            ReadOnlySpan<byte> rest = body.AsSpan(i);
            bool isLineEnd = rest.StartsWith("\r\n"u8) || rest[0] == '\n';
            bool valid = Rune.DecodeFromUtf8(rest, out Rune rune, out int length) == OperationStatus.Done;
            length = isLineEnd ? (rest[0] == '\n' ? 1 : 2) : valid ? length : 1;
            var value = valid ? rune : new Rune((int)rest[0]);
            characters.Add(new(Transcript.Text(rest[..length]), value, Rune.IsControl(value) && !isLineEnd && rest[0] != '\t'));
            i += length;
        }
        return characters;
    }

    private static bool IsHarmless(ReadOnlySpan<byte> output)
    {
        while (!output.IsEmpty)
        {
            bool valid = Rune.DecodeFromUtf8(output, out Rune rune, out int length) == OperationStatus.Done;
            bool control = valid
                ? Rune.IsControl(rune) && rune.Value is not ('\t' or '\n') && !output.StartsWith("\r\n"u8)
                : output[0] is >= 0x80 and < 0xa0;
            if (control)
            {
                return false;
            }
            output = output[(valid ? length : 1)..];
        }
        return true;
    }
}
