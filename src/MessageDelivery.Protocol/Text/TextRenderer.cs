using System.Buffers;
using System.Text;

namespace MessageDelivery.Protocol.Text;

/// <summary>
/// What a text user sees of a body, in pieces: control bytes as <c>\xNN</c> in lower-case hex, a line that looks like one of
/// the hub's with <c>\</c> in front, and a line feed at the end if the body has no line end there.
/// </summary>
/// <remarks>
/// Control bytes are 00 to 1F except tab, LF and the CR of a CR LF; 7F; the C1 controls C2 80 to C2 9F of UTF-8, both
/// bytes; and bytes 80 to 9F outside valid UTF-8 (RFC 3629), which terminals with 8-bit controls obey and lax decoders take for
/// over-long forms of ESC. Every valid UTF-8 character above U+009F stays as it is, and so do
/// bytes A0 to FF outside valid UTF-8, the printable ones of the ISO 8859 sets. A backslash stays itself.
/// <para>A line begins at the start of the body, after each LF, and at each U+2028 and U+2029. It looks like the hub's if it
/// begins with <c>[Server] </c>, ignoring invisible characters (Default_Ignorable_Code_Point and the like) and taking every kind of
/// space for one. The invisible prefix of such a line is escaped as <c>\xNN</c>; so is one that has a direction override (U+202D,
/// U+202E) or more than 32 bytes, whatever follows. Letters that look alike (homoglyphs) are not detected.</para>
/// <para>One value renders one body after another: <see cref="Render"/> as often as needed, then <see cref="Finish"/>.
/// A default value is ready for use. It is a mutable struct: keep it in a field and do not copy it.</para>
/// </remarks>
public struct TextRenderer
{
    /// <summary>One byte of a body becomes at most this many.</summary>
    public const int MaxExpansion = 4;

    /// <summary>The room that <see cref="Finish"/> needs; less than this may also stop <see cref="Render"/>.</summary>
    public const int MaxFinishBytes = 160;

    private const int MaxHeldBytes = SpoofDetector.MaxPendingBytes;

    private static readonly SearchValues<byte> PlainBytes =
        SearchValues.Create("\t !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"u8);

    private HeldBytes _held;
    private int _heldCount;
    private Place _place;

    private enum Place : byte
    {
        BodyStart,
        LineStart,
        // Behind an invisible prefix that was escaped.
        LinePrefix,
        MidLine,
    }

    private enum Stop
    {
        InputUsed,
        OutputFull,
    }

    /// <summary>The most bytes that a rendered body of this many bytes can have.</summary>
    public static int MaxRenderedBytes(int bodyBytes) => checked((bodyBytes * MaxExpansion) + MaxFinishBytes);

    /// <summary>
    /// Renders the next piece of a body. Pieces may be cut anywhere. It stops when the input is used up or the output
    /// has no room for the next character; with at least <see cref="MaxFinishBytes"/> of room it always makes progress.
    /// A few bytes that need more input are kept inside and count as consumed.
    /// </summary>
    public void Render(ReadOnlySpan<byte> input, Span<byte> output, out int consumed, out int written)
    {
        consumed = written = 0;
        while (_heldCount > 0 && consumed < input.Length)
        {
            if (!RenderHeld(input, output, ref consumed, ref written))
            {
                return;
            }
        }
        Stop stop = RenderDecided(input[consumed..], output[written..], final: false, out int used, out int made);
        consumed += used;
        written += made;
        if (stop == Stop.InputUsed && consumed < input.Length)
        {
            Hold(input[consumed..]);
            consumed = input.Length;
        }
    }

    /// <summary>Ends the body: what was kept is written, then a line feed if the body, also an empty one, did not end in one.</summary>
    /// <exception cref="ArgumentException">The output has less room than <see cref="MaxFinishBytes"/>.</exception>
    public void Finish(Span<byte> output, out int written)
    {
        if (output.Length < MaxFinishBytes)
        {
            throw new ArgumentException($"Finish needs room for {MaxFinishBytes} bytes.", nameof(output));
        }
        ReadOnlySpan<byte> held = _held;
        RenderDecided(held[.._heldCount], output, final: true, out _, out written);
        if (_place != Place.LineStart)
        {
            output[written++] = (byte)'\n';
        }
        this = default;
    }

