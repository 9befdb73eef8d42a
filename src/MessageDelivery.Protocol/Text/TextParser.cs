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
    /// <summary>How long nothing must have come, while somebody was ready to receive it, for a body to end without an end mark.</summary>
    public const int PauseMilliseconds = 1_000;

    private const int MaxLineBytes = ProtocolLimits.MaxLineBytes;

    private readonly int _maxBodyBytes;
    private readonly ReceiverList _receivers;
    private readonly ErrorText _error = new();

    private State _state;
    private BodyScanner _scanner;
    private LongLine _longLine;
    private int _bodyBytes;
    private bool _discarding;

    // Before the first command.
    private Preamble _preamble;
    private bool _hasBegun;

    // A pause has ended a body, and the next line that is not empty decides what is behind it.
    private bool _isAfterPause;

    // The rest of a one-line relay: its body and its line end, both known to be in the input.
    private int _lineBodyBytes;
    private int _lineEndBytes;

    // What "arrived together" needs: bytes at the input's beginning that are older than the last arrival, and whether the
    // word "relay" is as new as it.
    private int _unconsumedBytes;
    private int _olderBytes;
    private bool _wordIsNew;
    private bool _mayEndByPause;

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
        // The rest of a line that is too long.
        LongLine,
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
    /// together, or what is taken for the rest of one that a pause has ended: when nothing comes for
    /// <see cref="PauseMilliseconds"/>, call <see cref="ReadAfterPause"/>.
    /// </summary>
    public bool BodyMayEndByPause => _state == State.Body && _mayEndByPause;

    /// <summary>At <see cref="TextEvent.RelayEnds"/>: nothing but a pause says that the body is complete.</summary>
    public bool EndedByPause { get; private set; }

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
    /// Ends the open body when nothing has come for <see cref="PauseMilliseconds"/>; does nothing unless
    /// <see cref="BodyMayEndByPause"/>. To be called until <see cref="TextEvent.NeedMoreData"/>. The next line that is not empty
    /// decides what is behind the pause: a late end mark is ignored, a command is told, and anything else is an error, and thrown
    /// away like a body.
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
        if (!_hasBegun && !SkipPreamble(input, ref position, ending))
        {
            return TextEvent.NeedMoreData;
        }
        ReadOnlySpan<byte> rest = input[position..];
        LineStatus status = FindLine(rest, ending == Ending.HalfClose, out int length, out int lineBytes);
        if (status == LineStatus.TooLong)
        {
            _hasBegun = true;
            return ReadTooLongLine(rest[..(MaxLineBytes + 1)], ref position);
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
            : ReadCommand(rest[..length], rest[..lineBytes].EndsWith(LineEnd.Telnet), start, ref position, input.Length, ending);
    }

    /// <summary>Skips what stands before the first command; false if it may go on.</summary>
    private bool SkipPreamble(ReadOnlySpan<byte> input, ref int position, Ending ending)
    {
        position += _preamble.Skip(input[position..], out bool isUndecided);
        if (isUndecided && ending == Ending.HalfClose && _preamble.IsTelnet(input[position..]))
        {
            position = input.Length;
        }
        return !isUndecided || ending == Ending.HalfClose;
    }

    private enum LineStatus
    {
        Incomplete,
        Complete,
        TooLong,
    }

    private LineStatus FindLine(ReadOnlySpan<byte> rest, bool final, out int length, out int lineBytes)
    {
        length = LineEnd.Find(rest[..Math.Min(rest.Length, MaxLineBytes + 2)], _state == State.Command, out int endBytes);
        if (length >= 0)
        {
            lineBytes = length + endBytes;
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

    private TextEvent ReadTooLongLine(ReadOnlySpan<byte> beginning, ref int position)
    {
        bool ids = _state == State.Ids;
        ReadOnlySpan<byte> text = beginning.TrimStart((byte)' ');
        if (_isAfterPause && !ids && !CommandWords.IsCommand(CommandWords.First(text)))
        {
            return TakeForRest(beginning);
        }
        _isAfterPause = false;
        _wordIsNew = ids ? _wordIsNew : position + beginning.Length - text.Length >= _olderBytes;
        _longLine = new LongLine(text, ids);
        _state = State.LongLine;
        position += beginning.Length;
        _error.Begin(ProtocolCode.FrameTooLarge)
            .Add(_longLine.IsOfIds ? "this line of ids"u8 : "this line"u8)
            .Add(" is longer than the limit of "u8).Add(MaxLineBytes).Add(" bytes"u8);
        return TextEvent.Error;
    }

    private TextEvent? SkipLine(ReadOnlySpan<byte> input, ref int position, Ending ending)
    {
        bool final = ending == Ending.HalfClose;
        bool ends = _longLine.Skip(input[position..], final, out int skipped);
        position += skipped;
        if (!ends)
        {
            _state = final ? State.Command : _state;
            return TextEvent.NeedMoreData;
        }
        LineSeen = true;
        _state = State.Command;
        if (_longLine.IsOfIds)
        {
            OpenBody(input.Length - position, discard: true);
        }
        return null;
    }

    // What must be thrown away and is here already goes with the error; what has not come yet is announced by it.
    private void SkipBehindError(ReadOnlySpan<byte> input, ref int position, Ending ending)
    {
        while (_state == State.LongLine || (_state == State.Body && _discarding))
        {
            if (Step(input, ref position, ending) == TextEvent.NeedMoreData)
            {
                break;
            }
        }
        if ((_state == State.LongLine && _longLine.IsOfIds) || (_state == State.Body && _discarding))
        {
            _error.Add("; all up to a line with only \".\" is thrown away"u8);
        }
    }
}
