using System.Buffers;
using System.Buffers.Text;

namespace MessageDelivery.Protocol.Text;

/// <summary>The hub's own lines to a text user: each begins with <c>[Server] </c> and ends in LF. ASCII, but for the text of errors.</summary>
public static class ServerLines
{
    private const int MaxIdDigits = 20;

    /// <summary>Asks for the body of a relay.</summary>
    public static ReadOnlySpan<byte> BodyPrompt => "[Server] Type the body, then a line with only \".\"\n"u8;

    /// <summary>The hint, once for each connection, that a body was relayed because nothing came for <see cref="TextParser.PauseMilliseconds"/>.</summary>
    public static ReadOnlySpan<byte> SentAfterPause => "[Server] Sent after a pause of 1 s; a line with only \".\" ends a body at once\n"u8;

    /// <summary>The last line of a connection that ends because the hub stops.</summary>
    public static ReadOnlySpan<byte> ShuttingDown => "[Server] Error: shutting_down: the hub is stopping; connect again after a pause\n"u8;

    /// <summary>The answer to <c>help</c>: one line for each command.</summary>
    public static ReadOnlySpan<byte> Help =>
        """
        [Server] identity: your own ID
        [Server] list: the IDs of all others who are connected
        [Server] echo TEXT: sends TEXT back to you
        [Server] relay 2,3 TEXT: sends a line to these IDs
        [Server] relay: sends many lines; then come a line of IDs, the lines, and a line with only "." (a line that begins with "." takes one more in front)
        [Server] auth TOKEN: says who you are, where the hub wants to know
        [Server] verbose: tells you whom each relay reached and who sent each message; "verbose off" ends it
        [Server] help: these lines
        [Server] quit: ends the connection

        """u8;

    /// <summary>Writes the answer to <c>identity</c> and <c>auth</c>.</summary>
    public static void Identity(IBufferWriter<byte> output, ulong userId) => Line(output, "[Server] Your ID is "u8, userId);

    /// <summary>Writes the line before a message, for a user who has <c>verbose</c> on.</summary>
    public static void MessageFrom(IBufferWriter<byte> output, ulong sender) => Line(output, "[Server] Message from "u8, sender);

    /// <summary>Begins the answer to <c>list</c>; then come <see cref="ListIds"/>, as often as needed, and <see cref="ListEnds"/>.</summary>
    public static void ListBegins(IBufferWriter<byte> output) => Write(output, "[Server] Client IDs are "u8);

    /// <summary>Writes some of the list's ids, in the order given.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="userIds">The ids; none is allowed.</param>
    /// <param name="first">Whether no id of this list has been written before.</param>
    public static void ListIds(IBufferWriter<byte> output, ReadOnlySpan<ulong> userIds, bool first)
    {
        ArgumentNullException.ThrowIfNull(output);
        foreach (ulong userId in userIds)
        {
            Id(output, userId, ref first);
        }
    }

    /// <summary>Ends the answer to <c>list</c>.</summary>
    public static void ListEnds(IBufferWriter<byte> output) => Write(output, "\n"u8);

    /// <summary>Writes the whole answer to <c>list</c>.</summary>
    public static void List(IBufferWriter<byte> output, ReadOnlySpan<ulong> userIds)
    {
        ListBegins(output);
        ListIds(output, userIds, first: true);
        ListEnds(output);
    }

    /// <summary>
    /// Writes whom a relay did not reach, such as <c>Not delivered to 5, 100500: unknown; 7: full</c>: grouped by outcome
    /// in the order in which each first appears, an id that is listed twice once, with the outcome of its first entry.
    /// Writes nothing and returns false if all were reached.
    /// </summary>
    /// <exception cref="ArgumentException">There is not one outcome for each receiver.</exception>
    public static bool NotDelivered(IBufferWriter<byte> output, ReadOnlySpan<ulong> receivers, ReadOnlySpan<Outcome> outcomes)
    {
        CheckLengths(receivers, outcomes);
        bool any = false;
        for (int i = 0; i < receivers.Length; i++)
        {
            Outcome outcome = outcomes[i];
            if (IsReached(outcome) || IsRepeated(receivers, i) || IsGrouped(receivers, outcomes, i))
            {
                continue;
            }
            Write(output, any ? "; "u8 : "[Server] Not delivered to "u8);
            any = true;
            bool first = true;
            for (int j = i; j < receivers.Length; j++)
            {
                if (outcomes[j] == outcome && !IsRepeated(receivers, j))
                {
                    Id(output, receivers[j], ref first);
                }
            }
            Write(output, ": "u8);
            Ascii(output, outcome.Name());
        }
        if (any)
        {
            Write(output, "\n"u8);
        }
        return any;
    }

