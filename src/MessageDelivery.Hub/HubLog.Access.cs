using MessageDelivery.Hub.Transport;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Hub;

/// <content>Who is let in: events 30 to 39.</content>
internal static partial class HubLog
{
    [LoggerMessage(30, LogLevel.Debug, "User {UserId} at {Peer} is authenticated as {Identity}")]
    public static partial void Authenticated(this ILogger logger, ulong userId, string identity, PeerAddress peer);

    [LoggerMessage(31, LogLevel.Warning, "{Peer} is refused: {Why}; refused since this was last said, with this one: {Count}")]
    public static partial void Refused(this ILogger logger, string peer, string why, long count);

    [LoggerMessage(32, LogLevel.Information, "The authenticator was replaced; users removed, whose tokens it does not know any more: {Removed}")]
    public static partial void AuthenticatorReplaced(this ILogger logger, int removed);

    [LoggerMessage(33, LogLevel.Error, "The authenticator failed with {ExceptionType}; the token was refused. It is not said again before the authenticator is replaced")]
    public static partial void AuthenticatorFailed(this ILogger logger, string exceptionType);
}
