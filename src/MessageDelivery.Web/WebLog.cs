using Microsoft.Extensions.Logging;

namespace MessageDelivery.Web;

/// <summary>What the web server logs. Each event has its own id; docs/operations.md lists them.</summary>
internal static partial class WebLog
{
    [LoggerMessage(70, LogLevel.Information, "HTTP is served from now on; it took {Milliseconds} ms to start")]
    public static partial void WebServerStarted(this ILogger logger, double milliseconds);

    [LoggerMessage(71, LogLevel.Error, "The HTTP server cannot start; connections that waited for it, {Count} of them, are closed, and the next one tries again")]
    public static partial void WebServerFailed(this ILogger logger, int count, Exception exception);

    [LoggerMessage(72, LogLevel.Warning, "{Peer} is refused for {Path}: {Why}; refused since this was last said, with this one: {Count}")]
    public static partial void AdminRefused(this ILogger logger, string peer, string path, string why, long count);

    [LoggerMessage(73, LogLevel.Error, "A defect in answering {Path}")]
    public static partial void AnswerFailed(this ILogger logger, string path, Exception exception);
}
