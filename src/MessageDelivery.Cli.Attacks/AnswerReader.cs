using System.Text;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;

namespace MessageDelivery.Cli.Attacks;

/// <summary>Tells what a hub says on one connection, whatever protocol it answers in: the first byte decides.</summary>
/// <param name="said">Takes each answer in turn.</param>
internal sealed class AnswerReader(Action<Answer> said)
{
    private const byte MinHubFrame = 0x80;
    private const byte TlsAlert = 0x15;
    private const byte TlsHandshake = 0x16;
    private const int MaxLineBytes = ReceiveBuffer.MaxBytes / 2;
    private const int ShortPayloadBytes = ProtocolLimits.MaxTextLength;

    private Form _form;

    private enum Form
    {
        Unknown,
        Frames,
        Lines,
        Ignored,
    }

    /// <summary>Takes what can be understood of what has come.</summary>
    public void Take(ReceiveBuffer received)
    {
        if (_form == Form.Unknown && received.Count > 0)
        {
            byte first = received.Unread.Span[0];
            _form = first >= MinHubFrame ? Form.Frames : first is TlsAlert or TlsHandshake ? Form.Ignored : Form.Lines;
            if (_form == Form.Ignored)
            {
                said(new(first == TlsAlert ? "TLS alert" : "TLS handshake", []));
            }
        }

        try
        {
            while (_form == Form.Frames && received.TryTakeFrame(out var frame))
            {
                Say(frame);
            }
        }
        catch (InvalidDataException)
        {
            Ignore("not a frame");
        }

        while (_form == Form.Lines && received.TryTakeLine(out var line))
        {
            SayLine(line.ToArray());
        }

        if (_form == Form.Ignored || received.Count > MaxLineBytes)
        {
            received.Take(received.Count);
        }
    }

    private void Ignore(string what, byte[]? bytes = null)
    {
        _form = Form.Ignored;
        said(new(what, bytes ?? []));
    }

    private void Say(in Frame frame)
    {
        if (frame.Type < (FrameType)MinHubFrame)
        {
            Ignore("not a frame");
            return;
        }

        string name = FrameRule.Of(frame.Type) is { IsFromHub: true } rule
            ? frame.Type is FrameType.GoodbyeReply or FrameType.Error ? $"{rule.Name} {frame.Code.Name()}" : rule.Name
            : $"type 0x{(byte)frame.Type:x2}";
        bool isWanted = frame.Payload.Length <= ShortPayloadBytes || frame.Type == FrameType.Delivery;
        said(new(name, isWanted ? frame.Payload.ToArray() : []));
    }

    private void SayLine(byte[] line)
    {
        string text = Encoding.UTF8.GetString(line);
        if (text.StartsWith("HTTP/1.", StringComparison.Ordinal))
        {
            // The rest of an HTTP answer is for people.
            Ignore($"HTTP {(text.Length >= 12 ? text[9..12] : "?")}", line);
        }
        else
        {
            said(new(LineName(text), line));
        }
    }

    private static string LineName(string text)
    {
        if (text.StartsWith(ServerText.Error, StringComparison.Ordinal))
        {
            string rest = text[ServerText.Error.Length..];
            int colon = rest.IndexOf(':', StringComparison.Ordinal);
            return $"error {(colon is > 0 and < 32 ? rest[..colon] : "without a name")}";
        }

        return text switch
        {
            _ when text.StartsWith(ServerText.Identity, StringComparison.Ordinal) => Answer.TextIdentity,
            _ when text.StartsWith(ServerText.List, StringComparison.Ordinal) => "list",
            _ when text.StartsWith(ServerText.NotDelivered, StringComparison.Ordinal) => "not delivered",
            _ when text.StartsWith(ServerText.BodyPrompt, StringComparison.Ordinal) => "prompt",
            _ => Answer.Line,
        };
    }
}
