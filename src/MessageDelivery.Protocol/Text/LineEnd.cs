using System.Text;

namespace MessageDelivery.Protocol.Text;

/// <summary>
/// Where a command line, or a line of ids, ends: at LF, CR LF, or the CR NUL that telnet sends for its return key (RFC 854). A line of a
/// body has no such end: CR NUL belongs to the body there, also in a relay of one line.
/// </summary>
internal static class LineEnd
{
    public const byte Lf = (byte)'\n';

    /// <summary>The line end of telnet.</summary>
    public static ReadOnlySpan<byte> Telnet => "\r\0"u8;

    /// <summary>The bytes before the first line end; -1 if there is none.</summary>
    /// <param name="bytes">Bytes from the beginning of a line.</param>
    /// <param name="isCommand">Whether it is a command line, which may contain a body.</param>
    /// <param name="endBytes">The bytes of the line end.</param>
    public static int Find(ReadOnlySpan<byte> bytes, bool isCommand, out int endBytes)
    {
        int feed = bytes.IndexOf(Lf);
        ReadOnlySpan<byte> line = feed < 0 ? bytes : bytes[..feed];
        int telnet = line.IndexOf(Telnet);
        if (telnet >= 0 && !(isCommand && HoldsBody(line[..telnet])))
        {
            endBytes = Telnet.Length;
            return telnet;
        }
        endBytes = feed < 0 ? 0 : line.EndsWith("\r"u8) ? 2 : 1;
        return feed < 0 ? -1 : feed + 1 - endBytes;
    }

    /// <summary>Whether these bytes are the beginning of a relay of one line up to its body.</summary>
    private static bool HoldsBody(ReadOnlySpan<byte> line) =>
        IsRelay(line, out ReadOnlySpan<byte> ids) && ids.Contains((byte)' ');

    /// <summary>Whether a command is a relay; also returns what follows its word, from the first id on.</summary>
    public static bool IsRelay(ReadOnlySpan<byte> line, out ReadOnlySpan<byte> ids)
    {
        line = line.TrimStart((byte)' ');
        int space = line.IndexOf((byte)' ');
        ids = space < 0 ? [] : line[space..].TrimStart((byte)' ');
        return Ascii.EqualsIgnoreCase(space < 0 ? line : line[..space], "relay"u8);
    }
}
