namespace MessageDelivery.Protocol.Text;

/// <summary>Lookahead: how many of the unread bytes are complete commands.</summary>
public static class CommandsAhead
{
    /// <summary>
    /// The bytes of the complete commands at the front, relays with their bodies. An estimate without the connection's state; the parser
    /// may read a line differently.
    /// </summary>
    /// <param name="front">Bytes that begin between two commands.</param>
    public static int WholeBytes(ReadOnlySpan<byte> front)
    {
        int whole = 0;
        int next = 0;
        while (TryReadCommand(front, ref next))
        {
            whole = next;
        }

        return whole;
    }

    /// <summary>Skips the command or empty line at a position. False if it is not complete.</summary>
    private static bool TryReadCommand(ReadOnlySpan<byte> front, ref int next)
    {
        next += default(Preamble).Skip(front[next..], out bool isUndecided);
        if (isUndecided || !TryReadLine(front, isCommand: true, ref next, out var line))
        {
            return false;
        }

        if (!LineEnd.IsRelay(line, out var ids))
        {
            return true;
        }

        // The ids may have a line of their own.
        if (ids.IsEmpty && !TryReadLine(front, isCommand: false, ref next, out _))
        {
            return false;
        }

        int body = ids.Contains((byte)' ') ? 0 : BodyBytes(front[next..]);
        next += Math.Max(body, 0);
        return body >= 0;
    }

    private static bool TryReadLine(ReadOnlySpan<byte> front, bool isCommand, ref int next, out ReadOnlySpan<byte> line)
    {
        int length = LineEnd.Find(front[next..], isCommand, out int endBytes);
        line = front.Slice(next, Math.Max(length, 0));
        next += line.Length + endBytes;
        return length >= 0;
    }

    /// <summary>The bytes of a body with its end mark; -1 if that has not come.</summary>
    private static int BodyBytes(ReadOnlySpan<byte> body)
    {
        if (body.StartsWith(".\n"u8) || body.StartsWith(".\r\n"u8))
        {
            return body.IndexOf(LineEnd.Lf) + 1;
        }

        int unix = body.IndexOf("\n.\n"u8);
        int windows = body.IndexOf("\n.\r\n"u8);
        return unix >= 0 && (windows < 0 || unix < windows) ? unix + 3 : windows >= 0 ? windows + 4 : -1;
    }
}