    /// <summary>Renders a whole text with its line end, such as the answer to <c>echo</c>. Returns the bytes written.</summary>
    /// <exception cref="ArgumentException">The output has less room than <see cref="MaxRenderedBytes"/> of the text.</exception>
    public static int RenderLine(ReadOnlySpan<byte> text, Span<byte> output)
    {
        if (output.Length < MaxRenderedBytes(text.Length))
        {
            throw new ArgumentException($"{text.Length} bytes need room for {MaxRenderedBytes(text.Length)}.", nameof(output));
        }
        var renderer = default(TextRenderer);
        renderer.Render(text, output, out _, out int written);
        renderer.Finish(output[written..], out int rest);
        return written + rest;
    }

    /// <summary>Renders a whole text with its line end, such as the answer to <c>echo</c>.</summary>
    public static void RenderLine(ReadOnlySpan<byte> text, IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        output.Advance(RenderLine(text, output.GetSpan(MaxRenderedBytes(text.Length))));
    }

    /// <summary>
    /// Untrusted text, such as a peer's, as part of one line in which nothing is hidden: what
    /// <see cref="RenderLine(ReadOnlySpan{byte}, Span{byte})"/> shows as bytes, line ends, and everything else that cannot be seen or is
    /// another space than U+0020 as <c>\xNN</c>.
    /// </summary>
    public static string Reveal(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (!text.AsSpan().ContainsAnyExceptInRange(' ', '~'))
        {
            return text;
        }
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        byte[] shown = new byte[bytes.Length * MaxExpansion];
        return Encoding.UTF8.GetString(shown, 0, Quote(bytes, shown));
    }

    /// <summary>Renders part of one line for use inside another, nothing hidden; the output has four times its room.</summary>
    internal static int Quote(ReadOnlySpan<byte> part, Span<byte> output)
    {
        int written = 0;
        while (!part.IsEmpty)
        {
            CharacterClass kind = CharacterClassifier.Classify(part, final: true, out int used);
            bool isUtf8 = part[0] < 0x80 || used > 1;
            bool shown = kind == CharacterClass.Visible ? isUtf8 : kind == CharacterClass.Space && part[0] is (byte)' ' or (byte)'\t';
            written += shown ? Copy(part[..used], output[written..]) : Escape(part[..used], output[written..]);
            part = part[used..];
        }
        return written;
    }

    // Renders kept bytes together with what follows them. False if more input or more room is needed.
    private bool RenderHeld(ReadOnlySpan<byte> input, Span<byte> output, ref int consumed, ref int written)
    {
        Span<byte> window = stackalloc byte[2 * MaxHeldBytes];
        ReadOnlySpan<byte> held = _held;
        held[.._heldCount].CopyTo(window);
        int added = Math.Min(window.Length - _heldCount, input.Length - consumed);
        input.Slice(consumed, added).CopyTo(window[_heldCount..]);
        window = window[..(_heldCount + added)];

        Stop stop = RenderDecided(window, output[written..], final: false, out int used, out int made);
        written += made;
        if (used >= _heldCount)
        {
            consumed += used - _heldCount;
            _heldCount = 0;
            return stop == Stop.InputUsed;
        }
        if (stop == Stop.OutputFull)
        {
            Hold(window[used.._heldCount]);
            return false;
        }
        // All of the window needs more input, so all of the input was in it.
        Hold(window[used..]);
        consumed += added;
        return false;
    }

