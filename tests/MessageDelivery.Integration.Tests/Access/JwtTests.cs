using System.Security.Cryptography;
using System.Text;
using MessageDelivery.Hub;
using MessageDelivery.Hub.Access;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Access;

/// <summary>Which JSON Web Tokens let somebody in, and the ways in which others were let in elsewhere.</summary>
public sealed class JwtTests : IDisposable
{
    private readonly Jwt _jwt = new();

    public void Dispose() => _jwt.Dispose();

    [Theory]
    [InlineData("secret")]
    [InlineData("rsa")]
    [InlineData("es")]
    [InlineData("ed")]
    public async Task A_token_of_each_kind_lets_in(string key)
    {
        var jwks = _jwt.Authenticator();
        Assert.Equal("alice", (await AskAsync(jwks, _jwt.Sign(key, Jwt.Claims()))).Identity?.Name);
        if (key != "secret")
        {
            var pem = _jwt.Authenticator(null, JwtKeys.LoadPublic(_jwt[$"{key}.pub"]));
            string named = _jwt.Sign(key, Jwt.Claims(), $$"""{"alg":"{{(key == "rsa" ? "RS256" : key == "es" ? "ES256" : "EdDSA")}}","kid":"{{key}}"}""");
            Assert.Equal("alice", (await AskAsync(pem, named)).Identity?.Name);
            Assert.Equal("alice", (await AskAsync(jwks, named)).Identity?.Name);
        }
    }

    [Theory]
    [InlineData("secret")]
    [InlineData("rsa.pem")]
    [InlineData("es.pem")]
    [InlineData("ed.pem")]
    public async Task What_the_signer_signs_is_taken(string key)
    {
        var signer = key == "secret" ? JwtSigner.LoadSecret(_jwt[key]) : JwtSigner.LoadPrivateKey(_jwt[key]);
        string token = signer.Sign(claims =>
        {
            claims.WriteString("sub", "bob");
            claims.WriteString("iss", Jwt.Issuer);
            claims.WriteString("aud", Jwt.Audience);
            claims.WriteNumber("exp", Jwt.Now + 10);
        });
        Assert.Equal("bob", (await AskAsync(_jwt.Authenticator(), token)).Identity?.Name);
    }

    [Fact]
    public async Task The_claims_are_the_rights()
    {
        string token = _jwt.Sign("ed", Jwt.Claims("""
            "mds_send":false,"mds_list":true,"mds_watch":false,"mds_reach":"group","group":"red","mds_relays_per_second":2.5,"mds_bytes_per_second":1000,"mds_full_queue":"leave-out","nbf":5
            """));
        var identity = (await AskAsync(_jwt.Authenticator(), token)).Identity!;
        Assert.Equal(
            (false, true, false, Reach.Group, "red", 2.5, 1000.0),
            (identity.MaySend, identity.MayList, identity.MayWatch, identity.Reach, identity.Group, identity.RelaysPerSecond, identity.BytesPerSecond));
        Assert.Equal(FullQueue.LeaveOut, identity.FullQueue);
        Assert.Equal(Jwt.Now + 3_660, identity.Expires!.Value.ToUnixTimeSeconds());
    }

