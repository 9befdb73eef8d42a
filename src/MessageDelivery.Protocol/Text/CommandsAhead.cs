using System.Buffers;
using System.Text;

namespace MessageDelivery.Protocol.Text;

/// <summary>A look at bytes that have come and are not read yet: how much of them can be carried out without waiting for more.</summary>
public static class CommandsAhead
{
    private const byte Lf = (byte)'\n';
    private static readonly SearchValues<byte> InIds = SearchValues.Create("0123456789,"u8);

    /// <summary>
    /// The bytes of the commands at the front that are whole, a relay with its body. An estimate for planning, made without the state
    /// of a connection: where the parser takes a line for something else, it is the parser that is right.
    /// </summary>
    /// <param name="front">Bytes that begin between two commands.</param>
    public static int WholeBytes(ReadOnlySpan<byte> front)
    {
        int whole = 0;
        while (front[whole..].IndexOf(Lf) is var end and >= 0)
        {
            var line = front.Slice(whole, end).Trim((byte)' ');
            int next = whole + end + 1;
            if (HasBodyBehind(line))
            {
                int body = BodyBytes(front[(next - 1)..]);
                if (body < 0)
                {
                    break;
                }

                next += body - 1;
            }

            whole = next;
        }

        return whole;
    }

    /// <summary>Whether it is a relay whose body does not stand in the same line.</summary>
    private static bool HasBodyBehind(ReadOnlySpan<byte> line)
    {
        if (line.Length < 5 || !Ascii.EqualsIgnoreCase(line[..5], "relay"u8))
        {
            return false;
        }

        var ids = line[5..].TrimStart((byte)' ');
        int idsEnd = ids.IndexOfAnyExcept(InIds);
        return idsEnd <= 0 || ids[idsEnd] != (byte)' ';
    }

    /// <summary>From the line end in front of a body to behind its closing line; -1 if that has not come.</summary>
    private static int BodyBytes(ReadOnlySpan<byte> lines)
    {
        int unix = lines.IndexOf("\n.\n"u8);
        int windows = lines.IndexOf("\n.\r\n"u8);
        return unix >= 0 && (windows < 0 || unix < windows) ? unix + 3 : windows >= 0 ? windows + 4 : -1;
    }
}
