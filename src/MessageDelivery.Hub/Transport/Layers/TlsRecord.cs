using System.Buffers.Binary;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>The outside of TLS records (RFC 8446, section 5.1): where one ends, and whether it can be one at all.</summary>
internal static class TlsRecord
{
    public const int HeaderBytes = 5;

    /// <summary>The most that one record holds when it is decrypted.</summary>
    public const int MaxPlainBytes = 16 << 10;

    /// <summary>The most bytes of a record, its header included, that TLS 1.3 (256 more than plain) or any suite of 1.2 in use makes.</summary>
    public const int MaxBytes = HeaderBytes + MaxPlainBytes + 256;

    /// <summary>Bytes that are not a record, or one that is too long.</summary>
    public const int Junk = -1;

    private const byte FirstType = 20;
    private const byte LastType = 23;
    private const byte Version = 3;

    /// <summary>The length of the record that begins here, its header included; 0 if too little has come to tell; or <see cref="Junk"/>.</summary>
    public static int Length(ReadOnlySpan<byte> bytes)
    {
        if ((bytes.Length > 0 && bytes[0] is < FirstType or > LastType) || (bytes.Length > 1 && bytes[1] != Version))
        {
            return Junk;
        }

        if (bytes.Length < HeaderBytes)
        {
            return 0;
        }

        int length = HeaderBytes + BinaryPrimitives.ReadUInt16BigEndian(bytes[3..]);
        return length > MaxBytes ? Junk : length;
    }

    /// <summary>Bytes until the next thing can be told of an unfinished record: its length, or its end.</summary>
    public static int Missing(ReadOnlySpan<byte> begun) =>
        Length(begun) is var length and > 0 ? length - begun.Length : HeaderBytes - begun.Length;

    /// <summary>Bytes of the whole records at the beginning, at most so many of them; or <see cref="Junk"/> if what follows them is none.</summary>
    public static int WholeBytes(ReadOnlySpan<byte> bytes, int maxRecords)
    {
        int whole = 0;
        for (int records = 0; records < maxRecords; records++)
        {
            int length = Length(bytes[whole..]);
            if (length == Junk)
            {
                return whole > 0 ? whole : Junk;
            }

            if (length == 0 || whole + length > bytes.Length)
            {
                break;
            }

            whole += length;
        }

        return whole;
    }
}
