using System.Text;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace MessageDelivery.Hub.Access;

/// <summary>
/// Lets in whoever shows a JSON Web Token (RFC 7519) that one of its keys has signed, for this audience, by this issuer, with an
/// expiry. The algorithm is the key's, never the token's. Tokens that are encrypted, nested, unsigned, or have critical headers are
/// refused.
/// </summary>
/// <remarks>
/// Claims: <c>sub</c> (the name, wanted), <c>exp</c> (wanted), <c>nbf</c>, <c>mds_send</c>, <c>mds_list</c>, <c>mds_watch</c> (booleans),
/// <c>mds_reach</c> (all, group or none), <c>group</c>, <c>mds_relays_per_second</c>, <c>mds_bytes_per_second</c> (numbers),
/// <c>mds_full_queue</c> (wait or leave-out).
/// </remarks>
public sealed class JwtAuthenticator : IAuthenticator
{
    /// <summary>The most by which clocks may differ.</summary>
    public static readonly TimeSpan MaxClockSkew = TimeSpan.FromMinutes(5);

    private const int MaxKeyIdLength = 256;

    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false, MapInboundClaims = false };
    private readonly (JwtKey Key, TokenValidationParameters Parameters)[] _keys;
    private readonly TimeSpan _skew;
    private readonly TimeProvider _time;

    /// <exception cref="ArgumentException">An option is impossible; the message names it.</exception>
    public JwtAuthenticator(JwtAuthenticatorOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentException.ThrowIfNullOrWhiteSpace(options.Issuer, nameof(options));
        ArgumentException.ThrowIfNullOrWhiteSpace(options.Audience, nameof(options));
        if (options.ClockSkew < TimeSpan.Zero || options.ClockSkew > MaxClockSkew)
        {
            throw new ArgumentException($"ClockSkew is {options.ClockSkew}; it must be between 0 and {MaxClockSkew}.", nameof(options));
        }

        _skew = options.ClockSkew;
        _time = options.Time;
        _keys = [.. options.Keys.SelectMany(keys => keys.Keys).Select(key => (key, Parameters(key, options)))];
        if (_keys.Length == 0)
        {
            throw new ArgumentException("Keys has no key; no token could ever be verified.", nameof(options));
        }
    }

    /// <inheritdoc/>
    public async ValueTask<AuthenticationResult> AuthenticateAsync(
        ReadOnlyMemory<byte> token, AuthenticationContext context, CancellationToken cancellationToken)
    {
        if (!TrySplit(token.Span, out string? algorithm, out string? keyId, out var claimsPart))
        {
            return AuthenticationResult.Refused(AuthenticationFailure.Unknown);
        }

        string text = Encoding.ASCII.GetString(token.Span);
        var failure = AuthenticationFailure.Unknown;
        foreach (var (key, parameters) in _keys)
        {
            if (key.Algorithm != algorithm || (keyId is not null && key.Id is not null && key.Id != keyId))
            {
                continue;
            }

            var result = await _handler.ValidateTokenAsync(text, parameters).ConfigureAwait(false);
            if (result.IsValid)
            {
                return ReadClaims(token.Span[claimsPart]);
            }

            failure = result.Exception switch
            {
                SecurityTokenInvalidAudienceException => AuthenticationFailure.WrongAudience,
                SecurityTokenInvalidIssuerException => AuthenticationFailure.WrongIssuer,
                _ => failure,
            };
        }

        return AuthenticationResult.Refused(failure);
    }

    private static TokenValidationParameters Parameters(JwtKey key, JwtAuthenticatorOptions options) => new()
    {
        IssuerSigningKey = key.Key,
        TryAllIssuerSigningKeys = true,
        ValidAlgorithms = [key.Algorithm],
        RequireSignedTokens = true,
        ValidateIssuerSigningKey = true,
        ValidateIssuer = true,
        ValidIssuer = options.Issuer,
        ValidateAudience = true,
        RequireAudience = true,
        ValidAudience = options.Audience,
        IgnoreTrailingSlashWhenValidatingAudience = false,
        RequireExpirationTime = true,
        // By our own clock, once the signature has told that the claims are genuine.
        ValidateLifetime = false,
        ValidateActor = false,
        ValidateTokenReplay = false,
        IncludeTokenOnFailedValidation = false,
        LogValidationExceptions = false,
        LogTokenId = false,
    };

    /// <summary>Looks at the form of a token and at its header, before any key has to do with it.</summary>
    private static bool TrySplit(ReadOnlySpan<byte> token, out string? algorithm, out string? keyId, out Range claims)
    {
        (algorithm, keyId, claims) = (null, null, default);
        int first = token.IndexOf((byte)'.');
        int last = token.LastIndexOf((byte)'.');
        if (first <= 0 || last <= first + 1 || last == token.Length - 1 || token[(first + 1)..last].Contains((byte)'.') || !Ascii.IsValid(token))
        {
            return false;
        }

        claims = (first + 1)..last;
        using var document = JwtDocument.TryRead(token[..first]);
        if (document is null)
        {
            return false;
        }

        var header = document.RootElement;
        bool isWrong = header.TryGetProperty("crit", out _) || header.TryGetProperty("cty", out _) || header.TryGetProperty("enc", out _)
            || header.TryGetProperty("zip", out _);
        algorithm = header.Text("alg", ref isWrong);
        keyId = header.Text("kid", ref isWrong);
        string? type = header.Text("typ", ref isWrong);
        return !isWrong && algorithm is not null && keyId is not { Length: > MaxKeyIdLength }
            && (type is null || type.Equals("JWT", StringComparison.OrdinalIgnoreCase) || type.Equals("at+jwt", StringComparison.OrdinalIgnoreCase));
    }

    private AuthenticationResult ReadClaims(ReadOnlySpan<byte> part)
    {
        using var document = JwtDocument.TryRead(part);
        if (document is null)
        {
            return AuthenticationResult.Refused(AuthenticationFailure.Unusable, "one is told twice");
        }

        return new JwtClaims(document.RootElement).Read(_time.GetUtcNow(), _skew);
    }
}
