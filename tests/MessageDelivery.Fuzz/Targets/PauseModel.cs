using System.Text;
using MessageDelivery.Fuzz.Inputs;
using MessageDelivery.Protocol;

namespace MessageDelivery.Fuzz.Targets;

/// <summary>What becomes of what comes after a pause that has ended a body, told once more from the protocol's section 3, by lines.</summary>
internal static class PauseModel
{
    private static readonly string[] Commands = ["identity", "list", "echo", "relay", "auth", "verbose", "help", "quit"];

    public static void Check(FuzzInput input)
    {
        var pieces = input.Pieces();
        if (!input.Has(1) || pieces.Count < 2)
        {
            return;
        }

        byte[] rest = [.. pieces.Skip(1).SelectMany(piece => piece.ToArray())];
        var reading = Read(pieces[0].Span);
        if (!reading.MayEndByPause || LongestLine(rest) > ProtocolLimits.MaxLineBytes)
        {
            return;
        }

        string before = reading.Pause().Log;
        Oracle.Same("what follows a pause", WithoutTexts(before) + Follows(Encoding.Latin1.GetString(rest)), WithoutTexts(reading.Arrive(rest).Log));
    }

    private static string Follows(string rest)
    {
        while (true)
        {
            int length = LineLength(rest, out int end);
            if (length < 0)
            {
                return "";
            }

            string line = rest[..length];
            if (line == "." && rest[end - 1] == '\n')
            {
                return Fresh(rest[end..]);
            }

            if (line.Trim(' ').Length > 0)
            {
                string word = line.TrimStart(' ').Split(' ')[0];
                return Commands.Contains(word, StringComparer.OrdinalIgnoreCase) ? Fresh(rest) : "invalid_message\n" + BehindMark(rest);
            }

            rest = rest[end..];
        }
    }

    /// <summary>What is read behind the first line that holds only a dot; the first of all is none.</summary>
    private static string BehindMark(string rest)
    {
        int unix = rest.IndexOf("\n.\n", StringComparison.Ordinal);
        int windows = rest.IndexOf("\n.\r\n", StringComparison.Ordinal);
        return unix < 0 && windows < 0 ? ""
            : unix >= 0 && (windows < 0 || unix < windows) ? Fresh(rest[(unix + 3)..])
            : Fresh(rest[(windows + 4)..]);
    }

    private static int LineLength(string text, out int end)
    {
        int feed = text.IndexOf('\n', StringComparison.Ordinal);
        int telnet = (feed < 0 ? text : text[..feed]).IndexOf("\r\0", StringComparison.Ordinal);
        if (telnet >= 0 && text[..telnet].TrimStart(' ').Split(' ', StringSplitOptions.None) is var words && !HoldsBody(words))
        {
            end = telnet + 2;
            return telnet;
        }

        end = feed + 1;
        return feed > 0 && text[feed - 1] == '\r' ? feed - 1 : feed;
    }

    private static bool HoldsBody(string[] words) =>
        words[0].Equals("relay", StringComparison.OrdinalIgnoreCase) && words.Skip(1).SkipWhile(word => word.Length == 0).Count() > 1;

    /// <summary>What a connection makes of a text that has begun already, and is between two commands.</summary>
    private static string Fresh(string text) =>
        WithoutTexts(Read(Encoding.Latin1.GetBytes("list\n" + text)).Log)["List <>\n".Length..];

    private static TextReading Read(ReadOnlySpan<byte> text) =>
        new TextReading(ProtocolLimits.MaxBodyBytes, ProtocolLimits.MaxReceivers).Arrive(text);

    /// <summary>The events, with the names of errors only.</summary>
    private static string WithoutTexts(string log) => string.Join('\n', log.Split('\n').Select(
        line => line.StartsWith("invalid_", StringComparison.Ordinal) || line.StartsWith("frame_", StringComparison.Ordinal) ? line.Split(':')[0] : line));

    private static int LongestLine(byte[] text) => text.Length == 0 ? 0 : Encoding.Latin1.GetString(text).Split('\n').Max(line => line.Length);
}
