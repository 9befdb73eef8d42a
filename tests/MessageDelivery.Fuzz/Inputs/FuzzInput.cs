namespace MessageDelivery.Fuzz.Inputs;

/// <summary>
/// The bytes that a fuzzer gives, taken apart: one byte that says how the stream is cut, one of switches whose meaning is the
/// target's, and the stream.
/// </summary>
internal readonly struct FuzzInput
{
    public const int HeadBytes = 2;

    private const byte ByteByByte = 255;

    private readonly byte _cuts;

    public FuzzInput(ReadOnlySpan<byte> bytes)
    {
        _cuts = bytes.Length > 0 ? bytes[0] : (byte)0;
        Switches = bytes.Length > 1 ? bytes[1] : (byte)0;
        Stream = bytes.Length > HeadBytes ? bytes[HeadBytes..].ToArray() : [];
    }

    public byte Switches { get; }

    public byte[] Stream { get; }

    /// <summary>The stream in one piece.</summary>
    public List<ReadOnlyMemory<byte>> Whole => Stream.Length == 0 ? [] : [Stream];

    /// <summary>The stream in pieces: of one byte each, or of lengths that follow from the first byte.</summary>
    public List<ReadOnlyMemory<byte>> Pieces(int fewestBytes = 1) => Cut(Stream, fewestBytes);

    /// <summary>Bytes in pieces, as the stream would be cut.</summary>
    public List<ReadOnlyMemory<byte>> Cut(ReadOnlyMemory<byte> bytes, int fewestBytes = 1)
    {
        var pieces = new List<ReadOnlyMemory<byte>>();
        uint state = _cuts + 1u;
        for (int at = 0; at < bytes.Length;)
        {
            int length = Math.Min(bytes.Length - at, Math.Max(fewestBytes, _cuts == ByteByByte ? 1 : NextLength(ref state)));
            pieces.Add(bytes.Slice(at, length));
            at += length;
        }

        return pieces;
    }

    public bool Has(int bit) => (Switches & (1 << bit)) != 0;

    /// <summary>Mostly a few bytes, now and then hundreds or thousands: pieces end within headers and within bodies.</summary>
    private static int NextLength(ref uint state)
    {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        return 1 + (int)((state >> 8) & ((state & 7) switch { < 5 => 15, < 7 => 255, _ => 8191 }));
    }
}
