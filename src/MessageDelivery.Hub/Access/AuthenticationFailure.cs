namespace MessageDelivery.Hub.Access;

/// <summary>Why a token is refused. The client is told which, in the words of <see cref="AuthenticationResult.Description"/>.</summary>
public enum AuthenticationFailure
{
    /// <summary>The token is accepted.</summary>
    None,

    /// <summary>The hub does not know it: it is wrong, damaged, or signed with another key.</summary>
    Unknown,

    /// <summary>It has expired.</summary>
    Expired,

    /// <summary>It is not valid yet.</summary>
    NotYetValid,

    /// <summary>Its audience is not this hub.</summary>
    WrongAudience,

    /// <summary>It comes from an issuer that the hub does not trust.</summary>
    WrongIssuer,

    /// <summary>It is genuine, but a required claim is missing or has a form that the hub does not understand.</summary>
    Unusable,
}
