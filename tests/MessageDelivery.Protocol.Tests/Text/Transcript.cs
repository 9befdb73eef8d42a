using System.Text;
using CsCheck;
using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Protocol.Tests.Text;

/// <summary>Runs a parser over bytes cut into arrivals, and writes down what it said, one event a line.</summary>
internal sealed class Transcript
{
    /// <summary>What an error says where its body is not yet at its end; it depends on what arrived together.</summary>
    public const string Waits = "; all up to a line with only \".\" is thrown away";

    private readonly TextParser _parser;
    private readonly StringBuilder _log = new();
    private readonly List<byte> _body = [];
    private byte[] _rest = [];

    public Transcript(int maxBody = ProtocolLimits.MaxBodyBytes, int maxReceivers = ProtocolLimits.MaxReceivers) =>
        _parser = new TextParser(maxBody, maxReceivers);

    public TextParser Parser => _parser;

    public string Log => _log.ToString();

    public int Held => _rest.Length;

    /// <summary>Leaves out what depends on arrivals: the prompt, and that an error waits for the end of a body.</summary>
    public bool IgnoreArrivals { get; init; }

    public static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    public static string Text(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    public static Gen<string> AnyOf(params string[] parts) => Gen.Int[0, parts.Length - 1].Select(index => parts[index]);

    /// <summary>All of the input in one arrival, without an end.</summary>
    public static string Of(string input) => new Transcript().Arrive(input).Log;

    /// <summary>All of the input in one arrival, then a half-close.</summary>
    public static string OfFinal(string input) => new Transcript().Arrive(input).HalfClose().Log;

    public Transcript Arrive(string input) => Arrive(Bytes(input));

    public Transcript Arrive(ReadOnlySpan<byte> input)
    {
        _parser.BeginArrival();
        _rest = [.. _rest, .. input];
        Drain((ReadOnlySpan<byte> rest, out int consumed) => _parser.Read(rest, out consumed));
        Assert.True(_rest.Length <= ProtocolLimits.MaxLineBytes + 1, $"{_rest.Length} bytes held");
        return this;
    }

    public Transcript HalfClose()
    {
        Drain((ReadOnlySpan<byte> rest, out int consumed) => _parser.ReadFinal(rest, out consumed));
        Assert.Empty(_rest);
        return this;
    }

    public Transcript Pause()
    {
        Drain((ReadOnlySpan<byte> rest, out int consumed) => _parser.ReadAfterPause(rest, out consumed));
        return this;
    }

    private delegate TextEvent Reader(ReadOnlySpan<byte> input, out int consumed);

    private void Drain(Reader read)
    {
        while (true)
        {
            TextEvent found = read(_rest, out int consumed);
            Assert.InRange(consumed, 0, _rest.Length);
            Write(found);
            _rest = _rest[consumed..];
            if (found == TextEvent.NeedMoreData)
            {
                return;
            }
        }
    }

    private void Write(TextEvent found)
    {
        switch (found)
        {
            case TextEvent.Command:
                string argument = Text(_rest.AsSpan(_parser.Argument));
                _log.Append(_parser.Verb).Append(_parser.Verb is TextVerb.Echo or TextVerb.Auth ? $"({argument})" : "").Append('\n');
                break;
            case TextEvent.RelayBegins:
                Assert.Equal(TextVerb.Relay, _parser.Verb);
                _log.Append("Relay ").AppendJoin(',', _parser.Receivers.ToArray());
                _log.Append(_parser.PromptForBody && !IgnoreArrivals ? " prompt\n" : "\n");
                _body.Clear();
                break;
            case TextEvent.Body:
                Assert.NotEmpty(_rest[_parser.Body]);
                _body.AddRange(_rest[_parser.Body]);
                break;
            case TextEvent.RelayEnds:
                _log.Append('<').Append(Text(_body.ToArray())).Append(">\n");
                break;
            case TextEvent.Error:
                string text = Encoding.UTF8.GetString(_parser.ErrorText);
                text = IgnoreArrivals ? text.Replace(Waits, "", StringComparison.Ordinal) : text;
                _log.Append(_parser.ErrorName).Append(": ").Append(text).Append('\n');
                break;
            case TextEvent.NeedMoreData:
                break;
            default:
                Assert.Fail($"unknown event {found}");
                break;
        }
    }
}
