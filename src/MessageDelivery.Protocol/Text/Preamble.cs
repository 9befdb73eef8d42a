namespace MessageDelivery.Protocol.Text;

/// <summary>
/// What programs send before the first command: a byte order mark, and telnet negotiation (RFC 854 and 855), subnegotiations included. It
/// is skipped, however it is split.
/// </summary>
internal struct Preamble
{
    private const byte Iac = 0xFF;
    private const byte Dont = 0xFE;
    private const byte Will = 0xFB;
    private const byte Sb = 0xFA;
    private const byte Se = 0xF0;

    // The first of the two-byte commands: EOF of RFC 1184.
    private const byte FirstCommand = 0xEC;

    private bool _isSubnegotiation;

    /// <summary>How many bytes are to be skipped.</summary>
    /// <param name="input">Bytes at the beginning of a line.</param>
    /// <param name="isUndecided">Whether the rest may be the beginning of more to skip.</param>
    public int Skip(ReadOnlySpan<byte> input, out bool isUndecided)
    {
        int skipped = 0;
        while (true)
        {
            int next = _isSubnegotiation ? RestOfSubnegotiation(input[skipped..], out isUndecided) : Next(input[skipped..], out isUndecided);
            if (next == 0)
            {
                return skipped;
            }
            skipped += next;
        }
    }

    /// <summary>Whether an undecided rest at the end of input is telnet negotiation, not text.</summary>
    public readonly bool IsTelnet(ReadOnlySpan<byte> rest) => _isSubnegotiation || rest is [Iac, ..];

    private int Next(ReadOnlySpan<byte> rest, out bool isUndecided)
    {
        isUndecided = false;
        switch (rest)
        {
            case [0xEF, 0xBB, 0xBF, ..]:
                return 3;
            case [0xEF] or [0xEF, 0xBB] or [Iac] or [Iac, >= Will and <= Dont]:
                isUndecided = true;
                return 0;
            case [Iac, >= Will and <= Dont, _, ..]:
                return 3;
            case [Iac, Sb, ..]:
                _isSubnegotiation = true;
                return 2;
            case [Iac, >= FirstCommand and < Sb, ..]:
                return 2;
            default:
                return 0;
        }
    }

    private int RestOfSubnegotiation(ReadOnlySpan<byte> rest, out bool isUndecided)
    {
        int mark = rest.IndexOf(Iac);
        int skipped = mark < 0 ? rest.Length : mark;
        isUndecided = skipped == 0 && rest.Length < 2;
        if (skipped > 0 || isUndecided)
        {
            return skipped;
        }
        // A doubled IAC is data.
        _isSubnegotiation = rest[1] != Se;
        return 2;
    }
}