    private void Hold(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_held);
        _heldCount = bytes.Length;
    }

    // With InputUsed, at most MaxHeldBytes are left, which depend on what follows; none if final.
    private Stop RenderDecided(ReadOnlySpan<byte> input, Span<byte> output, bool final, out int consumed, out int written)
    {
        consumed = written = 0;
        while (consumed < input.Length)
        {
            ReadOnlySpan<byte> rest = input[consumed..];
            Span<byte> room = output[written..];
            int used, made;
            if (_place != Place.MidLine && !IsOrdinary(rest[0]))
            {
                if (!TryBeginLine(rest, room, final, out used, out made))
                {
                    return Stop.InputUsed;
                }
                if (_place != Place.MidLine && used == 0)
                {
                    return Stop.OutputFull;
                }
            }
            else
            {
                int plain = rest.IndexOfAnyExcept(PlainBytes);
                plain = plain < 0 ? rest.Length : plain;
                if (plain > 0)
                {
                    used = made = Math.Min(plain, room.Length);
                    rest[..used].CopyTo(room);
                    _place = used > 0 ? Place.MidLine : _place;
                }
                else if (rest is [0xE2, 0x80, 0xA8 or 0xA9, ..])
                {
                    _place = Place.LineStart;
                    continue;
                }
                else if (!TryRenderSpecial(rest, room, final, out used, out made))
                {
                    return Stop.InputUsed;
                }
                if (used == 0)
                {
                    return Stop.OutputFull;
                }
            }
            consumed += used;
            written += made;
        }
        return Stop.InputUsed;
    }

    // A first character that cannot begin a spoofed line.
    private static bool IsOrdinary(byte first) => first is > (byte)' ' and < 0x7F and not (byte)'[';

    // The beginning of a line. False if more input is needed; true with nothing used if there is no room.
    private bool TryBeginLine(ReadOnlySpan<byte> input, Span<byte> output, bool final, out int used, out int made)
    {
        used = made = 0;
        SpoofCheck check = SpoofDetector.Check(input, final, out int prefix);
        if (check == SpoofCheck.NeedMoreData)
        {
            return false;
        }
        bool isMarked = check == SpoofCheck.Spoofed;
        bool isEscaped = check != SpoofCheck.Ordinary || _place == Place.LinePrefix;
        if ((isEscaped ? prefix * MaxExpansion : prefix) + (isMarked ? 1 : 0) > output.Length)
        {
            return true;
        }
        used = prefix;
        made = isEscaped ? Escape(input[..prefix], output) : Copy(input[..prefix], output);
        made += isMarked ? Copy("\\"u8, output[made..]) : 0;
        _place = check == SpoofCheck.EscapePrefix ? Place.LinePrefix : Place.MidLine;
        return true;
    }

    // One character that is not plain ASCII. False if more input is needed; used is 0 if there is no room.
    private bool TryRenderSpecial(ReadOnlySpan<byte> input, Span<byte> output, bool final, out int used, out int made)
    {
        bool isPlain = false;
        used = 1;
        made = 0;
        if (input[0] == '\n')
        {
            isPlain = true;
        }
        else if (input[0] == '\r')
        {
            if (input.Length == 1 && !final)
            {
                return false;
            }
            isPlain = input.Length > 1 && input[1] == '\n';
            used = isPlain ? 2 : 1;
        }
        else if (input[0] >= 0x80)
        {
            OperationStatus status = Rune.DecodeFromUtf8(input, out Rune rune, out int length);
            if (status == OperationStatus.NeedMoreData && !final)
            {
                return false;
            }
            bool valid = status == OperationStatus.Done;
            used = valid ? length : 1;
            isPlain = valid ? rune.Value >= 0xA0 : input[0] >= 0xA0;
        }

        made = isPlain ? used : used * MaxExpansion;
        if (made > output.Length)
        {
            used = made = 0;
            return true;
        }
        _place = isPlain && input[used - 1] == '\n' ? Place.LineStart : Place.MidLine;
        _ = isPlain ? Copy(input[..used], output) : Escape(input[..used], output);
        return true;
    }

    private static int Copy(ReadOnlySpan<byte> bytes, Span<byte> output)
    {
        bytes.CopyTo(output);
        return bytes.Length;
    }

    private static int Escape(ReadOnlySpan<byte> bytes, Span<byte> output)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            Span<byte> escape = output[(i * MaxExpansion)..];
            escape[0] = (byte)'\\';
            escape[1] = (byte)'x';
            escape[2] = "0123456789abcdef"u8[bytes[i] >> 4];
            escape[3] = "0123456789abcdef"u8[bytes[i] & 15];
        }
        return bytes.Length * MaxExpansion;
    }

    [System.Runtime.CompilerServices.InlineArray(MaxHeldBytes)]
    private struct HeldBytes
    {
        private byte _first;
    }
}
