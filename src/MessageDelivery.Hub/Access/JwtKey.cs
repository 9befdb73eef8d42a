using System.Formats.Asn1;
using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;

namespace MessageDelivery.Hub.Access;

/// <summary>A key, and the one algorithm with which it verifies: what the token says of algorithms only finds the key.</summary>
internal sealed record JwtKey(string Algorithm, string? Id, SecurityKey Key)
{
    public const string Hs256 = "HS256";
    public const string Rs256 = "RS256";
    public const string Es256 = "ES256";
    public const string EdDsa = EdDsaKey.Algorithm;

    /// <summary>The fewest bytes of a secret: as many as the hash has.</summary>
    public const int MinSecretBytes = 32;

    private const int MinRsaBits = 2_048;
    private const int MaxRsaBits = 8_192;
    private const string RsaObject = "1.2.840.113549.1.1.1";
    private const string EllipticObject = "1.2.840.10045.2.1";
    private const string Ed25519Object = "1.3.101.112";

    public static JwtKey OfSecret(byte[] secret) => new(Hs256, null, new SymmetricSecurityKey(secret));

    /// <exception cref="CryptographicException">The key is impossible, or too weak; the message says why.</exception>
    public static JwtKey OfRsa(RSAParameters parameters, string? id)
    {
        byte[] modulus = parameters.Modulus ?? [], exponent = parameters.Exponent ?? [];
        if (modulus.Length == 0 || exponent.Length == 0 || (modulus[^1] & 1) == 0 || (exponent[^1] & 1) == 0)
        {
            throw new CryptographicException("an RSA key whose modulus or exponent is empty or even");
        }

        // With the exponent 1 anybody can sign.
        if (exponent[^1] == 1 && !exponent.AsSpan()[..^1].ContainsAnyExcept((byte)0))
        {
            throw new CryptographicException("an RSA key with the exponent 1");
        }

        using var rsa = RSA.Create(parameters);
        return rsa.KeySize is >= MinRsaBits and <= MaxRsaBits
            ? new(Rs256, id, new RsaSecurityKey(parameters))
            : throw new CryptographicException($"an RSA key of {rsa.KeySize} bits; it must have {MinRsaBits} to {MaxRsaBits}");
    }

    /// <exception cref="CryptographicException">The key is not on the curve P-256.</exception>
    public static JwtKey OfElliptic(ECParameters parameters, string? id)
    {
        // Made once to see that the point is on the curve; the library makes its own.
        using var elliptic = ECDsa.Create(parameters);
        var key = elliptic.ExportParameters(includePrivateParameters: false);
        return new(Es256, id, new JsonWebKey
        {
            Kty = JsonWebAlgorithmsKeyTypes.EllipticCurve,
            Crv = JsonWebKeyECTypes.P256,
            X = Base64UrlEncoder.Encode(key.Q.X),
            Y = Base64UrlEncoder.Encode(key.Q.Y),
        });
    }

    /// <exception cref="CryptographicException">The key is not one of Ed25519.</exception>
    public static JwtKey OfEd25519(ReadOnlySpan<byte> key, string? id) => key.Length == 32
        ? new(EdDsa, id, new EdDsaKey(key))
        : throw new CryptographicException($"an Ed25519 key of {key.Length} bytes; it must have 32");

    /// <summary>Reads a SubjectPublicKeyInfo (RFC 5280), as "PUBLIC KEY" in PEM has it.</summary>
    /// <exception cref="CryptographicException">It is none, or of a kind that verifies nothing here.</exception>
    public static JwtKey OfPublicKeyInfo(byte[] info)
    {
        switch (ObjectOf(info, out var key))
        {
            case RsaObject:
                using (var rsa = RSA.Create())
                {
                    rsa.ImportSubjectPublicKeyInfo(info, out _);
                    return OfRsa(rsa.ExportParameters(includePrivateParameters: false), null);
                }

            case EllipticObject:
                using (var elliptic = ECDsa.Create())
                {
                    elliptic.ImportSubjectPublicKeyInfo(info, out _);
                    var parameters = elliptic.ExportParameters(includePrivateParameters: false);
                    return IsP256(parameters) ? OfElliptic(parameters, null) : throw new CryptographicException("an elliptic key on another curve than P-256");
                }

            case Ed25519Object:
                return OfEd25519(key, null);
            case var other:
                throw new CryptographicException($"a public key of the kind {other}; RSA, P-256 and Ed25519 are possible");
        }
    }

    private static bool IsP256(in ECParameters parameters) =>
        parameters.Curve.IsNamed && (parameters.Curve.Oid.Value ?? parameters.Curve.Oid.FriendlyName) is "1.2.840.10045.3.1.7" or "nistP256";

    private static string ObjectOf(byte[] info, out ReadOnlySpan<byte> key)
    {
        try
        {
            var whole = new AsnReader(info, AsnEncodingRules.DER).ReadSequence();
            string kind = whole.ReadSequence().ReadObjectIdentifier();
            key = whole.ReadBitString(out _);
            return kind;
        }
        catch (AsnContentException)
        {
            throw new CryptographicException("not a public key");
        }
    }
}