    /// <summary>
    /// Writes whom a relay reached, such as <c>Relayed to 2, 3</c>, for a sender who has <c>verbose</c> on: those who have
    /// accepted it and those for whom it is held, in the order listed, each once. Writes nothing and returns false if
    /// there are none.
    /// </summary>
    /// <exception cref="ArgumentException">There is not one outcome for each receiver.</exception>
    public static bool RelayedTo(IBufferWriter<byte> output, ReadOnlySpan<ulong> receivers, ReadOnlySpan<Outcome> outcomes)
    {
        CheckLengths(receivers, outcomes);
        bool first = true;
        for (int i = 0; i < receivers.Length; i++)
        {
            if (IsReached(outcomes[i]) && !IsRepeated(receivers, i))
            {
                if (first)
                {
                    Write(output, "[Server] Relayed to "u8);
                }
                Id(output, receivers[i], ref first);
            }
        }
        if (!first)
        {
            Write(output, "\n"u8);
        }
        return !first;
    }

    /// <summary>Writes <c>Error: NAME: text</c>. The text is written as it is: it has no line end and no control bytes.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="name">The error's name, such as <see cref="TextParser.ErrorName"/>.</param>
    /// <param name="text">What is wrong, such as <see cref="TextParser.ErrorText"/>, in UTF-8.</param>
    public static void Error(IBufferWriter<byte> output, string name, ReadOnlySpan<byte> text)
    {
        ArgumentNullException.ThrowIfNull(name);
        Write(output, "[Server] Error: "u8);
        Ascii(output, name);
        Write(output, ": "u8);
        Write(output, text);
        Write(output, "\n"u8);
    }

    /// <summary>Writes <c>Error: NAME: text</c> for a code of the protocol's.</summary>
    public static void Error(IBufferWriter<byte> output, ProtocolCode code, ReadOnlySpan<byte> text) =>
        Error(output, code.Name(), text);

    // A duplicate of an earlier entry.
    private static bool IsRepeated(ReadOnlySpan<ulong> receivers, int index) => receivers[..index].Contains(receivers[index]);

    private static bool IsGrouped(ReadOnlySpan<ulong> receivers, ReadOnlySpan<Outcome> outcomes, int index)
    {
        for (int i = 0; i < index; i++)
        {
            if (outcomes[i] == outcomes[index] && !IsRepeated(receivers, i))
            {
                return true;
            }
        }
        return false;
    }

    private static bool IsReached(Outcome outcome) => outcome is Outcome.Accepted or Outcome.Held or Outcome.Delivered;

    private static void CheckLengths(ReadOnlySpan<ulong> receivers, ReadOnlySpan<Outcome> outcomes)
    {
        if (receivers.Length != outcomes.Length)
        {
            throw new ArgumentException($"{outcomes.Length} outcomes for {receivers.Length} receivers.", nameof(outcomes));
        }
    }

    private static void Line(IBufferWriter<byte> output, ReadOnlySpan<byte> text, ulong id)
    {
        bool first = true;
        Write(output, text);
        Id(output, id, ref first);
        Write(output, "\n"u8);
    }

    private static void Id(IBufferWriter<byte> output, ulong id, ref bool first)
    {
        Span<byte> room = output.GetSpan(MaxIdDigits + 2);
        int length = 0;
        if (!first)
        {
            ", "u8.CopyTo(room);
            length = 2;
        }
        first = false;
        _ = Utf8Formatter.TryFormat(id, room[length..], out int digits);
        output.Advance(length + digits);
    }

    private static void Ascii(IBufferWriter<byte> output, string text)
    {
        System.Text.Ascii.FromUtf16(text, output.GetSpan(text.Length), out int written);
        output.Advance(written);
    }

    private static void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> text)
    {
        ArgumentNullException.ThrowIfNull(output);
        text.CopyTo(output.GetSpan(Math.Max(1, text.Length)));
        output.Advance(text.Length);
    }
}