    [Theory]
    [InlineData("""{"iss":"https://issuer.test","aud":"hub","exp":99999999999}""", "sub")]
    [InlineData("""{"sub":"","iss":"https://issuer.test","aud":"hub","exp":99999999999}""", "sub")]
    [InlineData("""{"sub":"a\nb","iss":"https://issuer.test","aud":"hub","exp":99999999999}""", "sub")]
    [InlineData("""{"sub":7,"iss":"https://issuer.test","aud":"hub","exp":99999999999}""", "sub")]
    [InlineData("""{"sub":"a","iss":"https://issuer.test","aud":"hub","exp":99999999999,"mds_send":"false"}""", "mds_send")]
    [InlineData("""{"sub":"a","iss":"https://issuer.test","aud":"hub","exp":99999999999,"mds_list":0}""", "mds_list")]
    [InlineData("""{"sub":"a","iss":"https://issuer.test","aud":"hub","exp":99999999999,"mds_watch":null}""", "mds_watch")]
    [InlineData("""{"sub":"a","iss":"https://issuer.test","aud":"hub","exp":99999999999,"mds_reach":"ALL"}""", "mds_reach")]
    [InlineData("""{"sub":"a","iss":"https://issuer.test","aud":"hub","exp":99999999999,"mds_reach":"group"}""", "group")]
    [InlineData("""{"sub":"a","iss":"https://issuer.test","aud":"hub","exp":99999999999,"group":["a"]}""", "group")]
    [InlineData("""{"sub":"a","iss":"https://issuer.test","aud":"hub","exp":99999999999,"mds_relays_per_second":-1}""", "mds_relays_per_second")]
    [InlineData("""{"sub":"a","iss":"https://issuer.test","aud":"hub","exp":99999999999,"mds_bytes_per_second":0}""", "mds_bytes_per_second")]
    [InlineData("""{"sub":"a","iss":"https://issuer.test","aud":"hub","exp":99999999999,"mds_full_queue":"drop"}""", "mds_full_queue")]
    [InlineData("""{"sub":"a","iss":"https://issuer.test","aud":"hub","exp":99999999999,"mds_full_queue":true}""", "mds_full_queue")]
    [InlineData("""{"sub":"a","iss":"https://issuer.test","aud":"hub","exp":99999999999,"nbf":"0"}""", "nbf")]
    public async Task A_claim_that_is_not_as_it_must_be_is_not_taken_for_its_default(string claims, string wrong)
    {
        var result = await AskAsync(_jwt.Authenticator(), _jwt.Sign("secret", claims));
        Assert.Null(result.Identity);
        if (result.Failure == AuthenticationFailure.Unusable)
        {
            Assert.Equal($"the token is genuine, but a claim in it is missing or not as it must be: {wrong}", result.Description);
        }
        else
        {
            Assert.Equal(AuthenticationFailure.Unknown, result.Failure);
        }
    }

