namespace MessageDelivery.Protocol.Text;

/// <summary>Reads the body of one relay at a time: one that ends with its line, or lines up to an end mark.</summary>
internal struct BodyReader(int maxBytes)
{
    private BodyScanner _scanner;
    private int _bytes;

    // The rest of a relay of one line: its body and its line end, both known to be in the input.
    private int _lineBodyBytes;
    private int _lineEndBytes;
    private bool _isWithinLine;
    private bool _mayEndByPause;

    /// <summary>The most bytes a body may have.</summary>
    public readonly int MaxBytes => maxBytes;

    public bool IsOpen { get; private set; }

    /// <summary>Whether the open body is discarded.</summary>
    public bool IsDiscarding { get; private set; }

    /// <summary>Whether a pause ends the open body.</summary>
    public readonly bool MayEndByPause => IsOpen && _mayEndByPause;

    /// <summary>Whether the last body was ended by a pause, without an end mark.</summary>
    public bool EndedByPause { get; private set; }

    /// <summary>Begins a body of lines.</summary>
    public void Open(bool discard, bool mayEndByPause)
    {
        _scanner = default;
        (_bytes, _isWithinLine, _mayEndByPause) = (0, false, mayEndByPause);
        (IsOpen, IsDiscarding, EndedByPause) = (true, discard, false);
    }

    /// <summary>Begins a body that is the rest of its line; false if it is too long.</summary>
    public bool TryOpenLine(int bodyBytes, int endBytes)
    {
        if (bodyBytes > maxBytes)
        {
            return false;
        }
        (_lineBodyBytes, _lineEndBytes, _isWithinLine, _mayEndByPause) = (bodyBytes, endBytes, true, false);
        (IsOpen, IsDiscarding, EndedByPause) = (true, false, false);
        return true;
    }

    /// <summary>Reads the next piece; null if there is no event and more is to be read.</summary>
    /// <param name="input">All that has come.</param>
    /// <param name="end">How the input ends.</param>
    /// <param name="position">Where to read.</param>
    /// <param name="piece">At <see cref="TextEvent.Body"/>: a piece of the body in the input, never empty.</param>
    /// <returns><see cref="TextEvent.Error"/> if it becomes too long; the rest of it is discarded.</returns>
    public TextEvent? Read(ReadOnlySpan<byte> input, InputEnd end, ref int position, out Range piece)
    {
        piece = default;
        if (_isWithinLine)
        {
            return ReadLine(input.Length, ref position, ref piece);
        }
        BodyPart part = _scanner.Next(input[position..], end != InputEnd.None, out int textStart, out int textLength, out int used);
        int start = position + textStart;
        position += used;
        if (part == BodyPart.NeedMoreData)
        {
            return TextEvent.NeedMoreData;
        }
        if (part == BodyPart.End)
        {
            // An end mark may have come just before.
            ReadOnlySpan<byte> mark = input[(position - used)..position];
            EndedByPause = end == InputEnd.Pause && !mark.EndsWith(".\n"u8) && !mark.EndsWith(".\r\n"u8);
            IsOpen = false;
            return IsDiscarding ? null : TextEvent.RelayEnds;
        }
        if (IsDiscarding)
        {
            return null;
        }
        if (textLength > maxBytes - _bytes)
        {
            IsDiscarding = true;
            return TextEvent.Error;
        }
        _bytes += textLength;
        piece = start..(start + textLength);
        return TextEvent.Body;
    }

    private TextEvent ReadLine(int inputBytes, ref int position, ref Range piece)
    {
        int bytes = _lineBodyBytes > 0 ? _lineBodyBytes : _lineEndBytes;
        if (inputBytes - position < bytes)
        {
            return TextEvent.NeedMoreData;
        }
        int start = position;
        position += bytes;
        if (_lineBodyBytes > 0)
        {
            _lineBodyBytes = 0;
            piece = start..position;
            return TextEvent.Body;
        }
        IsOpen = false;
        return TextEvent.RelayEnds;
    }
}
