using Microsoft.Extensions.Logging;

namespace MessageDelivery.Hub;

/// <content>What is logged about limits.</content>
internal static partial class HubLog
{
    [LoggerMessage(40, LogLevel.Warning, "Limit {Limit} ({Setting}) was met by {Peer}; {LeftOut} more were not logged")]
    public static partial void LimitMet(this ILogger logger, string limit, string peer, string setting, long leftOut);

    [LoggerMessage(41, LogLevel.Debug, "User {UserId} waits for limit {Limit}; {LeftOut} more were not logged")]
    public static partial void LimitWaits(this ILogger logger, ulong userId, string limit, long leftOut);
}
