using System.Text;

namespace MessageDelivery.Hub.Protocols.Http;

/// <summary>
/// A request's line and headers, read strictly (RFC 9112): nothing folded, no bare CR or LF, no control bytes, names of token characters. Refers
/// to the bytes that came.
/// </summary>
internal readonly ref struct HttpHead
{
    /// <summary>The most bytes of a request's line and headers, with the empty line at their end.</summary>
    public const int MaxBytes = 16 << 10;

    private readonly ReadOnlySpan<byte> _headers;

    private HttpHead(ReadOnlySpan<byte> requestLine, ReadOnlySpan<byte> headers)
    {
        RequestLine = requestLine;
        _headers = headers;
    }

    /// <summary>Without its line end.</summary>
    public ReadOnlySpan<byte> RequestLine { get; }

    /// <summary>Where the first head ends, behind its empty line, whether its lines end in CRLF or, wrongly, in LF; -1 if it has not wholly come.</summary>
    /// <param name="seen">Bytes that were looked at before and are no end.</param>
    public static int FindEnd(ReadOnlySpan<byte> bytes, int seen)
    {
        // The end may lie across what was seen and what has come.
        int at = Math.Max(0, seen - 2);
        while (bytes[at..].IndexOf((byte)'\n') is var found and >= 0)
        {
            at += found + 1;
            var next = bytes[at..];
            if (next.StartsWith("\n"u8))
            {
                return at + 1;
            }

            if (next.StartsWith("\r\n"u8))
            {
                return at + 2;
            }
        }

        return -1;
    }

    /// <summary>Whether the first line has come, and is no request of HTTP/1.</summary>
    public static bool IsOther(ReadOnlySpan<byte> bytes)
    {
        int end = bytes.IndexOf((byte)'\n');
        var line = end < 0 ? default : bytes[..end].TrimEnd((byte)'\r');
        return end >= 0 && !line.EndsWith(" HTTP/1.1"u8) && !line.EndsWith(" HTTP/1.0"u8);
    }

    /// <summary>Reads a whole head. False, and why, if it is not as RFC 9112 wants it.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out HttpHead head, out string wrong)
    {
        head = default;
        wrong = "";
        int line = bytes.IndexOf("\r\n"u8);
        if (line < 0 || HasControl(bytes[..line]))
        {
            wrong = "the request line has control bytes, or does not end in CR LF";
            return false;
        }

        head = new(bytes[..line], bytes[(line + 2)..]);
        foreach (var header in head)
        {
            if (!header.IsValid)
            {
                wrong = "a header is folded, has no name, or has bytes that may not be in it";
                return false;
            }
        }

        return true;
    }

    public Enumerator GetEnumerator() => new(_headers);

    /// <summary>The only header of a name. False if there is none, or more than one.</summary>
    /// <param name="name">In lower case.</param>
    public bool TryGetOnly(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        value = default;
        int count = 0;
        foreach (var header in this)
        {
            if (Is(header.Name, name))
            {
                value = header.Value;
                count++;
            }
        }

        return count == 1;
    }

    public bool Has(ReadOnlySpan<byte> name)
    {
        foreach (var header in this)
        {
            if (Is(header.Name, name))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether one of the comma-separated values of a header is this.</summary>
    public bool Lists(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, bool isCaseSensitive = false)
    {
        foreach (var header in this)
        {
            if (!Is(header.Name, name))
            {
                continue;
            }

            var values = header.Value;
            foreach (var part in values.Split((byte)','))
            {
                var listed = values[part].Trim(" \t"u8);
                if (isCaseSensitive ? listed.SequenceEqual(value) : Is(listed, value))
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>The values of all headers of a name, in their order.</summary>
    public List<string> All(ReadOnlySpan<byte> name)
    {
        var all = new List<string>();
        foreach (var header in this)
        {
            if (Is(header.Name, name))
            {
                all.Add(Encoding.Latin1.GetString(header.Value));
            }
        }

        return all;
    }

    private static bool Is(ReadOnlySpan<byte> text, ReadOnlySpan<byte> lowerCase) => Ascii.EqualsIgnoreCase(text, lowerCase);

    private static bool HasControl(ReadOnlySpan<byte> bytes)
    {
        foreach (byte one in bytes)
        {
            if (one is < 0x20 and not (byte)'\t' or 0x7f)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>One header.</summary>
    public readonly ref struct Header
    {
        public Header(ReadOnlySpan<byte> line)
        {
            int colon = line.IndexOf((byte)':');
            Name = line[..Math.Max(colon, 0)];
            Value = line[(colon + 1)..].Trim(" \t"u8);
            IsValid = colon > 0 && IsToken(Name) && !HasControl(line);
        }

        public ReadOnlySpan<byte> Name { get; }

        public ReadOnlySpan<byte> Value { get; }

        public bool IsValid { get; }

        private static bool IsToken(ReadOnlySpan<byte> name)
        {
            foreach (byte one in name)
            {
                if (!char.IsAsciiLetterOrDigit((char)one) && !"!#$%&'*+-.^_`|~"u8.Contains(one))
                {
                    return false;
                }
            }

            return true;
        }
    }

    /// <summary>The headers, one behind the other.</summary>
    public ref struct Enumerator(ReadOnlySpan<byte> headers)
    {
        private ReadOnlySpan<byte> _rest = headers;
        private ReadOnlySpan<byte> _line;

        public readonly Header Current => new(_line);

        public bool MoveNext()
        {
            int end = _rest.IndexOf("\r\n"u8);
            _line = end < 0 ? _rest : _rest[..end];
            _rest = end < 0 ? default : _rest[(end + 2)..];
            // Behind the empty line there is no header.
            return !_line.IsEmpty;
        }
    }
}
