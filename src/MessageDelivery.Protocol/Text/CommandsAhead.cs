using System.Text;

namespace MessageDelivery.Protocol.Text;

/// <summary>A look at bytes that have come and are not read yet: how much of them can be carried out without waiting for more.</summary>
public static class CommandsAhead
{
    private const byte Lf = (byte)'\n';

    /// <summary>
    /// The bytes of the commands at the front that are whole, a relay with its body. An estimate for planning, made without the state
    /// of a connection: where the parser takes a line for something else, it is the parser that is right.
    /// </summary>
    /// <param name="front">Bytes that begin between two commands.</param>
    public static int WholeBytes(ReadOnlySpan<byte> front)
    {
        int whole = 0;
        while (LineAt(front, whole, out int next) is { HasEnd: true } command)
        {
            if (IsRelay(command.Text, out var ids))
            {
                // The ids may have a line of their own.
                if (ids.IsEmpty && !LineAt(front, next, out next).HasEnd)
                {
                    break;
                }

                if (!ids.Contains((byte)' '))
                {
                    int body = BodyBytes(front[(next - 1)..]);
                    if (body < 0)
                    {
                        break;
                    }

                    next += body - 1;
                }
            }

            whole = next;
        }

        return whole;
    }

    /// <summary>The line at a place, without its end and the spaces in front, and where the next one begins.</summary>
    private static Line LineAt(ReadOnlySpan<byte> front, int start, out int next)
    {
        int end = front[start..].IndexOf(Lf);
        next = start + end + 1;
        var line = front.Slice(start, Math.Max(end, 0)).TrimStart((byte)' ');
        return new(line.EndsWith("\r"u8) ? line[..^1] : line, end >= 0);
    }

    private static bool IsRelay(ReadOnlySpan<byte> line, out ReadOnlySpan<byte> ids)
    {
        int space = line.IndexOf((byte)' ');
        ids = space < 0 ? [] : line[space..].TrimStart((byte)' ');
        return Ascii.EqualsIgnoreCase(space < 0 ? line : line[..space], "relay"u8);
    }

    /// <summary>From the line end in front of a body to behind its closing line; -1 if that has not come.</summary>
    private static int BodyBytes(ReadOnlySpan<byte> lines)
    {
        int unix = lines.IndexOf("\n.\n"u8);
        int windows = lines.IndexOf("\n.\r\n"u8);
        return unix >= 0 && (windows < 0 || unix < windows) ? unix + 3 : windows >= 0 ? windows + 4 : -1;
    }

    private readonly ref struct Line(ReadOnlySpan<byte> text, bool hasEnd)
    {
        public ReadOnlySpan<byte> Text { get; } = text;

        public bool HasEnd { get; } = hasEnd;
    }
}
