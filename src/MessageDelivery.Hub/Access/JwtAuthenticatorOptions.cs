namespace MessageDelivery.Hub.Access;

/// <summary>Which JSON Web Tokens a <see cref="JwtAuthenticator"/> takes. Immutable.</summary>
public sealed record JwtAuthenticatorOptions
{
    /// <summary>The keys, of which one must have signed the token.</summary>
    public required IReadOnlyList<JwtKeys> Keys { get; init; }

    /// <summary>Who must have issued it: the claim <c>iss</c>, letter by letter.</summary>
    public required string Issuer { get; init; }

    /// <summary>For whom it must be: one of the claim <c>aud</c>, letter by letter.</summary>
    public required string Audience { get; init; }

    /// <summary>By how much clocks may differ. Default: 60 s, up to 5 minutes. A token is good, and its session goes on, for that much longer.</summary>
    public TimeSpan ClockSkew { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The clock by which they expire. Default: the machine's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
