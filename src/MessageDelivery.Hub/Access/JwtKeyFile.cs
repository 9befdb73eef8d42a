using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using MessageDelivery.Hub.Linux;

namespace MessageDelivery.Hub.Access;

/// <summary>What a file of public keys holds: those that can be used, and why others cannot (RFC 7517, section 5).</summary>
internal sealed class JwtKeyFile
{
    private const int MaxDepth = 8;
    private const int MaxSkipped = 8;
    private const int MaxReasonLength = 200;

    private readonly List<JwtKey> _keys = [];
    private readonly List<string> _skipped = [];
    private int _moreSkipped;

    private JwtKeyFile()
    {
    }

    public IReadOnlyList<JwtKey> Keys => _keys;

    /// <summary>The reasons, one line each; of many the first ones, and how many more there are.</summary>
    public IReadOnlyList<string> Skipped => _moreSkipped == 0 ? _skipped : [.. _skipped, $"{_moreSkipped} more keys cannot be used"];

    /// <summary>Reads a JWKS, if it begins with a brace, else PEM.</summary>
    /// <exception cref="AccessFileException">It is neither, or has in it what only whoever signs should have.</exception>
    public static JwtKeyFile Read(string path, byte[] bytes)
    {
        var file = new JwtKeyFile();
        try
        {
            if (InputFile.WithoutByteOrderMark(bytes).TrimStart(" \t\r\n"u8) is [(byte)'{', ..])
            {
                file.ReadJwks(bytes);
            }
            else
            {
                file.ReadPem(InputFile.Text(bytes));
            }
        }
        catch (Exception exception) when (IsOfContent(exception))
        {
            throw new AccessFileException($"{path} has no keys that can be used: it is not a JWKS (RFC 7517), and not PEM");
        }
        catch (KeptSecretException exception)
        {
            throw new AccessFileException($"{path} has no keys that can be used: {exception.Message}");
        }

        return file;
    }

    /// <summary>Whether what a file holds may be the cause, rather than a defect.</summary>
    private static bool IsOfContent(Exception exception) =>
        exception is CryptographicException or FormatException or JsonException or InvalidOperationException or ArgumentException or NotSupportedException;

    private void ReadPem(string text)
    {
        var rest = text.AsSpan();
        for (int number = 1; PemEncoding.TryFind(rest, out var fields); number++)
        {
            string label = rest[fields.Label].ToString(), data = rest[fields.Base64Data].ToString();
            if (label.Contains("PRIVATE KEY", StringComparison.Ordinal))
            {
                throw new KeptSecretException("there is a private key in it, which only whoever signs should have; the hub needs the public one");
            }

            Take($"block {number}", () => OfBlock(label, Convert.FromBase64String(data)));
            rest = rest[fields.Location.End..];
        }
    }

    private static JwtKey OfBlock(string label, byte[] data)
    {
        switch (label)
        {
            case "PUBLIC KEY":
                return JwtKey.OfPublicKeyInfo(data);
            case "CERTIFICATE":
                using (var certificate = X509CertificateLoader.LoadCertificate(data))
                {
                    return JwtKey.OfPublicKeyInfo(certificate.PublicKey.ExportSubjectPublicKeyInfo());
                }

            default:
                throw new CryptographicException($"\"{label}\" is neither PUBLIC KEY nor CERTIFICATE");
        }
    }

    private void ReadJwks(byte[] bytes)
    {
        using var document = JsonDocument.Parse(
            bytes.AsMemory(bytes.Length - InputFile.WithoutByteOrderMark(bytes).Length), new() { AllowDuplicateProperties = false, MaxDepth = MaxDepth });
        if (!document.RootElement.TryGetProperty("keys", out var keys) || keys.ValueKind != JsonValueKind.Array)
        {
            throw new JsonException();
        }

        int number = 0;
        foreach (var key in keys.EnumerateArray())
        {
            number++;
            string name = $"key {number}";
            Take(name, () => OfJwk(key));
        }
    }

    /// <summary>Null for a key that is for something else: a set may have such without a word.</summary>
    private static JwtKey? OfJwk(in JsonElement key)
    {
        if (key.ValueKind != JsonValueKind.Object)
        {
            throw new CryptographicException("it is no JSON object");
        }

        if (Text(key, "kty") == "oct")
        {
            throw new KeptSecretException("there is a secret (oct) in it; a secret has a file of its own");
        }

        if (key.TryGetProperty("d", out _))
        {
            throw new KeptSecretException("there is a private key in it, which only whoever signs should have; the hub needs the public one");
        }

        if (Text(key, "use") is not (null or "sig"))
        {
            return null;
        }

        string? id = Text(key, "kid"), named = Text(key, "alg");
        var read = (Text(key, "kty"), Text(key, "crv")) switch
        {
            // A key of RSA for another algorithm may be of any size.
            ("RSA", _) when named is not (null or JwtKey.Rs256) => throw new CryptographicException($"its algorithm is {named}, and of RSA only {JwtKey.Rs256} is possible"),
            ("RSA", _) => JwtKey.OfRsa(new() { Modulus = Bytes(key, "n"), Exponent = Bytes(key, "e") }, id),
            ("EC", "P-256") => JwtKey.OfElliptic(new() { Curve = ECCurve.NamedCurves.nistP256, Q = new() { X = Bytes(key, "x"), Y = Bytes(key, "y") } }, id),
            ("OKP", "Ed25519") => JwtKey.OfEd25519(Bytes(key, "x"), id),
            (null, _) => throw new CryptographicException("it has no \"kty\""),
            var (kind, curve) => throw new CryptographicException($"it is of the kind {kind}{(curve is null ? "" : $" {curve}")}; RSA, P-256 and Ed25519 are possible"),
        };
        return named is null || named == read.Algorithm || (read.Algorithm == JwtKey.EdDsa && named == "Ed25519")
            ? read
            : throw new CryptographicException($"its algorithm is {named}, and its key is one for {read.Algorithm}");
    }

    private void Take(string name, Func<JwtKey?> read)
    {
        try
        {
            if (read() is { } key)
            {
                _keys.Add(key);
            }
        }
        catch (Exception exception) when (IsOfContent(exception))
        {
            Skip(name, exception is CryptographicException ? exception.Message : "it is damaged");
        }
    }

    private void Skip(string name, string why)
    {
        if (_skipped.Count < MaxSkipped)
        {
            _skipped.Add($"{name}: {(why.Length > MaxReasonLength ? why[..MaxReasonLength] + "…" : why)}");
        }
        else
        {
            _moreSkipped++;
        }
    }

    private static string? Text(in JsonElement key, string name) =>
        key.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static byte[] Bytes(in JsonElement key, string name) =>
        Base64Url.DecodeFromChars(Text(key, name) ?? throw new CryptographicException($"it has no \"{name}\""));

    /// <summary>Something in the file that must not be there, whatever else is.</summary>
    private sealed class KeptSecretException(string message) : Exception(message);
}
