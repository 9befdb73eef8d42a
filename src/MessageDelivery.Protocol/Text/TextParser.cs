namespace MessageDelivery.Protocol.Text;

/// <summary>
/// Pull parser of the text protocol for one connection: the caller keeps the bytes, passes what is not consumed yet, and gets one event at a
/// time. No byte is copied, and at most one line has to be kept.
/// </summary>
/// <remarks>
/// For each arrival of bytes call <see cref="BeginArrival"/> once, then <see cref="Read"/> until it says
/// <see cref="TextEvent.NeedMoreData"/>. The input always begins at the first byte not consumed and goes on to the last
/// byte that has come. An instance is for one connection and one thread at a time. It allocates once for the first relay
/// (its ids) and once for the first error (its text).
/// </remarks>
public sealed class TextParser
{
    /// <summary>How long nothing must have come, while the connection was being read, for a body to end without an end mark.</summary>
    public const int PauseMilliseconds = 1_000;

    private const int MaxLineBytes = ProtocolLimits.MaxLineBytes;

    private readonly ReceiverList _receivers;
    private readonly ErrorText _error = new();

    private State _state;
    private Arrival _arrival;
    private LineReader _lines;
    private LongLine _longLine;
    private BodyReader _body;

    // A pause has ended a body; the next line that is not empty tells whether it was complete.
    private bool _isAfterPause;

