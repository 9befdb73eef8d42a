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
    public void What_a_text_user_sees(string body, string expected)
    {
        byte[] bytes = Transcript.Bytes(body);
        Assert.Equal(expected, Whole(bytes));
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            Assert.Equal(expected, Pieces(bytes, [cut], 64));
        }
        Assert.Equal(expected, Pieces(bytes, [.. Enumerable.Range(0, bytes.Length)], TextRenderer.MaxFinishBytes));
    }

    [Fact]
    public void Characters_of_utf8_stay()
    {
        byte[] bytes = Encoding.UTF8.GetBytes("Grüße, Привет, \u00db\u045b \u4f60\u597d, \u20ac, \U0001F600 \u00a0\u2028\n");
        Assert.Equal(Transcript.Text(bytes), Pieces(bytes, [.. Enumerable.Range(0, bytes.Length)], 16));
    }

    [Fact]
    public void Any_body_looks_the_same_at_any_cuts_and_holds_no_control_bytes() =>
        Gen.Select(GenBody, Gen.Int[0, 200].Array[0, 8], Gen.Int[TextRenderer.MaxFinishBytes, 40]).Sample((body, cuts, room) =>
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
        byte[] output = new byte[64];
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

        Assert.Equal(0, Allocations.LeastOf(() =>
        {
            for (int i = 0; i < 100; i++)
            {
                TextRenderer.RenderLine(body, output);
            }
        }));
    }

    private static Gen<byte[]> GenBody => Transcript.AnyOf(
        "\n", "\r\n", "\r", "[Server] ", "[Serv", "er] ", "\n[Server] x", "\u001b", "\t", "plain text", "\u00c2", "\u009b", "\u00e2\u0082",
        "\u00ac", "\u00f0\u009f\u0098\u0080", "\u00db", "\u007f", "\0", "\u00c3\u009b").Array[0, 20]
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
        var shown = new StringBuilder();
        bool lineStart = true;
        for (int i = 0; i < body.Length;)
        {
            ReadOnlySpan<byte> rest = body.AsSpan(i);
            bool valid = Rune.DecodeFromUtf8(rest, out Rune rune, out int length) == OperationStatus.Done;
            length = valid ? length : 1;
            bool plain = rest.StartsWith("\r\n"u8) || rest[0] is (byte)'\t' or (byte)'\n'
                || (valid ? rune.Value is (>= 0x20 and < 0x7f) or >= 0xa0 : rest[0] >= 0xa0);
            shown.Append(lineStart && rest.StartsWith("[Server] "u8) ? "\\" : "");
            foreach (byte value in rest[..length])
            {
                shown.Append(plain ? ((char)value).ToString() : $"\\x{value:x2}");
            }
            lineStart = rest[0] == '\n';
            i += length;
        }
        return shown.Append(body is [.., (byte)'\n'] ? "" : "\n").ToString();
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
