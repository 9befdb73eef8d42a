using Microsoft.Extensions.Logging;

namespace MessageDelivery.Cli.Operations;

/// <summary>What <c>mds serve</c> logs beside its hub. Each event has its own id; docs/operations.md lists them.</summary>
internal static partial class ServeLog
{
    [LoggerMessage(50, LogLevel.Information, "Reloaded; changed: {Changed}")]
    public static partial void Reloaded(this ILogger logger, string changed);

    [LoggerMessage(51, LogLevel.Error, "Not reloaded, everything stays as it was: {Problem}")]
    public static partial void ReloadFailed(this ILogger logger, string problem);

    [LoggerMessage(52, LogLevel.Warning, "{Setting} is now '{Value}' and was '{Running}': it needs a restart")]
    public static partial void NeedsRestart(this ILogger logger, string setting, string value, string running);

    [LoggerMessage(53, LogLevel.Warning, "Events that are missing in the audit log: {Count}")]
    public static partial void AuditLost(this ILogger logger, long count);

    [LoggerMessage(54, LogLevel.Error, "Audit: {Problem}")]
    public static partial void AuditFailed(this ILogger logger, string problem);

    [LoggerMessage(55, LogLevel.Error, "The hub's threads have not answered for {Milliseconds} ms; the service manager is not told that all is well")]
    public static partial void Unresponsive(this ILogger logger, long milliseconds);

    [LoggerMessage(56, LogLevel.Information, "Listening on sockets that the service manager passed, {Count} of them; listen and port do not count")]
    public static partial void SocketsPassed(this ILogger logger, int count);

    [LoggerMessage(57, LogLevel.Warning, "The service manager at {Address} cannot be told: {Problem}")]
    public static partial void SupervisorFailed(this ILogger logger, string address, string problem);

    [LoggerMessage(58, LogLevel.Information, "Ignored, since Kubernetes sets them for its services and they are no settings: {Names}")]
    public static partial void ServiceLinksIgnored(this ILogger logger, string names);

    [LoggerMessage(59, LogLevel.Warning, "A key is not used: {Problem}")]
    public static partial void KeySkipped(this ILogger logger, string problem);

    [LoggerMessage(65, LogLevel.Error, "A defect while the settings or files were read again; the hub goes on with what it has")]
    public static partial void ReloadDefect(this ILogger logger, Exception exception);
}
