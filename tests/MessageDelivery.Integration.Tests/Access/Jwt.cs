using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MessageDelivery.Hub.Access;

namespace MessageDelivery.Integration.Tests.Access;

/// <summary>Keys of each kind in a folder of its own, and tokens made by hand: also such as nobody should make.</summary>
internal sealed class Jwt : IDisposable
{
    public const string Issuer = "https://issuer.test";
    public const string Audience = "hub";

    private readonly string _folder = Directory.CreateTempSubdirectory("jwt").FullName;

    public Jwt()
    {
        Write("secret", RandomNumberGenerator.GetHexString(64), isSecret: true);
        using var rsa = RSA.Create(2_048);
        Write("rsa.pem", rsa.ExportPkcs8PrivateKeyPem(), isSecret: true);
        Write("rsa.pub", rsa.ExportSubjectPublicKeyInfoPem());
        Rsa = rsa.ExportParameters(includePrivateParameters: false);
        using var elliptic = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Write("es.pem", elliptic.ExportPkcs8PrivateKeyPem(), isSecret: true);
        Write("es.pub", elliptic.ExportSubjectPublicKeyInfoPem());
        Elliptic = elliptic.ExportParameters(includePrivateParameters: false);
        var edwards = new Org.BouncyCastle.Crypto.Parameters.Ed25519PrivateKeyParameters(new Org.BouncyCastle.Security.SecureRandom());
        Edwards = edwards.GeneratePublicKey().GetEncoded();
        Write("ed.pem", Pem("PRIVATE KEY", [.. Convert.FromHexString("302e020100300506032b657004220420"), .. edwards.GetEncoded()]), isSecret: true);
        Write("ed.pub", Pem("PUBLIC KEY", [.. Convert.FromHexString("302a300506032b6570032100"), .. Edwards]));
    }

    public RSAParameters Rsa { get; }

    public ECParameters Elliptic { get; }

    public byte[] Edwards { get; }

    public static long Now { get; } = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeSeconds();

    public string this[string name] => Path.Combine(_folder, name);

    public string Write(string name, string text, bool isSecret = false)
    {
        File.WriteAllText(this[name], text);
        Modes.Set(this[name], isSecret ? 0b110_000_000 : 0b110_100_100);
        return this[name];
    }

    /// <summary>The claims that are wanted, good for an hour, and more.</summary>
    public static string Claims(string more = "", long from = 0) =>
        $$"""{"sub":"alice","iss":"{{Issuer}}","aud":"{{Audience}}","exp":{{(from == 0 ? Now : from) + 3_600}}{{(more.Length > 0 ? "," : "")}}{{more}}}""";

    /// <summary>Signs claims with the key of that name, whatever the header says.</summary>
    public string Sign(string key, string claims, string? header = null)
    {
        byte[] signed = Encoding.UTF8.GetBytes($"{Encode(header ?? $$"""{"alg":"{{Algorithm(key)}}","typ":"JWT"}""")}.{Encode(claims)}");
        return $"{Encoding.UTF8.GetString(signed)}.{Base64Url.EncodeToString(Signature(key, signed))}";
    }

    public static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));

    /// <summary>A JWKS with the three public keys, named as their files.</summary>
    public string Jwks() => JsonSerializer.Serialize(new
    {
        keys = new object[]
        {
            new { kty = "RSA", kid = "rsa", use = "sig", alg = "RS256", n = Base64Url.EncodeToString(Rsa.Modulus), e = Base64Url.EncodeToString(Rsa.Exponent) },
            new { kty = "EC", crv = "P-256", kid = "es", x = Base64Url.EncodeToString(Elliptic.Q.X), y = Base64Url.EncodeToString(Elliptic.Q.Y) },
            new { kty = "OKP", crv = "Ed25519", kid = "ed", x = Base64Url.EncodeToString(Edwards) },
            new { kty = "RSA", kid = "other", use = "enc", n = "AQAB", e = "AQAB" },
        },
    });

    public JwtAuthenticator Authenticator(TimeProvider? time = null, params JwtKeys[] keys) => new(new()
    {
        Keys = keys.Length > 0 ? keys : [JwtKeys.LoadSecret(this["secret"]), JwtKeys.LoadPublic(Write("jwks", Jwks()))],
        Issuer = Issuer,
        Audience = Audience,
        Time = time ?? new Microsoft.Extensions.Time.Testing.FakeTimeProvider(DateTimeOffset.FromUnixTimeSeconds(Now)),
    });

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string Pem(string label, byte[] data) => new(PemEncoding.Write(label, data));

    private static string Algorithm(string key) => key switch { "secret" => "HS256", "rsa" => "RS256", "es" => "ES256", _ => "EdDSA" };

    private byte[] Signature(string key, byte[] signed)
    {
        switch (key)
        {
            case "secret":
                return HMACSHA256.HashData(File.ReadAllBytes(this[key]), signed);
            case "rsa":
                using (var rsa = RSA.Create())
                {
                    rsa.ImportFromPem(File.ReadAllText(this["rsa.pem"]));
                    return rsa.SignData(signed, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
                }

            case "es":
                using (var elliptic = ECDsa.Create())
                {
                    elliptic.ImportFromPem(File.ReadAllText(this["es.pem"]));
                    return elliptic.SignData(signed, HashAlgorithmName.SHA256);
                }

            default:
                return SignEdwards(signed);
        }
    }

    private byte[] SignEdwards(byte[] signed)
    {
        string pem = File.ReadAllText(this["ed.pem"]);
        PemEncoding.TryFind(pem, out var fields);
        var key = new Org.BouncyCastle.Crypto.Parameters.Ed25519PrivateKeyParameters(Convert.FromBase64String(pem[fields.Base64Data])[16..]);
        byte[] signature = new byte[64];
        key.Sign(Org.BouncyCastle.Math.EC.Rfc8032.Ed25519.Algorithm.Ed25519, null, signed, 0, signed.Length, signature, 0);
        return signature;
    }
}
