using System.Text;
using MessageDelivery.Protocol;
using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Fuzz.Targets;

/// <summary>A parser's events, written down, and written anew as a client would send them. Leaves out what depends on arrivals.</summary>
internal sealed class TextReading(int maxBody, int maxReceivers)
{
    private const string Waits = "; all up to a line with only \".\" is thrown away";

    private readonly TextParser _parser = new(maxBody, maxReceivers);
    private readonly StringBuilder _log = new();
    private readonly StringBuilder _right = new();
    private readonly List<byte> _body = [];
    private ReadOnlyMemory<byte> _rest;
    private bool _inRelay;

    public string Log => _log.ToString();

    public string LogWithoutErrors => _right.ToString();

    /// <summary>The commands that were right, in one form.</summary>
    public List<byte> Written { get; } = [];

    public List<ulong[]> Relays { get; } = [];

    public bool IsBetweenCommands => _parser.IsBetweenCommands;

    public bool MayEndByPause => _parser.BodyMayEndByPause;

    private delegate TextEvent Reader(ReadOnlySpan<byte> input, out int consumed);

    public TextReading Arrive(ReadOnlySpan<byte> bytes)
    {
        _rest = new([.. _rest.Span, .. bytes]);
        _parser.BeginArrival();
        Drain(_parser.Read);
        Oracle.True(_rest.Length <= ProtocolLimits.MaxLineBytes + 1, $"{_rest.Length} bytes are kept");
        return this;
    }

    public TextReading HalfClose()
    {
        Drain(_parser.ReadFinal);
        Oracle.True(_rest.IsEmpty, "something is kept at the end");
        return this;
    }

    public TextReading Pause()
    {
        Drain(_parser.ReadAfterPause);
        Oracle.True(!_parser.BodyMayEndByPause, "a pause does not end the body");
        return this;
    }

    private void Drain(Reader read)
    {
        while (true)
        {
            var found = read(_rest.Span, out int consumed);
            Oracle.True(consumed >= 0 && consumed <= _rest.Length, $"{consumed} of {_rest.Length} bytes are consumed");
            if (found == TextEvent.NeedMoreData)
            {
                _rest = _rest[consumed..];
                return;
            }

            Note(found);
            _rest = _rest[consumed..];
        }
    }

    private void Note(TextEvent found)
    {
        switch (found)
        {
            case TextEvent.Command:
                NoteCommand();
                break;
            case TextEvent.RelayBegins:
                Oracle.True(!_inRelay && _parser.Receivers.Length >= 1 && _parser.Receivers.Length <= maxReceivers, "a relay begins");
                _inRelay = true;
                _body.Clear();
                Relays.Add(_parser.Receivers.ToArray());
                break;
            case TextEvent.Body:
                var piece = _rest.Span[_parser.Body];
                Oracle.True(_inRelay && !piece.IsEmpty, "a piece of a body");
                _body.AddRange(piece);
                Oracle.True(_body.Count <= maxBody, $"{_body.Count} bytes of body");
                break;
            case TextEvent.RelayEnds:
                NoteRelay();
                break;
            default:
                NoteError();
                break;
        }
    }

    private void NoteCommand()
    {
        string argument = Encoding.Latin1.GetString(_rest.Span[_parser.Argument]);
        string line = $"{_parser.Verb} <{argument}>\n";
        _log.Append(line);
        _right.Append(line);
        string word = _parser.Verb switch
        {
            TextVerb.VerboseOn => "verbose",
            TextVerb.VerboseOff => "verbose off",
            var verb => verb.ToString(),
        };
        // The longest lines leave no room for the space before an empty text.
        string space = argument.Length > 0 ? " " : "";
        Written.AddRange(Encoding.Latin1.GetBytes($"{word}{space}{argument}\r\n"));
    }

    private void NoteRelay()
    {
        Oracle.True(_inRelay, "a relay ends that has not begun");
        _inRelay = false;
        string ids = string.Join(',', Relays[^1]);
        string body = Encoding.Latin1.GetString([.. _body]);
        string line = $"Relay {ids} <{body}>\n";
        _log.Append(line);
        _right.Append(line);
        string stuffed = (body.StartsWith('.') ? "." : "") + body.Replace("\n.", "\n..", StringComparison.Ordinal);
        // An empty body that LF CR LF would begin were a CR LF of its own.
        Written.AddRange(Encoding.Latin1.GetBytes($"relay\r\n{ids}\r\n{stuffed}{(body.Length > 0 ? "\r\n" : "")}.\r\n"));
    }

    private void NoteError()
    {
        _inRelay = false;
        var text = _parser.ErrorText;
        Oracle.True(text.Length is > 0 and <= 1_024, $"an error of {text.Length} bytes");
        TextTarget.CheckNoControls(text);
        Oracle.True(!text.Contains((byte)'\n'), "an error has more than one line");

        string shown = Encoding.Latin1.GetString(text);
        Oracle.True(
            _parser.ErrorName is "invalid_message" or "invalid_receivers" or "frame_too_large", $"an error is called {_parser.ErrorName}");
        _log.Append(_parser.ErrorName).Append(": ").Append(shown.Replace(Waits, "", StringComparison.Ordinal)).Append('\n');
    }
}
