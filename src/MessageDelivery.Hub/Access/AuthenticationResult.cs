namespace MessageDelivery.Hub.Access;

/// <summary>An authenticator's answer: the identity of a token, or why the token is refused.</summary>
public sealed class AuthenticationResult
{
    private AuthenticationResult(Identity? identity, AuthenticationFailure failure, string? detail)
    {
        Identity = identity;
        Failure = failure;
        Detail = detail;
    }

    /// <summary>The identity; null if the token is refused.</summary>
    public Identity? Identity { get; }

    /// <summary>Why the token is refused.</summary>
    public AuthenticationFailure Failure { get; }

    /// <summary>What more the client is told of a failure; null is nothing.</summary>
    public string? Detail { get; }

    /// <summary>What the client is told: which kind of failure, the detail, and nothing that the token says.</summary>
    public string Description => Detail is null ? Describe(Failure) : $"{Describe(Failure)}: {Detail}";

    /// <summary>The token is accepted.</summary>
    public static AuthenticationResult Success(Identity identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        return new(identity, AuthenticationFailure.None, null);
    }

    /// <summary>The token is refused.</summary>
    /// <param name="failure">Why; not <see cref="AuthenticationFailure.None"/>.</param>
    /// <param name="detail">What more the client, and the log, are told: nothing that is secret.</param>
    public static AuthenticationResult Refused(AuthenticationFailure failure, string? detail = null)
    {
        if (failure is <= AuthenticationFailure.None or > AuthenticationFailure.Unusable)
        {
            throw new ArgumentOutOfRangeException(nameof(failure), failure, "A refusal has a reason.");
        }

        return new(null, failure, detail);
    }

    private static string Describe(AuthenticationFailure failure) => failure switch
    {
        AuthenticationFailure.Expired => "the token has expired",
        AuthenticationFailure.NotYetValid => "the token is not valid yet",
        AuthenticationFailure.WrongAudience => "the token is meant for another audience than this hub",
        AuthenticationFailure.WrongIssuer => "the token comes from an issuer that this hub does not trust",
        AuthenticationFailure.Unusable => "the token is genuine, but a claim in it is missing or not as it must be",
        _ => "the token is not one that this hub knows",
    };
}
