using Microsoft.Extensions.Logging;

namespace MessageDelivery.Client;

/// <summary>Everything the client logs. Each event has its own id; docs/hosting.md lists them.</summary>
internal static partial class ClientLog
{
    [LoggerMessage(1, LogLevel.Information, "Connected to {Hub} as user {UserId}")]
    public static partial void Connected(this ILogger logger, string hub, ulong userId);

    [LoggerMessage(2, LogLevel.Warning, "There is no connection to {Hub}: {Reason}; trying again until there is")]
    public static partial void AttemptFailed(this ILogger logger, string hub, string reason);

    [LoggerMessage(3, LogLevel.Debug, "There still is no connection to {Hub}: {Reason}")]
    public static partial void AttemptFailedAgain(this ILogger logger, string hub, string reason);

    [LoggerMessage(4, LogLevel.Warning, "The connection to {Hub} was lost: {Reason}; connecting again")]
    public static partial void ConnectionLost(this ILogger logger, string hub, string reason);

    [LoggerMessage(5, LogLevel.Information, "Connected to {Hub} again; the session goes on as user {UserId}")]
    public static partial void SessionResumed(this ILogger logger, string hub, ulong userId);

    [LoggerMessage(6, LogLevel.Warning, "Connected to {Hub} again, as user {UserId} instead of {OldUserId}: the session could not be resumed; what became of {UnknownRelays} relays is not known")]
    public static partial void IdentityChanged(this ILogger logger, string hub, ulong userId, ulong oldUserId, long unknownRelays);

    [LoggerMessage(7, LogLevel.Error, "The client of {Hub} is closed for good: {Reason}")]
    public static partial void ClosedForGood(this ILogger logger, string hub, string reason);

    [LoggerMessage(8, LogLevel.Information, "The client of {Hub} was closed by the program")]
    public static partial void Closed(this ILogger logger, string hub);

    [LoggerMessage(9, LogLevel.Warning, "{Hub} refused a relay: {Reason}")]
    public static partial void RelayRejected(this ILogger logger, string hub, string reason);

    [LoggerMessage(10, LogLevel.Error, "A handler of {Event} failed; the client is closed for it")]
    public static partial void HandlerFailed(this ILogger logger, string @event, Exception exception);
}
