using MessageDelivery.Hub.Outside;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Hub;

/// <content>What fails around the hub: events 60 to 69.</content>
internal static partial class HubLog
{
    [LoggerMessage(60, LogLevel.Error, "What the hub was given has failed: {Call}, {Failure}; the hub goes on without. It has failed {Count} times since this was last said")]
    public static partial void OutsideFailed(this ILogger logger, OutsideCall call, string failure, long count);

    [LoggerMessage(61, LogLevel.Warning, "Some of the log is lost, since the logger threw or did not take it in time; lines: {Count}")]
    public static partial void LogLost(this ILogger logger, long count);

    [LoggerMessage(63, LogLevel.Warning, "The machine gives no more memory: {CeilingBytes} bytes for messages are all there is for now, of {LimitBytes} that are allowed. The hub works as at its limit, and asks again each second")]
    public static partial void MemoryRefused(this ILogger logger, long ceilingBytes, long limitBytes);

    [LoggerMessage(64, LogLevel.Information, "The machine gives memory again; up to {LimitBytes} bytes for messages are allowed")]
    public static partial void MemoryGiven(this ILogger logger, long limitBytes);

    [LoggerMessage(62, LogLevel.Error, "The authenticator does not answer; {Late} of its calls have not come back. Each keeps others waiting for {Patience} at most")]
    public static partial void AuthenticatorIsLate(this ILogger logger, int late, TimeSpan patience);
}
