using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Protocols;

/// <summary>Somebody whose token was verified.</summary>
/// <param name="By">Who knew the token.</param>
internal sealed record SignedIn(Identity Identity, IAuthenticator By);

/// <summary>
/// Shows tokens to the authenticator for one connection, and counts it among those of its identity. The connection is paused while a
/// token is verified. The same in every protocol.
/// </summary>
/// <param name="verified">Called with who it is.</param>
/// <param name="refused">Called with how the connection ends.</param>
internal sealed class SignIn(LoopServices services, Connection connection, Action<SignedIn> verified, Action<Ending> refused)
{
    private TokenCheck? _check;
    private bool _isCounted;

    /// <summary>Whether a token is being verified.</summary>
    public bool IsUnderWay => _check is not null;

    /// <summary>Has a token verified, off this thread; the answer comes back to it.</summary>
    public void Begin(ReadOnlySpan<byte> token)
    {
        var check = new TokenCheck(
            token, new(connection.Peer.ToEndPoint(), connection.Layer.PeerCertificate.Subject), (result, by) => services.Loop.Call(connection, () => Checked(result, by)));
        if (!services.Authentication.TryBegin(check))
        {
            refused(Ending.TooManyChecks);
            return;
        }

        _check = check;
        connection.Pause();
    }

    /// <summary>Refuses the token.</summary>
    public void Refuse(Ending ending)
    {
        services.Authentication.NoteRefused(connection.Peer, ending.Text);
        refused(ending);
    }

    /// <summary>Nobody waits for the answer any more.</summary>
    public void Withdraw()
    {
        _check?.Withdraw();
        _check = null;
    }

    /// <summary>Counts the connection among those of its identity, once. False if there are too many; then it is refused.</summary>
    /// <param name="replaces">Whether it comes in place of one of them, which ends now.</param>
    public bool TryCount(Identity identity, bool replaces = false)
    {
        if (_isCounted)
        {
            return true;
        }

        var identities = services.Limits.Identities;
        if ((replaces ? identities.TakeInstead(identity.Key) : identities.TryTake(identity.Key)) is not { } slot)
        {
            services.Limited.Met(LimitKind.ConnectionsPerUser, connection.Peer, services.Loop);
            refused(Ending.OfIdentity(services.Limits.User.MaxConnectionsPerUser));
            return false;
        }

        connection.TakeUp(slot);
        connection.Input.ReadLimit = int.MaxValue;
        return _isCounted = true;
    }

    private void Checked(AuthenticationResult result, IAuthenticator by)
    {
        if (!connection.IsOpen || _check is null)
        {
            return;
        }

        _check = null;
        if (result.Identity is { } identity)
        {
            verified(new(identity, by));
        }
        else
        {
            Refuse(Ending.TokenRefused(result.Description));
        }
    }
}
