using System.Buffers.Text;

namespace MessageDelivery.Protocol.Text;

/// <summary>Builds the text of one error at a time, in a buffer that is allocated for the first.</summary>
internal sealed class ErrorText
{
    /// <summary>Quoted input is cut to this length.</summary>
    public const int MaxQuotedBytes = 64;

    // Two quotations, with four bytes for one at most, and the words around them.
    private const int Capacity = (2 * TextRenderer.MaxExpansion * MaxQuotedBytes) + 256;

    private byte[]? _bytes;
    private int _length;

    public ProtocolCode Code { get; private set; }

    public ReadOnlySpan<byte> Text => _bytes.AsSpan(0, _length);

    public ErrorText Begin(ProtocolCode code)
    {
        _bytes ??= new byte[Capacity];
        _length = 0;
        Code = code;
        return this;
    }

    public ErrorText Add(ReadOnlySpan<byte> text)
    {
        text.CopyTo(_bytes.AsSpan(_length));
        _length += text.Length;
        return this;
    }

    public ErrorText Add(ulong number)
    {
        _ = Utf8Formatter.TryFormat(number, _bytes.AsSpan(_length), out int written);
        _length += written;
        return this;
    }

    /// <summary>Adds input in quotation marks, shown as <see cref="TextRenderer"/> shows it, shortened if it is long.</summary>
    public ErrorText Quote(ReadOnlySpan<byte> input)
    {
        ReadOnlySpan<byte> shown = Shorten(input);
        Add("\""u8);
        _length += TextRenderer.Quote(shown, _bytes.AsSpan(_length));
        Add("\""u8);
        return shown.Length < input.Length ? Add(" ..."u8) : this;
    }

    private static ReadOnlySpan<byte> Shorten(ReadOnlySpan<byte> input)
    {
        if (input.Length <= MaxQuotedBytes)
        {
            return input;
        }
        // Does not cut a character of UTF-8; a longer run of continuation bytes is not UTF-8.
        int end = MaxQuotedBytes;
        while (end > MaxQuotedBytes - 4 && (input[end] & 0xC0) == 0x80)
        {
            end--;
        }
        return input[..((input[end] & 0xC0) == 0x80 ? MaxQuotedBytes : end)];
    }
}
