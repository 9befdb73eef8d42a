namespace MessageDelivery.Protocol.Text;

/// <summary>
/// Reads the text protocol: bytes of one connection in, events out. It pulls: the caller keeps the bytes, presents what
/// is not consumed yet, and gets one event at a time. No byte is copied; the parser never wants more kept than one line.
/// </summary>
/// <remarks>
/// For each arrival of bytes call <see cref="BeginArrival"/> once, then <see cref="Read"/> until it says
/// <see cref="TextEvent.NeedMoreData"/>. The input always begins at the first byte not consumed and goes on to the last
/// byte that has come. An instance is for one connection and one thread at a time. It allocates once for the first relay
/// (its ids) and once for the first error (its text).
/// </remarks>
public sealed partial class TextParser
{
    private const int MaxLineBytes = ProtocolLimits.MaxLineBytes;

    private readonly int _maxBodyBytes;
    private readonly ReceiverList _receivers;
    private readonly ErrorText _error = new();

    private State _state;
    private BodyScanner _scanner;
    private int _bodyBytes;
    private bool _discarding;

    // The rest of a one-line relay: its body and its line end, both known to be in the input.
    private int _lineBodyBytes;
    private int _lineEndBytes;

    // What "arrived together" needs: bytes at the input's beginning that are older than the last arrival, and whether the
    // word "relay" is as new as it.
    private int _unconsumedBytes;
    private int _olderBytes;
    private bool _wordIsNew;
    private bool _arrivedTogether;

