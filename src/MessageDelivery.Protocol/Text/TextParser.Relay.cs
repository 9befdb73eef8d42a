namespace MessageDelivery.Protocol.Text;

// Commands and the bodies of relays.
public sealed partial class TextParser
{
    private TextEvent? ReadCommand(
        ReadOnlySpan<byte> line, bool endsAsTelnet, int start, ref int position, int inputLength, Ending ending)
    {
        int wordStart = line.IndexOfAnyExcept((byte)' ');
        if (wordStart < 0)
        {
            return null;
        }
        int space = line[wordStart..].IndexOf((byte)' ');
        int wordEnd = space < 0 ? line.Length : wordStart + space;
        ReadOnlySpan<byte> word = line[wordStart..wordEnd];
        int textStart = Math.Min(wordEnd + 1, line.Length);
        ReadOnlySpan<byte> argument = line[textStart..].Trim((byte)' ');
        int argumentStart = textStart + Math.Max(0, line[textStart..].IndexOfAnyExcept((byte)' '));
        Argument = default;
        _hasBegun = true;
        if (_isAfterPause)
        {
            _isAfterPause = false;
            // Like one that is in time, a late end mark is not ended by what telnet sends.
            if (line is [(byte)'.'] && !endsAsTelnet)
            {
                return null;
            }
            if (!CommandWords.IsCommand(word))
            {
                position = start;
                return TakeForRest(line);
            }
        }

        if (CommandWords.Is(word, "relay"u8))
        {
            _wordIsNew = start + wordStart >= _olderBytes;
            if (argument.IsEmpty)
            {
                _state = State.Ids;
                return null;
            }
            int idsBytes = line[argumentStart..].IndexOf((byte)' ');
            if (idsBytes < 0)
            {
                return BeginBody(argument, inputLength - position, ending);
            }
            return BeginLineBody(line.Slice(argumentStart, idsBytes), start + argumentStart + idsBytes + 1, start + line.Length, ref position);
        }
        if (CommandWords.Is(word, "echo"u8))
        {
            Argument = (start + textStart)..(start + line.Length);
            return Command(TextVerb.Echo);
        }
        if (CommandWords.Is(word, "auth"u8))
        {
            if (argument.IsEmpty)
            {
                _error.Begin(ProtocolCode.ProtocolError).Add("\"auth\" wants a token"u8);
                return TextEvent.Error;
            }
            Argument = (start + argumentStart)..(start + argumentStart + argument.Length);
            return Command(TextVerb.Auth);
        }
        if (CommandWords.Is(word, "verbose"u8))
        {
            return argument.IsEmpty || CommandWords.Is(argument, "on"u8) ? Command(TextVerb.VerboseOn)
                : CommandWords.Is(argument, "off"u8) ? Command(TextVerb.VerboseOff)
                : Surplus(word, argument, " takes only \"on\" or \"off\", not "u8);
        }
        if (CommandWords.Simple(word) is not { } verb)
        {
            _error.Begin(ProtocolCode.ProtocolError).Add("unknown command "u8).Quote(word).Add("; \"help\" lists the commands"u8);
            return TextEvent.Error;
        }
        return argument.IsEmpty ? Command(verb) : Surplus(word, argument, " takes nothing more, not "u8);
    }

    private TextEvent Command(TextVerb verb)
    {
        Verb = verb;
        return TextEvent.Command;
    }

    private TextEvent Surplus(ReadOnlySpan<byte> word, ReadOnlySpan<byte> argument, ReadOnlySpan<byte> what)
    {
        _error.Begin(ProtocolCode.ProtocolError).Quote(word).Add(what).Quote(argument);
        return TextEvent.Error;
    }

    // What no command begins is thrown away like a body, from the beginning of this line on.
    private TextEvent TakeForRest(ReadOnlySpan<byte> line)
    {
        _error.Begin(ProtocolCode.ProtocolError)
            .Quote(line).Add(" is no command: it is taken for the rest of the body that a pause of 1 s ended, and is thrown away"u8);
        OpenBody(bytesBehind: 0, discard: true);
        _isAfterPause = false;
        _mayEndByPause = true;
        return TextEvent.Error;
    }

    // The ids stood on a line of their own, or behind "relay" with nothing after them.
    private TextEvent BeginBody(ReadOnlySpan<byte> ids, int bytesBehind, Ending ending)
    {
        bool valid = _receivers.TryParse(ids, _error);
        OpenBody(bytesBehind, discard: !valid);
        PromptForBody = valid && bytesBehind == 0 && ending == Ending.None;
        Verb = TextVerb.Relay;
        return valid ? TextEvent.RelayBegins : TextEvent.Error;
    }

    private void OpenBody(int bytesBehind, bool discard)
    {
        _state = State.Body;
        _scanner = default;
        _bodyBytes = 0;
        _discarding = discard;
        EndedByPause = false;
        _mayEndByPause = _wordIsNew && bytesBehind > 0;
    }

    private TextEvent BeginLineBody(ReadOnlySpan<byte> ids, int bodyStart, int bodyEnd, ref int position)
    {
        // Where something is wrong, position stands behind the line, which is the body's end.
        if (!_receivers.TryParse(ids, _error))
        {
            return TextEvent.Error;
        }
        if (bodyEnd - bodyStart > _maxBodyBytes)
        {
            return BodyTooLong();
        }
        _lineBodyBytes = bodyEnd - bodyStart;
        _lineEndBytes = position - bodyEnd;
        position = bodyStart;
        _state = _lineBodyBytes > 0 ? State.LineBody : State.LineEnd;
        PromptForBody = false;
        EndedByPause = false;
        Verb = TextVerb.Relay;
        return TextEvent.RelayBegins;
    }

    private TextEvent ReadLineBody(ReadOnlySpan<byte> input, ref int position)
    {
        bool body = _state == State.LineBody;
        int bytes = body ? _lineBodyBytes : _lineEndBytes;
        if (input.Length - position < bytes)
        {
            return TextEvent.NeedMoreData;
        }
        Body = body ? position..(position + bytes) : default;
        position += bytes;
        _state = body ? State.LineEnd : State.Command;
        return body ? TextEvent.Body : TextEvent.RelayEnds;
    }

    private TextEvent? ReadBody(ReadOnlySpan<byte> input, ref int position, Ending ending)
    {
        BodyPart part = _scanner.Next(
            input[position..], ending != Ending.None, out int textStart, out int textLength, out int used);
        int start = position + textStart;
        position += used;
        if (part == BodyPart.NeedMoreData)
        {
            return TextEvent.NeedMoreData;
        }
        if (part == BodyPart.End)
        {
            // The end mark may have come in the last moment.
            ReadOnlySpan<byte> end = input[(position - used)..position];
            EndedByPause = ending == Ending.Pause && !end.EndsWith(".\n"u8) && !end.EndsWith(".\r\n"u8);
            _isAfterPause = EndedByPause;
            _state = State.Command;
            return _discarding ? null : TextEvent.RelayEnds;
        }
        if (_discarding)
        {
            return null;
        }
        if (textLength > _maxBodyBytes - _bodyBytes)
        {
            _discarding = true;
            return BodyTooLong();
        }
        _bodyBytes += textLength;
        Body = start..(start + textLength);
        return TextEvent.Body;
    }

    private TextEvent BodyTooLong()
    {
        _error.Begin(ProtocolCode.FrameTooLarge)
            .Add("this body is longer than the limit of "u8).Add((ulong)_maxBodyBytes).Add(" bytes"u8);
        return TextEvent.Error;
    }
}