    /// <summary>Creates a parser for one connection.</summary>
    /// <param name="maxBodyBytes">The most bytes a body may have.</param>
    /// <param name="maxReceivers">The most ids a relay may list.</param>
    public TextParser(int maxBodyBytes = ProtocolLimits.MaxBodyBytes, int maxReceivers = ProtocolLimits.MaxReceivers)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxBodyBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxReceivers, 1);
        _body = new BodyReader(maxBodyBytes);
        _receivers = new ReceiverList(maxReceivers);
    }

    private enum State : byte
    {
        Command,
        Ids,
        Body,
        // The rest of a line that is too long.
        LongLine,
    }

    /// <summary>The command of the last <see cref="TextEvent.Command"/>; <see cref="TextVerb.Relay"/> from <see cref="TextEvent.RelayBegins"/> on.</summary>
    public TextVerb Verb { get; private set; }

    /// <summary>
    /// At <see cref="TextEvent.Command"/>: the text of <c>echo</c> (all behind one space) or the token of <c>auth</c>
    /// (without spaces around it), within the input of the last call; else empty.
    /// </summary>
    public Range Argument { get; private set; }

    /// <summary>At <see cref="TextEvent.Body"/>: a piece of the body, never empty, without stuffed dots, within the input of the last call.</summary>
    public Range Body { get; private set; }

    /// <summary>The ids of the relay as listed, duplicates included; from <see cref="TextEvent.RelayBegins"/> until the next line of ids.</summary>
    public ReadOnlySpan<ulong> Receivers => _receivers.Ids;

    /// <summary>At <see cref="TextEvent.RelayBegins"/>: no byte of the body has come yet: a person is to be prompted.</summary>
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
    /// line and free of control bytes. It says so if a body is discarded.
    /// </summary>
    public ReadOnlySpan<byte> ErrorText => _error.Text;

    /// <summary>True once a line, possibly an empty one, is complete.</summary>
    public bool LineSeen { get; private set; }

    /// <summary>
    /// True while a body is open, also one that is discarded, whose word <c>relay</c>, ids and first byte arrived together, or the rest of a
    /// body that a pause has ended: when nothing comes for
    /// <see cref="PauseMilliseconds"/>, call <see cref="ReadAfterPause"/>.
    /// </summary>
    public bool BodyMayEndByPause => _body.MayEndByPause;

    /// <summary>At <see cref="TextEvent.RelayEnds"/>: the body was ended by a pause, without an end mark.</summary>
    public bool EndedByPause => _body.EndedByPause;

    /// <summary>True between two commands: what comes next begins one.</summary>
    public bool IsBetweenCommands => _state == State.Command;

    /// <summary>Call it once for each receive, before reading: bytes of one receive count as arrived together.</summary>
    public void BeginArrival() => _arrival.Begin();

    /// <summary>Finds the next event.</summary>
    /// <param name="input">All that has come and is not consumed.</param>
    /// <param name="consumed">Bytes to leave out next time, also with <see cref="TextEvent.NeedMoreData"/>; at most 8,193 remain then.</param>
    public TextEvent Read(ReadOnlySpan<byte> input, out int consumed) => Advance(input, InputEnd.None, out consumed);

    /// <summary>
    /// Like <see cref="Read"/>, when the client has half-closed the connection: an unfinished last line counts as a line, and a
    /// body ends. Call it until <see cref="TextEvent.NeedMoreData"/>, with which all is consumed.
    /// </summary>
    public TextEvent ReadFinal(ReadOnlySpan<byte> input, out int consumed) => Advance(input, InputEnd.HalfClose, out consumed);

    /// <summary>
    /// Ends the open body when nothing has come for <see cref="PauseMilliseconds"/>; does nothing unless
    /// <see cref="BodyMayEndByPause"/>. Call it until <see cref="TextEvent.NeedMoreData"/>. Behind the pause a late end mark is ignored and a
    /// command is read; anything else is an error and discarded like a body.
    /// </summary>
    public TextEvent ReadAfterPause(ReadOnlySpan<byte> input, out int consumed)
    {
        if (!BodyMayEndByPause)
        {
            consumed = 0;
            return TextEvent.NeedMoreData;
        }
        return Advance(input, InputEnd.Pause, out consumed);
    }

    private TextEvent Advance(ReadOnlySpan<byte> input, InputEnd end, out int consumed)
    {
        int position = 0;
        TextEvent? found;
        do
        {
            // A pause only ends a body.
            found = end == InputEnd.Pause && _state != State.Body
                ? TextEvent.NeedMoreData
                : Step(input, ref position, end);
        }
        while (found is null);

        if (found == TextEvent.Error)
        {
            SkipBehindError(input, ref position, end);
        }
        consumed = position;
        _arrival.NoteConsumed(input.Length, position);
        return found.Value;
    }

    // One step; null if there is no event and another step is to follow.
    private TextEvent? Step(ReadOnlySpan<byte> input, ref int position, InputEnd end) => _state switch
    {
        State.Command or State.Ids => ReadLine(input, ref position, end),
        State.Body => ReadBody(input, ref position, end),
        _ => SkipLine(input, ref position, end),
    };

    private TextEvent? ReadLine(ReadOnlySpan<byte> input, ref int position, InputEnd end)
    {
        bool isCommand = _state == State.Command;
        LineStatus status = _lines.Find(input, isCommand, end == InputEnd.HalfClose, ref position, out int length, out int lineBytes);
        if (status == LineStatus.TooLong)
        {
            return ReadTooLongLine(input.Slice(position, MaxLineBytes + 1), ref position);
        }
        // A relay without its line of ids is reported like one with an empty line of ids.
        if (status == LineStatus.Incomplete && (isCommand || end != InputEnd.HalfClose))
        {
            return TextEvent.NeedMoreData;
        }
        LineSeen = true;
        int start = position;
        position += lineBytes;
        ReadOnlySpan<byte> line = input.Slice(start, length);
        return isCommand ? ReadCommand(input, line, start, ref position, end) : BeginBody(line, input.Length - position, end);
    }

    private TextEvent? ReadCommand(ReadOnlySpan<byte> input, ReadOnlySpan<byte> line, int start, ref int position, InputEnd end)
    {
        var command = new CommandLine(line);
        if (command.IsBlank)
        {
            return null;
        }
        Argument = default;
        _lines.Begin();
        if (_isAfterPause)
        {
            _isAfterPause = false;
            // A late end mark is not ended by CR NUL, as one in time is not.
            if (line is [(byte)'.'] && !input[start..position].EndsWith(LineEnd.Telnet))
            {
                return null;
            }
            if (!CommandWords.IsCommand(command.Word))
            {
                position = start;
                return DiscardAfterPause(line);
            }
        }
        if (!command.TryParse(_error, out TextVerb verb, out Range argument))
        {
            return TextEvent.Error;
        }
        if (verb == TextVerb.Relay)
        {
            return BeginRelay(command, line, start, input.Length, ref position, end);
        }
        Verb = verb;
        Argument = (start + argument.Start.Value)..(start + argument.End.Value);
        return TextEvent.Command;
    }

    private TextEvent? BeginRelay(in CommandLine command, ReadOnlySpan<byte> line, int start, int inputBytes, ref int position, InputEnd end)
    {
        _arrival.NoteRelayWord(start + command.WordStart);
        if (command.Argument.IsEmpty)
        {
            _state = State.Ids;
            return null;
        }
        int idsBytes = line[command.ArgumentStart..].IndexOf((byte)' ');
        if (idsBytes < 0)
        {
            return BeginBody(command.Argument, inputBytes - position, end);
        }
        // On an error the position stays behind the line, which ends the body.
        if (!_receivers.TryParse(command.Argument[..idsBytes], _error))
        {
            return TextEvent.Error;
        }
        int bodyStart = command.ArgumentStart + idsBytes + 1;
        if (!_body.TryOpenLine(line.Length - bodyStart, position - start - line.Length))
        {
            return BodyTooLong();
        }
        position = start + bodyStart;
        _state = State.Body;
        return RelayBegins(prompt: false);
    }

    // The ids are on a line of their own, or behind "relay" with nothing after them.
    private TextEvent BeginBody(ReadOnlySpan<byte> ids, int bytesBehind, InputEnd end)
    {
        bool valid = _receivers.TryParse(ids, _error);
        OpenBody(discard: !valid, mayEndByPause: _arrival.HasRelayWord && bytesBehind > 0);
        return valid ? RelayBegins(prompt: bytesBehind == 0 && end == InputEnd.None) : TextEvent.Error;
    }

    private TextEvent RelayBegins(bool prompt)
    {
        PromptForBody = prompt;
        Verb = TextVerb.Relay;
        return TextEvent.RelayBegins;
    }

    private void OpenBody(bool discard, bool mayEndByPause)
    {
        _state = State.Body;
        _body.Open(discard, mayEndByPause);
    }

    private TextEvent? ReadBody(ReadOnlySpan<byte> input, ref int position, InputEnd end)
    {
        TextEvent? found = _body.Read(input, end, ref position, out Range piece);
        if (!_body.IsOpen)
        {
            _state = State.Command;
            _isAfterPause = _body.EndedByPause;
        }
        else if (found == TextEvent.Body)
        {
            Body = piece;
        }
        return found == TextEvent.Error ? BodyTooLong() : found;
    }

    private TextEvent BodyTooLong()
    {
        _error.Begin(ProtocolCode.FrameTooLarge)
            .Add("this body is longer than the limit of "u8).Add((ulong)_body.MaxBytes).Add(" bytes"u8);
        return TextEvent.Error;
    }

    // Discards what is not a command like a body, from the beginning of this line on.
    private TextEvent DiscardAfterPause(ReadOnlySpan<byte> line)
    {
        _error.Begin(ProtocolCode.ProtocolError)
            .Quote(line).Add(" is no command: it is taken for the rest of the body that a pause of 1 s ended, and is thrown away"u8);
        OpenBody(discard: true, mayEndByPause: true);
        _isAfterPause = false;
        return TextEvent.Error;
    }

    private TextEvent ReadTooLongLine(ReadOnlySpan<byte> beginning, ref int position)
    {
        bool isIds = _state == State.Ids;
        ReadOnlySpan<byte> text = beginning.TrimStart((byte)' ');
        _lines.Begin();
        if (_isAfterPause && !isIds && !CommandWords.IsCommand(CommandWords.First(text)))
        {
            return DiscardAfterPause(beginning);
        }
        _isAfterPause = false;
        if (!isIds)
        {
            _arrival.NoteRelayWord(position + beginning.Length - text.Length);
        }
        _longLine = new LongLine(text, isIds);
        _state = State.LongLine;
        position += beginning.Length;
        _error.Begin(ProtocolCode.FrameTooLarge)
            .Add(_longLine.IsOfIds ? "this line of ids"u8 : "this line"u8)
            .Add(" is longer than the limit of "u8).Add(MaxLineBytes).Add(" bytes"u8);
        return TextEvent.Error;
    }

    private TextEvent? SkipLine(ReadOnlySpan<byte> input, ref int position, InputEnd end)
    {
        bool final = end == InputEnd.HalfClose;
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
            OpenBody(discard: true, mayEndByPause: _arrival.HasRelayWord && position < input.Length);
        }
        return null;
    }

    // Skips discarded input that has come already; the error announces what has not.
    private void SkipBehindError(ReadOnlySpan<byte> input, ref int position, InputEnd end)
    {
        while (_state == State.LongLine || IsDiscarding)
        {
            if (Step(input, ref position, end) == TextEvent.NeedMoreData)
            {
                break;
            }
        }
        if ((_state == State.LongLine && _longLine.IsOfIds) || IsDiscarding)
        {
            _error.Add("; all up to a line with only \".\" is thrown away"u8);
        }
    }

    private bool IsDiscarding => _state == State.Body && _body.IsDiscarding;
}