    /// <summary>Makes a parser for one connection.</summary>
    /// <param name="maxBodyBytes">The most bytes a body may have.</param>
    /// <param name="maxReceivers">The most ids a relay may list.</param>
    public TextParser(int maxBodyBytes = ProtocolLimits.MaxBodyBytes, int maxReceivers = ProtocolLimits.MaxReceivers)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxBodyBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxReceivers, 1);
        _maxBodyBytes = maxBodyBytes;
        _receivers = new ReceiverList(maxReceivers);
    }

    private enum State : byte
    {
        Command,
        Ids,
        LineBody,
        LineEnd,
        Body,
        // The rest of a line that is too long: of a command; of a line of ids, behind which a body is thrown away; and of
        // "relay" before and within its ids, which shows by a space whether the body is in the same line.
        SkipLine,
        SkipIds,
        SkipRelay,
        SkipRelayIds,
    }

    private enum Ending : byte
    {
        None,
        Pause,
        HalfClose,
    }

    /// <summary>The command of the last <see cref="TextEvent.Command"/>; <see cref="TextVerb.Relay"/> from <see cref="TextEvent.RelayBegins"/> on.</summary>
    public TextVerb Verb { get; private set; }

    /// <summary>
    /// At <see cref="TextEvent.Command"/>: the text of <c>echo</c> (all behind one space) or the token of <c>auth</c>
    /// (without spaces around it), within the input of the last call; else empty.
    /// </summary>
    public Range Argument { get; private set; }

    /// <summary>At <see cref="TextEvent.Body"/>: a piece of the body, never empty, stuffed dots taken off, within the input of the last call.</summary>
    public Range Body { get; private set; }

    /// <summary>The ids of the relay as listed, duplicates included; from <see cref="TextEvent.RelayBegins"/> until the next line of ids.</summary>
    public ReadOnlySpan<ulong> Receivers => _receivers.Ids;

    /// <summary>At <see cref="TextEvent.RelayBegins"/>: no byte of the body has come yet, so a person wants to be told what to do.</summary>
    public bool PromptForBody { get; private set; }

    /// <summary>
    /// At <see cref="TextEvent.Error"/>: what was wrong. The protocol has no code for <c>invalid_message</c>, which only
    /// text users see: it is <see cref="ProtocolCode.ProtocolError"/> here, and <see cref="ErrorName"/> tells the name.
    /// </summary>
    public ProtocolCode ErrorCode => _error.Code;

    /// <summary>At <see cref="TextEvent.Error"/>: the name that stands before the text, such as <c>invalid_receivers</c>.</summary>
    public string ErrorName => _error.Code == ProtocolCode.ProtocolError ? "invalid_message" : _error.Code.Name();

    /// <summary>
    /// At <see cref="TextEvent.Error"/>, until the next call: what is wrong, with the value and the limit, in UTF-8, on one
    /// line and free of control bytes. It names a body that is still to be thrown away.
    /// </summary>
    public ReadOnlySpan<byte> ErrorText => _error.Text;

    /// <summary>True once a line, possibly an empty one, is complete: the user has spoken.</summary>
    public bool LineSeen { get; private set; }

    /// <summary>
    /// True while a body is open (also one that is thrown away) whose word <c>relay</c>, ids and first byte arrived
    /// together: when nothing comes for 200 ms, call <see cref="ReadAfterPause"/>.
    /// </summary>
    public bool BodyMayEndByPause => _state == State.Body && _arrivedTogether;

    /// <summary>True between two commands: what comes next begins one.</summary>
    public bool IsBetweenCommands => _state == State.Command;

    /// <summary>To be called once whenever new bytes have come, before they are read: what comes in one such arrival counts as arrived together.</summary>
    public void BeginArrival()
    {
        _olderBytes = _unconsumedBytes;
        _wordIsNew = false;
    }

    /// <summary>Looks for the next event.</summary>
    /// <param name="input">All that has come and is not consumed.</param>
    /// <param name="consumed">Bytes to leave out next time, also with <see cref="TextEvent.NeedMoreData"/>; at most 8,193 remain then.</param>
    public TextEvent Read(ReadOnlySpan<byte> input, out int consumed) => Advance(input, Ending.None, out consumed);

    /// <summary>
    /// Like <see cref="Read"/>, when the client has half-closed its side: an unfinished last line counts as a line, and a
    /// body ends. To be called until <see cref="TextEvent.NeedMoreData"/>, with which all is consumed.
    /// </summary>
    public TextEvent ReadFinal(ReadOnlySpan<byte> input, out int consumed) => Advance(input, Ending.HalfClose, out consumed);

    /// <summary>
    /// Ends the open body when nothing has come for 200 ms; does nothing unless <see cref="BodyMayEndByPause"/>. To be
    /// called until <see cref="TextEvent.NeedMoreData"/>.
    /// </summary>
    public TextEvent ReadAfterPause(ReadOnlySpan<byte> input, out int consumed)
    {
        if (!BodyMayEndByPause)
        {
            consumed = 0;
            return TextEvent.NeedMoreData;
        }
        return Advance(input, Ending.Pause, out consumed);
    }

    private TextEvent Advance(ReadOnlySpan<byte> input, Ending ending, out int consumed)
    {
        int position = 0;
        TextEvent? found;
        do
        {
            // A pause ends a body and says nothing about what may stand behind it.
            found = ending == Ending.Pause && _state != State.Body
                ? TextEvent.NeedMoreData
                : Step(input, ref position, ending);
        }
        while (found is null);

        if (found == TextEvent.Error)
        {
            SkipBehindError(input, ref position, ending);
        }
        consumed = position;
        _unconsumedBytes = input.Length - position;
        _olderBytes = Math.Max(0, _olderBytes - position);
        return found.Value;
    }

    // One step; null if it told nothing and another is to follow.
    private TextEvent? Step(ReadOnlySpan<byte> input, ref int position, Ending ending) => _state switch
    {
        State.Command or State.Ids => ReadLine(input, ref position, ending),
        State.LineBody or State.LineEnd => ReadLineBody(input, ref position),
        State.Body => ReadBody(input, ref position, ending),
        _ => SkipLine(input, ref position, ending),
    };

    private TextEvent? ReadLine(ReadOnlySpan<byte> input, ref int position, Ending ending)
    {
        ReadOnlySpan<byte> rest = input[position..];
        LineStatus status = FindLine(rest, ending == Ending.HalfClose, out int length, out int lineBytes);
        if (status == LineStatus.TooLong)
        {
            ReadTooLongLine(rest[..(MaxLineBytes + 1)], position);
            position += MaxLineBytes + 1;
            return TextEvent.Error;
        }
        if (status == LineStatus.Incomplete)
        {
            if (_state != State.Ids || ending != Ending.HalfClose)
            {
                return TextEvent.NeedMoreData;
            }
            // A relay that stops before its line of ids is told like one with an empty line of ids.
            lineBytes = 0;
        }

        LineSeen = true;
        int start = position;
        position += lineBytes;
        return _state == State.Ids
            ? BeginBody(rest[..length], input.Length - position, ending)
            : ReadCommand(rest[..length], lineBytes, start, ref position, input.Length, ending);
    }

    private enum LineStatus
    {
        Incomplete,
        Complete,
        TooLong,
    }

    private static LineStatus FindLine(ReadOnlySpan<byte> rest, bool final, out int length, out int lineBytes)
    {
        int feed = rest[..Math.Min(rest.Length, MaxLineBytes + 2)].IndexOf((byte)'\n');
        if (feed >= 0)
        {
            length = feed > 0 && rest[feed - 1] == '\r' ? feed - 1 : feed;
            lineBytes = feed + 1;
            return length > MaxLineBytes ? LineStatus.TooLong : LineStatus.Complete;
        }
        length = lineBytes = rest.Length;
        // A CR behind the longest line may yet belong to its end.
        if (length > MaxLineBytes + 1 || (length > MaxLineBytes && (final || rest[MaxLineBytes] != '\r')))
        {
            return LineStatus.TooLong;
        }
        return final && length > 0 ? LineStatus.Complete : LineStatus.Incomplete;
    }

    private void ReadTooLongLine(ReadOnlySpan<byte> beginning, int position)
    {
        bool ids = _state == State.Ids;
        _state = ids ? State.SkipIds : State.SkipLine;
        int wordStart = beginning.IndexOfAnyExcept((byte)' ');
        if (!ids && wordStart >= 0)
        {
            ReadOnlySpan<byte> text = beginning[wordStart..];
            int wordEnd = text.IndexOf((byte)' ');
            if (wordEnd > 0 && IsWord(text[..wordEnd], "relay"u8))
            {
                _wordIsNew = position + wordStart >= _olderBytes;
                _state = State.SkipRelay;
                int looked = wordEnd;
                while (SkipLine(text, ref looked, Ending.None) is null)
                {
                    // On to the end of what is here, for a space behind the ids.
                }
            }
        }
        _error.Begin(ProtocolCode.FrameTooLarge)
            .Add(_state == State.SkipLine ? "this line"u8 : "this line of ids"u8)
            .Add(" is longer than the limit of "u8).Add(MaxLineBytes).Add(" bytes"u8);
    }

    private TextEvent? SkipLine(ReadOnlySpan<byte> input, ref int position, Ending ending)
    {
        ReadOnlySpan<byte> rest = input[position..];
        int found = _state switch
        {
            State.SkipRelay => rest.IndexOfAnyExcept((byte)' '),
            State.SkipRelayIds => rest.IndexOfAny((byte)' ', (byte)'\n'),
            _ => rest.IndexOf((byte)'\n'),
        };
        if (found < 0)
        {
            position = input.Length;
            _state = ending == Ending.HalfClose ? State.Command : _state;
            return TextEvent.NeedMoreData;
        }
        position += found + 1;
        LineSeen |= rest[found] == '\n';
        if (rest[found] != '\n')
        {
            _state = _state == State.SkipRelay ? State.SkipRelayIds : State.SkipLine;
        }
        else if (_state == State.SkipLine)
        {
            _state = State.Command;
        }
        else
        {
            OpenBody(input.Length - position, discard: true);
        }
        return null;
    }

    // What must be thrown away and is here already goes with the error; what has not come yet is announced by it.
    private void SkipBehindError(ReadOnlySpan<byte> input, ref int position, Ending ending)
    {
        while (_state >= State.SkipLine || (_state == State.Body && _discarding))
        {
            if (Step(input, ref position, ending) == TextEvent.NeedMoreData)
            {
                break;
            }
        }
        if (_state > State.SkipLine || (_state == State.Body && _discarding))
        {
            _error.Add("; all up to a line with only \".\" is thrown away"u8);
        }
    }
}
