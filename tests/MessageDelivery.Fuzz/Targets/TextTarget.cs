using System.Buffers;
using System.Globalization;
using System.Text;
using MessageDelivery.Fuzz.InProcess;
using MessageDelivery.Fuzz.Inputs;
using MessageDelivery.Protocol;
using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Fuzz.Targets;

/// <summary>The parser and the renderer of the text protocol, and the lines the hub says: the same however the bytes are cut.</summary>
internal static class TextTarget
{
    public static void Run(ReadOnlySpan<byte> bytes)
    {
        var input = new FuzzInput(bytes);
        CheckParser(input);
        PauseModel.Check(input);
        CheckLookAhead(input.Stream);
        CheckRenderer(input);
    }

    private static void CheckParser(FuzzInput input)
    {
        int maxBody = input.Has(2) ? 40 : ProtocolLimits.MaxBodyBytes;
        int maxReceivers = input.Has(2) ? 3 : ProtocolLimits.MaxReceivers;
        TextReading Read(List<ReadOnlyMemory<byte>> pieces)
        {
            var reading = new TextReading(maxBody, maxReceivers);
            pieces.ForEach(piece => reading.Arrive(piece.Span));
            return input.Has(0) ? reading.HalfClose() : reading;
        }

        var whole = Read(input.Whole);
        var cut = Read(input.Pieces());
        Oracle.Same("events of a text that is cut into pieces", whole.Log, cut.Log);

        var again = new TextReading(maxBody, maxReceivers);
        again.Arrive([.. whole.Written]);
        Oracle.Same("events of what was written anew", whole.LogWithoutErrors, again.Log);
        whole.Relays.ForEach(CheckServerLines);
        if (input.Has(1))
        {
            cut.Pause();
        }
    }

    /// <summary>What a look ahead takes for whole commands is that, as long as they are right.</summary>
    private static void CheckLookAhead(byte[] text)
    {
        int whole = CommandsAhead.WholeBytes(text);
        Oracle.True(whole == 0 || text[whole - 1] == '\n' || text.AsSpan(0, whole).EndsWith("\r\0"u8), "whole commands end with a line");
        var reading = new TextReading(ProtocolLimits.MaxBodyBytes, ProtocolLimits.MaxReceivers);
        reading.Arrive(text.AsSpan(0, whole));
        Oracle.True(reading.IsBetweenCommands || reading.Log != reading.LogWithoutErrors, $"{whole} bytes are not whole commands");
    }

    private static void CheckRenderer(FuzzInput input)
    {
        byte[] whole = Effect.Rendered(input.Stream);
        CheckRendered(input.Stream, whole);

        var renderer = new TextRenderer();
        var output = new List<byte>();
        byte[] room = new byte[TextRenderer.MaxFinishBytes + (input.Switches & 0x1f)];
        foreach (var piece in input.Pieces())
        {
            for (var rest = piece.Span; !rest.IsEmpty;)
            {
                renderer.Render(rest, room, out int consumed, out int written);
                Oracle.True(consumed > 0 || written > 0, "the renderer makes no progress");
                output.AddRange(room.AsSpan(0, written));
                rest = rest[consumed..];
            }
        }

        renderer.Finish(room, out int last);
        output.AddRange(room.AsSpan(0, last));
        Oracle.Same("a body that is rendered in pieces", whole, output.ToArray());
    }

    private static void CheckRendered(byte[] body, byte[] shown)
    {
        Oracle.True(shown.Length <= TextRenderer.MaxRenderedBytes(body.Length), "more is written than there may be");
        Oracle.True(shown[^1] == '\n', "what is shown has no line end");
        Oracle.True(shown.Length >= body.Length, "something of the body is missing");
        Oracle.True(!Encoding.UTF8.GetString(shown).Replace("\r\n", "\n", StringComparison.Ordinal).Split('\n', '\u2028', '\u2029').Any(LooksLikeTheHub), "somebody speaks for the hub");
        CheckNoControls(shown);
    }

    /// <summary>What a person sees: no characters of format but those that stand over numbers, and one kind of space.</summary>
    private static bool LooksLikeTheHub(string line) => string.Concat(line.EnumerateRunes()
        .Where(rune => Rune.GetUnicodeCategory(rune) != UnicodeCategory.Format || rune.Value is (>= 0x600 and < 0x900 and not 0x61C) or 0x110BD or 0x110CD)
        .Select(rune => Rune.IsWhiteSpace(rune) ? " " : rune.ToString())).StartsWith("[Server] ", StringComparison.Ordinal);

    /// <summary>Nothing that a terminal could obey: no control byte but tab, LF and CR LF, in UTF-8 or outside it.</summary>
    public static void CheckNoControls(ReadOnlySpan<byte> shown)
    {
        for (var rest = shown; !rest.IsEmpty;)
        {
            var status = Rune.DecodeFromUtf8(rest, out var rune, out int length);
            length = status == OperationStatus.Done ? length : 1;
            bool isLineEnd = rest[0] == '\n' || rest.StartsWith("\r\n"u8);
            bool isControl = status == OperationStatus.Done ? Rune.IsControl(rune) : rest[0] < 0xA0;
            Oracle.True(!isControl || isLineEnd || rest[0] == '\t', $"a control byte is shown: {Oracle.Show(rest)}");
            rest = rest[length..];
        }
    }

    /// <summary>Each receiver is named once: as reached, or as not.</summary>
    private static void CheckServerLines(ulong[] receivers)
    {
        var outcomes = receivers.Select(id => (Outcome)(id % 8)).ToArray();
        var lines = new ArrayBufferWriter<byte>();
        bool missed = ServerLines.NotDelivered(lines, receivers, outcomes);
        bool reached = ServerLines.RelayedTo(lines, receivers, outcomes);
        string[] said = Encoding.ASCII.GetString(lines.WrittenSpan).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Oracle.True(said.Length == (missed ? 1 : 0) + (reached ? 1 : 0), "a line for those reached and one for those not");
        var named = said.SelectMany(line => line.Split(' ', ',', ':', ';')).Where(word => ulong.TryParse(word, out _)).Select(ulong.Parse);
        // An outcome this version does not know is named by its number.
        var expected = receivers.Distinct().Concat(receivers.Select(id => id % 8).Where(outcome => outcome > (ulong)Outcome.Delivered).Distinct());
        Oracle.Same("whom the lines name", string.Join(',', expected.Order()), string.Join(',', named.Order()));
    }
}
