using System.Buffers.Text;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Org.BouncyCastle.Crypto.Parameters;

namespace MessageDelivery.Hub.Access;

/// <summary>
/// Signs JSON Web Tokens for trying a hub out. It is no issuer: it keeps no record of what it signs, and a hub needs only the public
/// keys.
/// </summary>
public sealed class JwtSigner
{
    private readonly string _algorithm;
    private readonly Func<byte[], byte[]> _sign;

    private JwtSigner(string algorithm, Func<byte[], byte[]> sign)
    {
        _algorithm = algorithm;
        _sign = sign;
    }

    /// <summary>Signs with HS256 and a secret in a file, as <see cref="JwtKeys.LoadSecret"/> reads it.</summary>
    /// <exception cref="AccessFileException">The file cannot be used; the message says why.</exception>
    public static JwtSigner LoadSecret(string path)
    {
        byte[] secret = JwtKeys.ReadSecret(path);
        return new(JwtKey.Hs256, data => HMACSHA256.HashData(secret, data));
    }

    /// <summary>Signs with a private key in PEM ("PRIVATE KEY", not encrypted): RS256 for RSA, ES256 for P-256, EdDSA for Ed25519.</summary>
    /// <exception cref="AccessFileException">The file cannot be used; the message says why.</exception>
    public static JwtSigner LoadPrivateKey(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string text = Encoding.UTF8.GetString(SecretFile.Read(path, isSecret: true));
        if (!PemEncoding.TryFind(text, out var fields) || text[fields.Label] is not ("PRIVATE KEY" or "RSA PRIVATE KEY" or "EC PRIVATE KEY"))
        {
            throw new AccessFileException($"{path} has no private key in PEM that is not encrypted");
        }

        try
        {
            byte[] data = Convert.FromBase64String(text[fields.Base64Data]);
            return text[fields.Label] switch
            {
                "RSA PRIVATE KEY" => OfRsa(rsa => rsa.ImportRSAPrivateKey(data, out _)),
                "EC PRIVATE KEY" => OfElliptic(elliptic => elliptic.ImportECPrivateKey(data, out _)),
                _ => OfPrivateKeyInfo(data),
            };
        }
        catch (Exception exception) when (exception is CryptographicException or AsnContentException or FormatException)
        {
            throw new AccessFileException($"{path} has no private key of RSA, P-256 or Ed25519");
        }
    }

    /// <summary>Signs a token.</summary>
    /// <param name="writeClaims">Writes the claims into the object that is being written.</param>
    /// <param name="keyId">The <c>kid</c> of its header; null is none.</param>
    public string Sign(Action<Utf8JsonWriter> writeClaims, string? keyId = null)
    {
        ArgumentNullException.ThrowIfNull(writeClaims);
        string header = Encode(writer =>
        {
            writer.WriteString("alg", _algorithm);
            writer.WriteString("typ", "JWT");
            if (keyId is not null)
            {
                writer.WriteString("kid", keyId);
            }
        });
        string signed = $"{header}.{Encode(writeClaims)}";
        return $"{signed}.{Base64Url.EncodeToString(_sign(Encoding.ASCII.GetBytes(signed)))}";
    }

    private static string Encode(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        return Base64Url.EncodeToString(stream.ToArray());
    }

    private static JwtSigner OfPrivateKeyInfo(byte[] info)
    {
        var whole = new AsnReader(info, AsnEncodingRules.BER).ReadSequence();
        whole.ReadInteger();
        switch (whole.ReadSequence().ReadObjectIdentifier())
        {
            case "1.2.840.113549.1.1.1":
                return OfRsa(rsa => rsa.ImportPkcs8PrivateKey(info, out _));
            case "1.3.101.112":
                var key = new Ed25519PrivateKeyParameters(new AsnReader(whole.ReadOctetString(), AsnEncodingRules.BER).ReadOctetString());
                return new(JwtKey.EdDsa, data =>
                {
                    byte[] signature = new byte[Ed25519PrivateKeyParameters.SignatureSize];
                    key.Sign(Org.BouncyCastle.Math.EC.Rfc8032.Ed25519.Algorithm.Ed25519, null, data, 0, data.Length, signature, 0);
                    return signature;
                });
            default:
                return OfElliptic(elliptic => elliptic.ImportPkcs8PrivateKey(info, out _));
        }
    }

    private static JwtSigner OfRsa(Action<RSA> import)
    {
        var rsa = RSA.Create();
        import(rsa);
        return new(JwtKey.Rs256, data => rsa.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
    }

    private static JwtSigner OfElliptic(Action<ECDsa> import)
    {
        var elliptic = ECDsa.Create();
        import(elliptic);
        return elliptic.KeySize == 256
            ? new(JwtKey.Es256, data => elliptic.SignData(data, HashAlgorithmName.SHA256))
            : throw new CryptographicException("not on P-256");
    }
}
