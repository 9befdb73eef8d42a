using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace MessageDelivery.Hub.Access;

/// <summary>
/// The secrets of a <see cref="TokenFile"/>: 256 random bits each, so that a plain SHA-256 gives none of them away, however long
/// somebody who has the file tries.
/// </summary>
public static class TokenSecret
{
    /// <summary>What each begins with, so that people, and tools that look for lost secrets, know one when they see it.</summary>
    public const string Prefix = "mds_";

    internal const int HashBytes = SHA256.HashSizeInBytes;

    private const int SecretBytes = 32;

    /// <summary>Makes a new one: 47 characters of ASCII.</summary>
    public static string Create()
    {
        Span<byte> bytes = stackalloc byte[SecretBytes];
        RandomNumberGenerator.Fill(bytes);
        return Prefix + Base64Url.EncodeToString(bytes);
    }

    /// <summary>What is kept of a secret: its SHA-256, in hexadecimal digits in lower case.</summary>
    public static string HashOf(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));
}
