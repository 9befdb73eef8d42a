using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using MessageDelivery.Protocol;

namespace MessageDelivery.Cli.Attacks;

/// <summary>
/// Tells what a hub says on one connection, whatever protocol it answers in: the first byte decides. Keeps no more than one line
/// or, where bodies are kept, one frame.
/// </summary>
/// <param name="said">Takes each answer in turn.</param>
/// <param name="keepsBodies">Whether payloads of more than a few bytes are wanted.</param>
internal sealed class AnswerReader(Action<Answer> said, bool keepsBodies)
{
    private const byte MinHubFrame = 0x80;
    private const byte TlsAlert = 0x15;
    private const byte TlsHandshake = 0x16;
    private const int MaxLineBytes = 16_384;
    private const int ShortPayloadBytes = ProtocolLimits.MaxTextLength;
    private const string Prefix = "[Server] ";
    private const string ErrorPrefix = Prefix + "Error: ";

    private readonly List<byte> _kept = [];
    private Form _form;
    private FrameHeader _header;
    private bool _hasHeader;
    private long _skip;

    private enum Form
    {
        Unknown,
        Frames,
        Lines,
        Ignored,
    }

    /// <summary>Takes the next bytes of the stream.</summary>
    public void Take(ReadOnlySpan<byte> bytes)
    {
        if (_form == Form.Unknown && !bytes.IsEmpty)
        {
            Begin(bytes[0]);
        }

        while (!bytes.IsEmpty)
        {
            bytes = bytes[(_form switch
            {
                Form.Frames => TakeFrame(bytes),
                Form.Lines => TakeLine(bytes),
                _ => bytes.Length,
            })..];
        }
    }

    private void Begin(byte first)
    {
        switch (first)
        {
            case TlsAlert or TlsHandshake:
                _form = Form.Ignored;
                said(new(first == TlsAlert ? "TLS alert" : "TLS handshake", []));
                break;
            default:
                _form = first >= MinHubFrame ? Form.Frames : Form.Lines;
                break;
        }
    }

    private int TakeFrame(ReadOnlySpan<byte> bytes)
    {
        if (_skip > 0)
        {
            int skipped = (int)Math.Min(_skip, bytes.Length);
            _skip -= skipped;
            return skipped;
        }

        int wanted = (_hasHeader ? (int)_header.Length : ProtocolLimits.HeaderBytes) - _kept.Count;
        int taken = Math.Min(wanted, bytes.Length);
        _kept.AddRange(bytes[..taken]);
        if (taken < wanted)
        {
            return taken;
        }

        if (_hasHeader)
        {
            Say(_header, [.. _kept]);
        }
        else
        {
            BeginFrame();
        }

        _kept.Clear();
        return taken;
    }

    private void BeginFrame()
    {
        _header = FrameHeader.Read(_kept.ToArray());
        if ((byte)_header.Type < MinHubFrame || _header.Length > ProtocolLimits.MaxRelayLength)
        {
            said(new("not a frame", []));
            _form = Form.Ignored;
        }
        else if (_header.Length == 0 || (_header.Length > ShortPayloadBytes && !keepsBodies))
        {
            _skip = _header.Length;
            Say(_header, []);
        }
        else
        {
            _hasHeader = true;
        }
    }

    private void Say(in FrameHeader header, byte[] payload)
    {
        _hasHeader = false;
        string name = FrameRule.Of(header.Type) is { IsFromHub: true } rule
            ? header.Type is FrameType.GoodbyeReply or FrameType.Error ? $"{rule.Name} {((ProtocolCode)header.Argument).Name()}" : rule.Name
            : string.Create(CultureInfo.InvariantCulture, $"type 0x{(byte)header.Type:x2}");
        said(new(name, payload));
    }

    private int TakeLine(ReadOnlySpan<byte> bytes)
    {
        int end = bytes.IndexOf((byte)'\n');
        int taken = end < 0 ? bytes.Length : end + 1;
        int kept = Math.Min(end < 0 ? taken : end, MaxLineBytes - _kept.Count);
        _kept.AddRange(bytes[..Math.Max(0, kept)]);
        if (end >= 0)
        {
            byte[] line = [.. _kept];
            _kept.Clear();
            SayLine(line);
        }

        return taken;
    }

    private void SayLine(byte[] line)
    {
        string text = Encoding.UTF8.GetString(line);
        if (text.StartsWith("HTTP/1.", StringComparison.Ordinal))
        {
            // The rest of an HTTP answer is for people.
            _form = Form.Ignored;
            said(new($"HTTP {(text.Length >= 12 ? text[9..12] : "?")}", line));
        }
        else
        {
            said(new(LineName(text), line));
        }
    }

    private static string LineName(string text)
    {
        if (text.StartsWith(ErrorPrefix, StringComparison.Ordinal))
        {
            string rest = text[ErrorPrefix.Length..];
            int colon = rest.IndexOf(':', StringComparison.Ordinal);
            return $"error {(colon is > 0 and < 32 ? rest[..colon] : "without a name")}";
        }

        return text switch
        {
            _ when text.StartsWith(Prefix + "Your ID is ", StringComparison.Ordinal) => Answer.TextIdentity,
            _ when text.StartsWith(Prefix + "Client IDs are ", StringComparison.Ordinal) => "list",
            _ when text.StartsWith(Prefix + "Not delivered", StringComparison.Ordinal) => "not delivered",
            _ when text.StartsWith(Prefix + "Type the body", StringComparison.Ordinal) => "prompt",
            _ => Answer.Line,
        };
    }

    /// <summary>The number at the front of a payload: an id, or the sender of a delivery.</summary>
    public static ulong Number(ReadOnlySpan<byte> payload) => payload.Length < sizeof(ulong) ? 0 : BinaryPrimitives.ReadUInt64LittleEndian(payload);
}
