using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;

namespace MessageDelivery.Hub.Access;

/// <summary>
/// The keys with which JSON Web Tokens are verified: public ones from a JWKS (RFC 7517) or PEM, or a secret. Each has one algorithm:
/// RS256 for RSA, ES256 for P-256, EdDSA for Ed25519, HS256 for a secret.
/// </summary>
public sealed class JwtKeys
{
    /// <summary>The most keys of a file.</summary>
    public const int MostKeys = 64;

    private JwtKeys(IReadOnlyList<JwtKey> keys) => Keys = keys;

    internal IReadOnlyList<JwtKey> Keys { get; }

    /// <summary>Reads public keys: a JWKS if the file begins with a brace, else PEM. Others may read the file, but not change it.</summary>
    /// <exception cref="AccessFileException">The file cannot be used; the message says why.</exception>
    public static JwtKeys LoadPublic(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        byte[] bytes = SecretFile.Read(path, isSecret: false);
        try
        {
            bool isJson = bytes.AsSpan().TrimStart(" \t\r\n"u8) is [(byte)'{', ..];
            var keys = isJson ? ReadJwks(bytes) : ReadPem(Encoding.UTF8.GetString(bytes));
            return keys.Count is > 0 and <= MostKeys
                ? new(keys)
                : throw new CryptographicException($"{keys.Count} keys that verify tokens; there must be 1 to {MostKeys}");
        }
        catch (Exception exception) when (exception is CryptographicException or FormatException or JsonException or InvalidOperationException)
        {
            string why = exception is CryptographicException ? exception.Message : "not a JWKS (RFC 7517), and not PEM";
            throw new AccessFileException($"{path} has no keys that can be used: {why}");
        }
    }

    /// <summary>Reads a secret: all bytes of the file, without a line end at its end; at least 32. Others must not read it.</summary>
    /// <exception cref="AccessFileException">The file cannot be used; the message says why.</exception>
    public static JwtKeys LoadSecret(string path) => new([JwtKey.OfSecret(ReadSecret(path))]);

    internal static byte[] ReadSecret(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        byte[] secret = SecretFile.Read(path, isSecret: true);
        var text = secret.AsSpan();
        text = text.EndsWith("\r\n"u8) ? text[..^2] : text.EndsWith("\n"u8) ? text[..^1] : text;
        if (text.StartsWith("-----BEGIN"u8))
        {
            throw new AccessFileException($"{path} is PEM: a key of that kind is no secret for HS256");
        }

        return text.Length >= JwtKey.LeastSecretBytes
            ? text.ToArray()
            : throw new AccessFileException($"{path} has a secret of {text.Length} bytes; it must have at least {JwtKey.LeastSecretBytes}");
    }

    private static List<JwtKey> ReadPem(string text)
    {
        var keys = new List<JwtKey>();
        var rest = text.AsSpan();
        while (PemEncoding.TryFind(rest, out var fields))
        {
            var label = rest[fields.Label];
            byte[] data = Convert.FromBase64String(rest[fields.Base64Data].ToString());
            switch (label)
            {
                case "PUBLIC KEY":
                    keys.Add(JwtKey.OfPublicKeyInfo(data));
                    break;
                case "CERTIFICATE":
                    using (var certificate = X509CertificateLoader.LoadCertificate(data))
                    {
                        keys.Add(JwtKey.OfPublicKeyInfo(certificate.PublicKey.ExportSubjectPublicKeyInfo()));
                    }

                    break;
                default:
                    throw new CryptographicException(label.Contains("PRIVATE KEY", StringComparison.Ordinal)
                        ? "there is a private key in it, which only whoever signs should have; the hub needs the public one"
                        : $"\"{label}\" is neither PUBLIC KEY nor CERTIFICATE");
            }

            rest = rest[fields.Location.End..];
        }

        return keys;
    }

    private static List<JwtKey> ReadJwks(byte[] bytes)
    {
        using var document = JsonDocument.Parse(bytes, new() { AllowDuplicateProperties = false, MaxDepth = 8 });
        var keys = new List<JwtKey>();
        foreach (var key in document.RootElement.GetProperty("keys").EnumerateArray())
        {
            if (Text(key, "use") is null or "sig" && ReadJwk(key) is { } read)
            {
                keys.Add(read);
            }
        }

        return keys;
    }

    /// <summary>Null for a key that is for something else: a set may have such, too (RFC 7517, section 5).</summary>
    private static JwtKey? ReadJwk(in JsonElement key)
    {
        string? id = Text(key, "kid");
        string kind = Text(key, "kty") ?? "";
        if (kind == "oct")
        {
            throw new CryptographicException("there is a secret (oct) in it; a secret has a file of its own");
        }

        if (key.TryGetProperty("d", out _))
        {
            throw new CryptographicException("there is a private key in it, which only whoever signs should have; the hub needs the public one");
        }

        var read = (kind, Text(key, "crv")) switch
        {
            ("RSA", _) when Text(key, "alg") is null or JwtKey.Rs256 => JwtKey.OfRsa(new() { Modulus = Bytes(key, "n"), Exponent = Bytes(key, "e") }, id),
            ("EC", "P-256") => JwtKey.OfElliptic(new() { Curve = ECCurve.NamedCurves.nistP256, Q = new() { X = Bytes(key, "x"), Y = Bytes(key, "y") } }, id),
            ("OKP", "Ed25519") => JwtKey.OfEd25519(Bytes(key, "x"), id),
            _ => null,
        };
        return read is not null && Text(key, "alg") is var named && (named is null || named == read.Algorithm || (read.Algorithm == JwtKey.EdDsa && named == "Ed25519"))
            ? read
            : null;
    }

    private static string? Text(in JsonElement key, string name) =>
        key.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static byte[] Bytes(in JsonElement key, string name) =>
        Base64Url.DecodeFromChars(Text(key, name) ?? throw new CryptographicException($"a key without \"{name}\""));
}
