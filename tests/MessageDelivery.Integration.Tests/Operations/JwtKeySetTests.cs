using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using MessageDelivery.Hub.Access;
using MessageDelivery.Integration.Tests.Access;

namespace MessageDelivery.Integration.Tests.Operations;

/// <summary>A set of keys in which one cannot be used: the others are, and what is wrong with it is said (RFC 7517, section 5).</summary>
public sealed class JwtKeySetTests : IDisposable
{
    private readonly Jwt _jwt = new();

    public void Dispose() => _jwt.Dispose();

    /// <summary>A key, and a word of why it is left out.</summary>
    public static TheoryData<string, string> Unusable => new()
    {
        { """{"kty":"RSA","n":"","e":""}""", "empty" },
        { """{"kty":"RSA","n":"AQAB","e":"AQAB"}""", "bits" },
        { """{"kty":"RSA","e":"AQAB"}""", "no \"n\"" },
        { """{"kty":"RSA","n":"!!","e":"AQAB"}""", "damaged" },
        { """{"kty":"EC","crv":"P-384","x":"AQAB","y":"AQAB"}""", "EC P-384" },
        { """{"kty":"EC","crv":"P-256","x":"AQAB","y":"AQAB"}""", "key 4" },
        { """{"kty":"OKP","crv":"X25519","x":"AQAB"}""", "OKP X25519" },
        { """{"kty":"OKP","crv":"Ed25519","x":"AQAB"}""", "3 bytes" },
        { """{"kty":"AKP","alg":"ML-DSA-65","pub":"AQAB"}""", "AKP" },
        { """{"kty":7}""", "no \"kty\"" },
        { "7", "no JSON object" },
        { "null", "no JSON object" },
        { "{}", "no \"kty\"" },
    };

    [Theory]
    [MemberData(nameof(Unusable))]
    public void One_that_cannot_be_used_is_left_out_and_told(string key, string why)
    {
        var keys = JwtKeys.LoadPublic(_jwt.Write("k", _jwt.Jwks().Replace("]}", $",{key}]}}", StringComparison.Ordinal).Replace("{\"kty\":\"RSA\",\"kid\":\"other\",\"use\":\"enc\",\"n\":\"AQAB\",\"e\":\"AQAB\"},", "", StringComparison.Ordinal)));
        Assert.Equal(3, keys.Keys.Count);
        string skipped = Assert.Single(keys.Skipped);
        Assert.StartsWith("key 4: ", skipped, StringComparison.Ordinal);
        Assert.Contains(why, skipped, StringComparison.Ordinal);
    }

    [Fact]
    public void With_the_exponent_1_anybody_could_sign()
    {
        string key = JsonSerializer.Serialize(new { keys = new[] { new { kty = "RSA", n = Base64Url.EncodeToString(_jwt.Rsa.Modulus), e = "AAAB" } } });
        Assert.Contains("exponent 1", Assert.Throws<AccessFileException>(() => JwtKeys.LoadPublic(_jwt.Write("k", key))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_for_something_else_is_left_out_without_a_word() => Assert.Empty(JwtKeys.LoadPublic(_jwt.Write("k", _jwt.Jwks())).Skipped);

    [Fact]
    public void In_PEM_too()
    {
        using var weak = RSA.Create(1_024);
        string pem = weak.ExportSubjectPublicKeyInfoPem() + "\n" + File.ReadAllText(_jwt["es.pub"]);
        var keys = JwtKeys.LoadPublic(_jwt.Write("k", pem));
        Assert.Single(keys.Keys);
        Assert.Equal("block 1: an RSA key of 1024 bits; it must have 2048 to 8192", Assert.Single(keys.Skipped));
    }

    [Fact]
    public void Of_very_many_a_few_are_told()
    {
        string junk = string.Concat(Enumerable.Repeat("{},", 1_000));
        var keys = JwtKeys.LoadPublic(_jwt.Write("k", _jwt.Jwks().Replace("[", $"[{junk}", StringComparison.Ordinal)));
        Assert.Equal(9, keys.Skipped.Count);
        Assert.Contains("992 more", keys.Skipped[^1], StringComparison.Ordinal);
    }
}
