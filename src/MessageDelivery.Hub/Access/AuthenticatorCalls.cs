namespace MessageDelivery.Hub.Access;

/// <summary>The calls of one authenticator that are under way. Guarded by <see cref="AuthenticationService"/>'s lock.</summary>
internal sealed class AuthenticatorCalls(IAuthenticator authenticator)
{
    public IAuthenticator Authenticator { get; } = authenticator;

    /// <summary>Calls that count against the maximum.</summary>
    public int Running { get; set; }

    /// <summary>Late calls: they have not returned, and do not count against the maximum any more.</summary>
    public int Late { get; set; }
}

/// <summary>A token that the authenticator is verifying. Guarded by <see cref="AuthenticationService"/>'s lock.</summary>
internal sealed class AuthenticatorCall(AuthenticatorCalls calls, TokenCheck check)
{
    public AuthenticatorCalls Calls { get; } = calls;

    public TokenCheck Check { get; } = check;

    /// <summary>Whether it is late.</summary>
    public bool IsLate { get; set; }

    /// <summary>Whether it has returned.</summary>
    public bool IsOver { get; set; }
}