    public static TheoryData<string, AuthenticationFailure> Wrong => new()
    {
        { "alg none", AuthenticationFailure.Unknown },
        { "alg none in capitals", AuthenticationFailure.Unknown },
        { "no signature", AuthenticationFailure.Unknown },
        { "HS256 with the public key of RSA", AuthenticationFailure.Unknown },
        { "HS256 with the public key of RSA and its kid", AuthenticationFailure.Unknown },
        { "another secret", AuthenticationFailure.Unknown },
        { "the algorithm of another key", AuthenticationFailure.Unknown },
        { "RS512", AuthenticationFailure.Unknown },
        { "an unknown kid", AuthenticationFailure.Unknown },
        { "a huge kid", AuthenticationFailure.Unknown },
        { "a kid that is a path", AuthenticationFailure.Unknown },
        { "a kid that is a number", AuthenticationFailure.Unknown },
        { "a key of its own", AuthenticationFailure.Unknown },
        { "crit", AuthenticationFailure.Unknown },
        { "encrypted", AuthenticationFailure.Unknown },
        { "nested", AuthenticationFailure.Unknown },
        { "alg twice", AuthenticationFailure.Unknown },
        { "sub twice", AuthenticationFailure.Unusable },
        { "exp twice", AuthenticationFailure.Unusable },
        { "changed claims", AuthenticationFailure.Unknown },
        { "truncated", AuthenticationFailure.Unknown },
        { "a signature of nothing but zeros", AuthenticationFailure.Unknown },
        { "a longer signature", AuthenticationFailure.Unknown },
        { "claims that are no object", AuthenticationFailure.Unknown },
        { "a header that is no object", AuthenticationFailure.Unknown },
        { "deep json", AuthenticationFailure.Unknown },
        { "another audience", AuthenticationFailure.WrongAudience },
        { "no audience", AuthenticationFailure.WrongAudience },
        { "a longer audience", AuthenticationFailure.WrongAudience },
        { "another issuer", AuthenticationFailure.WrongIssuer },
        { "no issuer", AuthenticationFailure.WrongIssuer },
        { "no exp", AuthenticationFailure.Unusable },
        { "expired", AuthenticationFailure.Expired },
        { "not yet valid", AuthenticationFailure.NotYetValid },
        { "exp beyond all time", AuthenticationFailure.Unusable },
        { "exp that is a text", AuthenticationFailure.Unusable },
        { "nothing but dots", AuthenticationFailure.Unknown },
        { "8192 bytes of dots", AuthenticationFailure.Unknown },
        { "not ASCII", AuthenticationFailure.Unknown },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task Nobody_gets_in_with(string what, AuthenticationFailure failure)
    {
        string token = Make(what);
        var result = await AskAsync(_jwt.Authenticator(), token);
        Assert.Null(result.Identity);

        // Where the library itself minds the form of a claim, it counts as none that the hub knows.
        Assert.True(result.Failure == failure || (result.Failure == AuthenticationFailure.Unknown && failure == AuthenticationFailure.Unusable), $"{result.Failure}");
        Assert.DoesNotContain(token, result.Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Clocks_may_differ_by_the_skew_and_no_more()
    {
        var authenticator = _jwt.Authenticator();
        Assert.NotNull((await AskAsync(authenticator, With($"\"exp\":{Jwt.Now - 59}"))).Identity);
        Assert.Equal(AuthenticationFailure.Expired, (await AskAsync(authenticator, With($"\"exp\":{Jwt.Now - 60}"))).Failure);
        Assert.NotNull((await AskAsync(authenticator, With($"\"exp\":{Jwt.Now + 9},\"nbf\":{Jwt.Now + 60}"))).Identity);
        Assert.Equal(AuthenticationFailure.NotYetValid, (await AskAsync(authenticator, With($"\"exp\":{Jwt.Now + 99},\"nbf\":{Jwt.Now + 61}"))).Failure);
        Assert.Throws<ArgumentException>(() => new JwtAuthenticator(new()
        {
            Keys = [JwtKeys.LoadSecret(_jwt["secret"])],
            Issuer = "i",
            Audience = "a",
            ClockSkew = TimeSpan.FromMinutes(6),
        }));
    }

    [Fact]
    public void Weak_and_unsuitable_keys_are_not_loaded()
    {
        using var small = RSA.Create(1_024);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        ThrowsNaming("1024 bits", () => JwtKeys.LoadPublic(_jwt.Write("k", small.ExportSubjectPublicKeyInfoPem())));
        ThrowsNaming("P-256", () => JwtKeys.LoadPublic(_jwt.Write("k", other.ExportSubjectPublicKeyInfoPem())));
        ThrowsNaming("private key", () => JwtKeys.LoadPublic(_jwt.Write("k", File.ReadAllText(_jwt["rsa.pem"]))));
        ThrowsNaming("secret (oct)", () => JwtKeys.LoadPublic(_jwt.Write("k", """{"keys":[{"kty":"oct","k":"AAAA"}]}""")));
        ThrowsNaming("private key", () => JwtKeys.LoadPublic(_jwt.Write("k", """{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAA","d":"AAAA"}]}""")));
        ThrowsNaming("no key that can be used", () => JwtKeys.LoadPublic(_jwt.Write("k", """{"keys":[]}""")));
        ThrowsNaming("JWKS", () => JwtKeys.LoadPublic(_jwt.Write("k", """{"keys":7}""")));
        ThrowsNaming("no key that can be used", () => JwtKeys.LoadPublic(_jwt.Write("k", "nothing")));
        ThrowsNaming("31 bytes", () => JwtKeys.LoadSecret(_jwt.Write("k", new string('x', 31) + "\n", isSecret: true)));
        ThrowsNaming("PEM", () => JwtKeys.LoadSecret(_jwt.Write("k", File.ReadAllText(_jwt["rsa.pub"]), isSecret: true)));
        ThrowsNaming("644", () => JwtKeys.LoadSecret(_jwt.Write("k", new string('x', 32))));
        ThrowsNaming("cannot be read", () => JwtKeys.LoadSecret(_jwt["nowhere"]));

        static void ThrowsNaming(string what, Action action) =>
            Assert.Contains(what, Assert.Throws<AccessFileException>(action).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Programs_and_people_get_in_and_out_with_the_time_of_their_token()
    {
        await using var hub = await RunningHub.StartAsync(
            (options, time) => options with { Authenticator = _jwt.Authenticator(time), Heartbeat = TimeSpan.Zero });
        long now = hub.Time.GetUtcNow().ToUnixTimeSeconds();
        string token = _jwt.Sign("ed", Jwt.Claims(from: now));
        var (program, id) = await hub.EnterAsync(token);
        await using var first = program;
        await using var person = await hub.TextAsync(token);
        await using var refused = await hub.BinaryAsync(_jwt.Sign("ed", Jwt.Claims(from: now - 7_200)));
        Assert.Equal("the token has expired", await refused.GoodbyeTextAsync(ProtocolCode.AuthFailed));
        await using var forged = await hub.ConnectAsync();
        await forged.SendAsync($"auth {Make("alg none")}\n");
        await forged.ErrorLineAsync("auth_failed");
        await forged.ExpectClosedAsync();
        Assert.Equal(1UL, id);
    }

    private static async Task<AuthenticationResult> AskAsync(JwtAuthenticator authenticator, string token) =>
        await authenticator.AuthenticateAsync(Encoding.UTF8.GetBytes(token), new(null, null), CancellationToken.None);

    private string With(string claims) => _jwt.Sign("secret", $$"""{"sub":"a","iss":"{{Jwt.Issuer}}","aud":"{{Jwt.Audience}}",{{claims}}}""");

    private string Make(string what)
    {
        string good = _jwt.Sign("secret", Jwt.Claims());
        string[] parts = good.Split('.');
        byte[] publicKey = Encoding.UTF8.GetBytes(File.ReadAllText(_jwt["rsa.pub"]));
        return what switch
        {
            "alg none" => $"{Jwt.Encode("""{"alg":"none"}""")}.{parts[1]}.",
            "alg none in capitals" => $"{Jwt.Encode("""{"alg":"NONE"}""")}.{parts[1]}.{parts[2]}",
            "no signature" => $"{parts[0]}.{parts[1]}",
            "HS256 with the public key of RSA" => Hmac("""{"alg":"HS256"}""", publicKey),
            "HS256 with the public key of RSA and its kid" => Hmac("""{"alg":"HS256","kid":"rsa"}""", publicKey),
            "another secret" => Hmac("""{"alg":"HS256"}""", new byte[32]),
            "the algorithm of another key" => _jwt.Sign("es", Jwt.Claims(), """{"alg":"RS256","kid":"es"}"""),
            "RS512" => _jwt.Sign("rsa", Jwt.Claims(), """{"alg":"RS512","kid":"rsa"}"""),
            "an unknown kid" => _jwt.Sign("ed", Jwt.Claims(), """{"alg":"EdDSA","kid":"unknown"}"""),
            "a huge kid" => _jwt.Sign("secret", Jwt.Claims(), $$"""{"alg":"HS256","kid":"{{new string('k', 5_000)}}"}"""),
            "a kid that is a path" => _jwt.Sign("ed", Jwt.Claims(), """{"alg":"EdDSA","kid":"../../dev/null"}"""),
            "a kid that is a number" => _jwt.Sign("secret", Jwt.Claims(), """{"alg":"HS256","kid":7}"""),
            "a key of its own" => OwnKey(),
            "crit" => _jwt.Sign("secret", Jwt.Claims(), """{"alg":"HS256","crit":["exp"]}"""),
            "encrypted" => $"{Jwt.Encode("""{"alg":"dir","enc":"A128GCM"}""")}..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA",
            "nested" => _jwt.Sign("secret", good, """{"alg":"HS256","cty":"JWT"}"""),
            "alg twice" => _jwt.Sign("secret", Jwt.Claims(), """{"alg":"none","alg":"HS256"}"""),
            "sub twice" => _jwt.Sign("secret", Jwt.Claims("\"sub\":\"root\"")),
            "exp twice" => _jwt.Sign("secret", Jwt.Claims("\"exp\":1")),
            "changed claims" => $"{parts[0]}.{Jwt.Encode(Jwt.Claims().Replace("alice", "root", StringComparison.Ordinal))}.{parts[2]}",
            "truncated" => good[..^1],
            "a signature of nothing but zeros" => $"{_jwt.Sign("es", Jwt.Claims())[.._jwt.Sign("es", Jwt.Claims()).LastIndexOf('.')]}.{Jwt.Encode(new string('\0', 64))}",
            "a longer signature" => good + "AAAA",
            "claims that are no object" => _jwt.Sign("secret", "[1]"),
            "a header that is no object" => _jwt.Sign("secret", Jwt.Claims(), "\"HS256\""),
            "deep json" => _jwt.Sign("secret", Jwt.Claims($"\"x\":{new string('[', 2_000)}{new string(']', 2_000)}")),
            "another audience" => _jwt.Sign("ed", Jwt.Claims().Replace("\"hub\"", "\"shop\"", StringComparison.Ordinal)),
            "no audience" => _jwt.Sign("ed", Jwt.Claims().Replace("\"aud\"", "\"aut\"", StringComparison.Ordinal)),
            "a longer audience" => _jwt.Sign("ed", Jwt.Claims().Replace("\"hub\"", "\"hub/\"", StringComparison.Ordinal)),
            "another issuer" => _jwt.Sign("ed", Jwt.Claims().Replace("issuer.test", "other.test", StringComparison.Ordinal)),
            "no issuer" => _jwt.Sign("ed", Jwt.Claims().Replace("\"iss\"", "\"isn\"", StringComparison.Ordinal)),
            "no exp" => _jwt.Sign("ed", Jwt.Claims().Replace("\"exp\"", "\"ext\"", StringComparison.Ordinal)),
            "expired" => _jwt.Sign("ed", Jwt.Claims(from: Jwt.Now - 7_200)),
            "not yet valid" => _jwt.Sign("ed", Jwt.Claims($"\"nbf\":{Jwt.Now + 3_000}")),
            "exp beyond all time" => With("\"exp\":1e300"),
            "exp that is a text" => With("\"exp\":\"99999999999\""),
            "nothing but dots" => "..",
            "8192 bytes of dots" => new string('.', 8_192),
            "not ASCII" => good + "é",
            _ => throw new ArgumentException(what),
        };
    }

    private static string Hmac(string header, byte[] secret)
    {
        string signed = $"{Jwt.Encode(header)}.{Jwt.Encode(Jwt.Claims())}";
        return $"{signed}.{System.Buffers.Text.Base64Url.EncodeToString(HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes(signed)))}";
    }

    /// <summary>A token that brings the key with which it is signed.</summary>
    private static string OwnKey()
    {
        using var rsa = RSA.Create(2_048);
        var key = rsa.ExportParameters(includePrivateParameters: false);
        string header = $$$"""{"alg":"RS256","jwk":{"kty":"RSA","n":"{{{System.Buffers.Text.Base64Url.EncodeToString(key.Modulus)}}}","e":"AQAB"}}""";
        string signed = $"{Jwt.Encode(header)}.{Jwt.Encode(Jwt.Claims())}";
        return $"{signed}.{System.Buffers.Text.Base64Url.EncodeToString(rsa.SignData(Encoding.UTF8.GetBytes(signed), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}";
    }
}
