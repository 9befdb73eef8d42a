namespace MessageDelivery.Protocol.Text;

/// <summary>What <see cref="BodyScanner"/> found next.</summary>
internal enum BodyPart
{
    NeedMoreData,
    Text,
    End,
}

/// <summary>
/// Finds the end of a body of several lines and removes stuffed dots (RFC 5321 section 4.5.2), without copying:
/// what may still be the line end before the end mark is left in the input, at most
/// <c>CR LF . CR</c>.
/// </summary>
internal struct BodyScanner
{
    // At the start a dot begins a line without a line end before it.
    private bool _pastStart;

    /// <summary>
    /// Finds the next part of the input. <paramref name="textStart"/> and <paramref name="textLength"/> are set for
    /// <see cref="BodyPart.Text"/>, which is never empty. With <paramref name="final"/> nothing follows the input: one
    /// line end at its end is not part of the body, and a dot alone on the last line is the end mark.
    /// </summary>
    public BodyPart Next(ReadOnlySpan<byte> input, bool final, out int textStart, out int textLength, out int consumed)
    {
        textStart = textLength = consumed = 0;
        if (!_pastStart)
        {
            if (input.IsEmpty)
            {
                return final ? BodyPart.End : BodyPart.NeedMoreData;
            }
            int mark = EndMark(input, final);
            if (mark != 0)
            {
                consumed = Math.Max(mark, 0);
                return mark > 0 ? BodyPart.End : BodyPart.NeedMoreData;
            }
            _pastStart = true;
            textStart = consumed = input[0] == '.' ? 1 : 0;
        }
        return NextWithin(input[textStart..], final, ref textLength, ref consumed);
    }

    private static BodyPart NextWithin(ReadOnlySpan<byte> input, bool final, ref int textLength, ref int consumed)
    {
        int feed = input.IndexOf("\n."u8);
        if (feed < 0)
        {
            int held = input.EndsWith("\r\n"u8) ? 2
                : input.EndsWith("\n"u8) || (!final && input.EndsWith("\r"u8)) ? 1 : 0;
            textLength = input.Length - held;
            if (textLength > 0)
            {
                consumed += textLength;
                return BodyPart.Text;
            }
            if (!final)
            {
                return BodyPart.NeedMoreData;
            }
            consumed += held;
            return BodyPart.End;
        }

        int mark = EndMark(input[(feed + 1)..], final);
        if (mark == 0)
        {
            textLength = feed + 1;
            consumed += feed + 2;
            return BodyPart.Text;
        }
        textLength = feed > 0 && input[feed - 1] == '\r' ? feed - 1 : feed;
        if (textLength > 0)
        {
            consumed += textLength;
            return BodyPart.Text;
        }
        if (mark < 0)
        {
            return BodyPart.NeedMoreData;
        }
        consumed += feed + 1 + mark;
        return BodyPart.End;
    }

    /// <summary>The length of the end mark that the input, at a line's beginning, begins with; 0 if there is none; -1 if more input is needed.</summary>
    private static int EndMark(ReadOnlySpan<byte> input, bool final) => input switch
    {
        [(byte)'.'] => final ? 1 : -1,
        [(byte)'.', (byte)'\n', ..] => 2,
        [(byte)'.', (byte)'\r'] => final ? 0 : -1,
        [(byte)'.', (byte)'\r', (byte)'\n', ..] => 3,
        _ => 0,
    };
}
