namespace MessageDelivery.Hub.Access;

/// <summary>Why a token lets nobody in. The client is told which, in the words of <see cref="AuthenticationResult.Description"/>.</summary>
public enum AuthenticationFailure
{
    /// <summary>Nothing of the kind: it lets somebody in.</summary>
    None,

    /// <summary>It is none that the hub knows: the wrong one, a damaged one, or one that somebody else has signed.</summary>
    Unknown,

    /// <summary>It was good until a time that has passed.</summary>
    Expired,

    /// <summary>It will be good at a time that has not come.</summary>
    NotYetValid,

    /// <summary>It is meant for somebody else than this hub.</summary>
    WrongAudience,

    /// <summary>It comes from an issuer that the hub does not trust.</summary>
    WrongIssuer,

    /// <summary>It is genuine, but lacks something that the hub wants to know, or says it in a way that the hub does not understand.</summary>
    Unusable,
}
