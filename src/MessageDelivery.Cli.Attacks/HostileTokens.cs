using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MessageDelivery.Protocol;

namespace MessageDelivery.Cli.Attacks;

/// <summary>Tokens that no hub may take: wrong in form, size, time, algorithm or key.</summary>
internal static class HostileTokens
{
    private const string Claims = """{"sub":"attacker","iss":"attacker","aud":"mds","iat":1700000000,"exp":4000000000}""";
    private const string Expired = """{"sub":"attacker","iss":"attacker","aud":"mds","iat":1500000000,"exp":1500000060}""";
    private const string NotYet = """{"sub":"attacker","nbf":3900000000,"exp":4000000000}""";
    private const string Endless = """{"sub":"attacker"}""";
    private const string Strange = """{"sub":"attacker","exp":99999999999999999999999999999999999999}""";

    /// <summary>Each with what it is.</summary>
    /// <param name="good">A token that is good, so that it can be cut and changed; null where there is none.</param>
    public static IEnumerable<(string What, byte[] Token)> Create(string? good)
    {
        byte[] key = RandomNumberGenerator.GetBytes(32);
        string signed = Hs256("""{"alg":"HS256","typ":"JWT"}""", Claims, key);
        foreach (var (what, token) in Forms(signed))
        {
            yield return (what, Encoding.UTF8.GetBytes(token));
        }

        foreach (var (what, token) in Signed(key))
        {
            yield return (what, Encoding.UTF8.GetBytes(token));
        }

        yield return ("bytes that are no UTF-8", [0xFF, 0xFE, 0xC0, 0x80]);
        yield return ("a token with NUL in it", [.. Encoding.UTF8.GetBytes(signed[..20]), 0, .. Encoding.UTF8.GetBytes(signed[20..])]);
        if (good is { Length: > 1 })
        {
            yield return ("a good token without its end", Encoding.UTF8.GetBytes(good[..^1]));
            yield return ("a good token with its last byte changed", Encoding.UTF8.GetBytes(good[..^1] + (good[^1] == 'A' ? 'B' : 'A')));
            yield return ("a good token and more", Encoding.UTF8.GetBytes(good + "A"));
        }
    }

    private static IEnumerable<(string What, string Token)> Forms(string signed)
    {
        string[] parts = signed.Split('.');
        yield return ("a word", "secret");
        yield return ("dots", "..");
        yield return ("a token of the most bytes", new string('A', ProtocolLimits.MaxTokenBytes));
        yield return ("a token without signature", $"{parts[0]}.{parts[1]}.");
        yield return ("a truncated token", $"{parts[0]}.{parts[1]}");
        yield return ("a token cut in its claims", signed[..(parts[0].Length + 10)]);
        yield return ("a token of five parts", $"{signed}.{parts[0]}.{parts[1]}");
        yield return ("a nested token", $"{Encode("""{"alg":"none","cty":"JWT"}""")}.{Encode(signed)}.");
        yield return ("a header that nests without end", $"{Encode(new string('[', 2_000))}.{parts[1]}.{parts[2]}");
        yield return ("claims that nest without end", $"{parts[0]}.{Encode(string.Concat(Enumerable.Repeat("{\"a\":", 800)))}.{parts[2]}");
    }

    private static IEnumerable<(string What, string Token)> Signed(byte[] key)
    {
        foreach (string none in (string[])["none", "None", "NONE", ""])
        {
            yield return ($"alg '{none}'", $"{Encode($$"""{"alg":"{{none}}","typ":"JWT"}""")}.{Encode(Claims)}.");
        }

        yield return ("no alg at all", Hs256("""{"typ":"JWT"}""", Claims, key));
        yield return ("two algs", Hs256("""{"alg":"none","alg":"HS256"}""", Claims, key));
        yield return ("a token signed with another key", Hs256("""{"alg":"HS256"}""", Claims, key));
        yield return ("a token signed with an empty key", Hs256("""{"alg":"HS256"}""", Claims, []));
        yield return ("an expired token", Hs256("""{"alg":"HS256"}""", Expired, key));
        yield return ("a token of the future", Hs256("""{"alg":"HS256"}""", NotYet, key));
        yield return ("a token that never expires", Hs256("""{"alg":"HS256"}""", Endless, key));
        yield return ("an expiry beyond all numbers", Hs256("""{"alg":"HS256"}""", Strange, key));
        yield return ("a kid that is a path", Hs256("""{"alg":"HS256","kid":"../../../../dev/null"}""", Claims, []));
        yield return ("a jku", Hs256("""{"alg":"HS256","jku":"http://127.0.0.1:9/keys"}""", Claims, key));
        yield return ("an unknown crit", Hs256("""{"alg":"HS256","crit":["exp2"],"exp2":1}""", Claims, key));
        yield return ("a token with a key of its own", OwnKey());
        using var elliptic = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string es256 = $"{Encode("""{"alg":"ES256"}""")}.{Encode(Claims)}";
        yield return ("ES256 with another key", $"{es256}.{Encode(elliptic.SignData(Encoding.UTF8.GetBytes(es256), HashAlgorithmName.SHA256))}");
        yield return ("ES256 with a signature of zeros", $"{es256}.{Encode(new byte[64])}");
        yield return ("EdDSA with a short signature", $"{Encode("""{"alg":"EdDSA"}""")}.{Encode(Claims)}.{Encode(new byte[3])}");
    }

    /// <summary>A token that brings the key to check it with (RFC 7515, section 4.1.3).</summary>
    private static string OwnKey()
    {
        using var rsa = RSA.Create(2_048);
        var key = rsa.ExportParameters(false);
        string header = string.Create(
            CultureInfo.InvariantCulture,
            $$$"""{"alg":"RS256","jwk":{"kty":"RSA","n":"{{{Encode(key.Modulus)}}}","e":"{{{Encode(key.Exponent)}}}"}}""");
        string unsigned = $"{Encode(header)}.{Encode(Claims)}";
        return $"{unsigned}.{Encode(rsa.SignData(Encoding.UTF8.GetBytes(unsigned), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}";
    }

    private static string Hs256(string header, string claims, byte[] key)
    {
        string unsigned = $"{Encode(header)}.{Encode(claims)}";
        return $"{unsigned}.{Encode(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(unsigned)))}";
    }

    private static string Encode(string text) => Encode(Encoding.UTF8.GetBytes(text));

    private static string Encode(ReadOnlySpan<byte> bytes) => Base64Url.EncodeToString(bytes);
}
