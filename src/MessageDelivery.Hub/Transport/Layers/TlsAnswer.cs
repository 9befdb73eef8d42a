using System.Buffers.Binary;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>
/// Tells by what a server answers to a ClientHello whether it goes on with a session of before (RFC 8446, section 4.2.11; RFC 5246,
/// section 7.3). <see cref="System.Net.Security.SslStream"/> knows, and does not say.
/// </summary>
internal static class TlsAnswer
{
    private const byte HandshakeRecord = 22;
    private const byte ServerHello = 2;
    private const byte Certificate = 11;
    private const ushort PreSharedKey = 41;
    private const ushort SupportedVersions = 43;

    // Of a ServerHello: type and length (4), version (2), random, and then the session id.
    private const int RandomOffset = 6;
    private const int SessionIdOffset = RandomOffset + 32;

    /// <summary>The random of a ServerHello that asks for another ClientHello instead.</summary>
    private static ReadOnlySpan<byte> RetryRandom =>
    [
        0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
        0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
    ];

    /// <summary>Null if these records do not tell: they begin with no whole ServerHello, or one that asks again.</summary>
    public static bool? Resumes(ReadOnlySpan<byte> records)
    {
        var hello = Inside(records);
        if (hello.Length <= SessionIdOffset || hello[0] != ServerHello || hello[RandomOffset..].StartsWith(RetryRandom))
        {
            return null;
        }

        int end = 4 + (hello[1] << 16 | hello[2] << 8 | hello[3]);
        // Behind the session id: cipher suite (2), compression (1), and the length of the extensions (2).
        int extensions = SessionIdOffset + 1 + hello[SessionIdOffset] + 5;
        if (end > hello.Length)
        {
            return null;
        }

        if (extensions <= end && Has(hello[extensions..end], SupportedVersions))
        {
            return Has(hello[extensions..end], PreSharedKey);
        }

        // Of TLS 1.2: a certificate follows, in this record or the next one, or what was agreed on before is used at once.
        var behind = end < hello.Length ? hello[end..] : Inside(records[(TlsRecord.HeaderBytes + hello.Length)..]);
        return behind.IsEmpty || behind[0] != Certificate;
    }

    /// <summary>What the handshake's record holds that begins here; nothing if none does, or not all of it is there.</summary>
    private static ReadOnlySpan<byte> Inside(ReadOnlySpan<byte> records)
    {
        int length = TlsRecord.Length(records);
        return length > 0 && length <= records.Length && records[0] == HandshakeRecord ? records[TlsRecord.HeaderBytes..length] : [];
    }

    private static bool Has(ReadOnlySpan<byte> extensions, ushort type)
    {
        while (extensions.Length >= 4)
        {
            if (BinaryPrimitives.ReadUInt16BigEndian(extensions) == type)
            {
                return true;
            }

            int length = 4 + BinaryPrimitives.ReadUInt16BigEndian(extensions[2..]);
            extensions = length < extensions.Length ? extensions[length..] : [];
        }

        return false;
    }
}
