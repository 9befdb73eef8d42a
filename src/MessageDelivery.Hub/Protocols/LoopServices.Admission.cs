using System.Diagnostics.CodeAnalysis;
using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Protocols;

/// <content>Who is let in.</content>
internal sealed partial class LoopServices
{
    public const string TokenWantedText = "this hub lets nobody in without a token";
    public const string TooManyChecksText = "too many tokens wait to be verified; try again later";
    public const string TokenExpiredText = "the token has expired";
    public const string RemovedText = "the token with which this user came is not valid any more";

    public AuthenticationService Admission { get; }

    public static CloseReason ReasonOf(ProtocolCode code) =>
        code == ProtocolCode.AuthRequired ? CloseReason.AuthRequired : CloseReason.AuthFailed;

    /// <summary>Has a token verified, off this thread; the answer comes back to it. Null if too many wait for that.</summary>
    public TokenCheck? Check(ReadOnlySpan<byte> token, Connection connection, Action<AuthenticationResult, IAuthenticator> answer)
    {
        var check = new TokenCheck(
            token, new(connection.Peer.ToEndPoint(), connection.Layer.PeerCertificate.Subject), (result, by) => Loop.Call(connection, () => answer(result, by)));
        return Admission.TryBegin(check) ? check : null;
    }

    /// <summary>One more connection of an identity, until it ends; or why it has too many.</summary>
    public bool TryCount(Identity identity, Connection connection, [NotNullWhen(false)] out Refusal? tooMany)
    {
        tooMany = null;
        if (Limits.Identities.TryHold(identity.Key) is { } place)
        {
            connection.TakeUp(place);
            connection.Input.ReadLimit = int.MaxValue;
            return true;
        }

        Limited.Met(LimitKind.ConnectionsPerUser, connection.Peer, Loop);
        tooMany = Refusal.OfIdentity(Limits.User.MaxConnectionsPerUser);
        return false;
    }

    /// <summary>The same for a connection in place of one of the same identity that ends now.</summary>
    public void CountInstead(Identity identity, Connection connection)
    {
        connection.TakeUp(Limits.Identities.HoldInstead(identity.Key));
        connection.Input.ReadLimit = int.MaxValue;
    }

    /// <summary>Gives the next id to somebody whose token was verified, and lists it.</summary>
    public User Join(IReceiver receiver, Connection connection, string protocol, Admitted? admitted)
    {
        var user = Users.Add(receiver, admitted?.Identity);
        connection.Protocol = protocol;
        _logger.UserJoined(user.Id, protocol, connection.Peer);
        if (admitted is not null)
        {
            Settle(user, admitted, connection);
        }

        Sessions.Audit.Joined(user.Id, connection);
        return user;
    }

    /// <summary>A user goes on with another token of its own.</summary>
    public void Renew(User user, Admitted admitted, Connection connection)
    {
        user.Renew(admitted.Identity);
        Settle(user, admitted, connection);
    }

    private void Settle(User user, Admitted admitted, Connection connection)
    {
        user.EndsAt = Admission.EndOf(admitted.Identity, Loop.Now);
        _logger.Authenticated(user.Id, admitted.Identity.Name, connection.Peer);
        connection.Subject = admitted.Identity.Name;
        Sessions.Audit.Authenticated(connection);

        // Asked once the user is listed: whoever replaces the authenticator asks all who are listed after that.
        Admission.AskIfReplaced(admitted.Identity, admitted.By, () => user.Receiver.Remove());
    }
}

/// <summary>Somebody who has shown a token.</summary>
/// <param name="By">Who knew the token.</param>
internal sealed record Admitted(Identity Identity, IAuthenticator By);
