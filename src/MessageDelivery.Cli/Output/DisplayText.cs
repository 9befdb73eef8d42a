using System.Buffers;
using System.Globalization;
using System.Text;
using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Cli.Output;

/// <summary>Bodies as a terminal may show them: control bytes as <c>\xNN</c>, the same as text users see them.</summary>
internal static class DisplayText
{
    // The last two are line ends to some programs, which may read what is printed here.
    private static readonly char[] LineEnds = ['\n', '\u2028', '\u2029'];

    /// <summary>The body as UTF-8, with a line end at its end.</summary>
    public static ReadOnlyMemory<byte> OfBody(ReadOnlySpan<byte> body)
    {
        var rendered = new ArrayBufferWriter<byte>(TextRenderer.MaxRenderedBytes(body.Length));
        TextRenderer.RenderLine(body, rendered);
        return rendered.WrittenMemory;
    }

    /// <summary>
    /// The body's lines with the sender before each: <c>7: first</c>, then <c>7| second</c>, so that no body can look like
    /// somebody else's.
    /// </summary>
    public static string OfDelivery(ulong sender, ReadOnlySpan<byte> body)
    {
        string text = Encoding.UTF8.GetString(OfBody(body).Span[..^1]);
        string[] lines = text.TrimEnd('\r').Split(LineEnds);
        string name = sender.ToString(CultureInfo.InvariantCulture);
        var shown = new StringBuilder(text.Length + (lines.Length * (name.Length + 3)));
        for (int i = 0; i < lines.Length; i++)
        {
            shown.Append(name).Append(i == 0 ? ": " : "| ").Append(lines[i].TrimEnd('\r')).Append('\n');
        }

        return shown.ToString();
    }
}
