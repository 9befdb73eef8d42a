namespace MessageDelivery.Hub.Access;

/// <summary>The calls of one authenticator that are under way. Guarded by <see cref="AuthenticationService"/>'s lock.</summary>
internal sealed class AuthenticatorCalls(IAuthenticator authenticator)
{
    public IAuthenticator Authenticator { get; } = authenticator;

    /// <summary>Those that have a place.</summary>
    public int Running { get; set; }

    /// <summary>Those that have taken so long that they have lost their places, and have not come back.</summary>
    public int Late { get; set; }
}

/// <summary>A token that the authenticator is looking at. Guarded by <see cref="AuthenticationService"/>'s lock.</summary>
internal sealed class AuthenticatorCall(AuthenticatorCalls calls, TokenCheck check)
{
    public AuthenticatorCalls Calls { get; } = calls;

    public TokenCheck Check { get; } = check;

    /// <summary>Whether it has lost its place.</summary>
    public bool IsLate { get; set; }

    /// <summary>Whether it has come back.</summary>
    public bool IsOver { get; set; }
}
