namespace MessageDelivery.Hub.Access;

/// <summary>
/// Tells from a token who somebody is. It is asked on threads of the pool, several at a time, and never on a thread that moves
/// bytes; while it thinks, nothing more is read from that connection, which has 30 s in all.
/// </summary>
public interface IAuthenticator
{
    /// <summary>Looks at a token.</summary>
    /// <param name="token">Its bytes, 1 to 8,192 of them, as they came; good until the returned task completes. A secret.</param>
    /// <param name="context">What else is known of the connection.</param>
    /// <param name="cancellationToken">Cancelled when the connection is gone or its time is over.</param>
    /// <returns>The identity, or why the token is refused. An exception counts as a refusal; its text is not told.</returns>
    ValueTask<AuthenticationResult> AuthenticateAsync(
        ReadOnlyMemory<byte> token, AuthenticationContext context, CancellationToken cancellationToken);

    /// <summary>
    /// Whether somebody whom the authenticator before this one let in may stay. Asked once for each user when
    /// <see cref="MessageHub.UseAuthenticator"/> has brought this one; who may not is <c>removed</c>. Default: everybody may, until
    /// the identity expires.
    /// </summary>
    bool MayStay(Identity identity) => true;
}
