using System.Net;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Resuming;
using MessageDelivery.Hub.Transport;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Hub;

/// <summary>Everything the hub logs. Each event has its own id; docs/operations.md lists them.</summary>
internal static partial class HubLog
{
    [LoggerMessage(1, LogLevel.Information, "Listening on {Endpoint}")]
    public static partial void Listening(this ILogger logger, IPEndPoint endpoint);

    [LoggerMessage(2, LogLevel.Information, "Stopping: connections that have {DrainTimeout} to take what is queued: {Connections}")]
    public static partial void Stopping(this ILogger logger, long connections, TimeSpan drainTimeout);

    [LoggerMessage(3, LogLevel.Information, "Stopped")]
    public static partial void Stopped(this ILogger logger);

    [LoggerMessage(4, LogLevel.Debug, "User {UserId} joined from {Peer}, speaking {Protocol}")]
    public static partial void UserJoined(this ILogger logger, ulong userId, string protocol, PeerAddress peer);

    [LoggerMessage(5, LogLevel.Debug, "User {UserId} left after {Milliseconds} ms: {Reason}")]
    public static partial void UserLeft(this ILogger logger, ulong userId, CloseReason reason, long milliseconds);

    [LoggerMessage(6, LogLevel.Warning, "Accepting on {Endpoint} failed with errno {Error}; those who come are turned away")]
    public static partial void AcceptFailed(this ILogger logger, IPEndPoint endpoint, int error);

    [LoggerMessage(7, LogLevel.Warning, "The limit of connections is met, which is {MaxConnections}; more are refused")]
    public static partial void TooManyConnections(this ILogger logger, int maxConnections);

    [LoggerMessage(8, LogLevel.Critical, "An event loop failed; the hub stops")]
    public static partial void LoopFailed(this ILogger logger, Exception exception);

    [LoggerMessage(9, LogLevel.Error, "A connection failed for a defect in the hub and was closed")]
    public static partial void ConnectionFailed(this ILogger logger, Exception exception);

    [LoggerMessage(10, LogLevel.Warning, "User {UserId} at {Peer} is cut off: it took nothing for the stall limit while {Pending} ({PendingBytes} bytes) waited for it")]
    public static partial void SlowConsumer(this ILogger logger, ulong userId, ByteText pending, long pendingBytes, PeerAddress peer);

    [LoggerMessage(11, LogLevel.Information, "Memory for messages: {Limit} ({LimitBytes} bytes); connections: {MaxConnections}; event loops: {EventLoops}")]
    public static partial void Limits(this ILogger logger, ByteText limit, long limitBytes, int maxConnections, int eventLoops);

    [LoggerMessage(12, LogLevel.Debug, "User {UserId} has lost its connection ({Reason}) and may resume within {WindowMilliseconds} ms")]
    public static partial void UserAway(this ILogger logger, ulong userId, CloseReason reason, long windowMilliseconds);

    [LoggerMessage(13, LogLevel.Debug, "User {UserId} has resumed from {Peer}")]
    public static partial void UserResumed(this ILogger logger, ulong userId, PeerAddress peer);

    [LoggerMessage(14, LogLevel.Debug, "The session of user {UserId}, who was away, has ended: {Reason}")]
    public static partial void SessionEnded(this ILogger logger, ulong userId, SessionEnd reason);

    [LoggerMessage(20, LogLevel.Debug, "A TLS handshake with {Peer} failed: {Why}")]
    public static partial void HandshakeFailed(this ILogger logger, PeerAddress peer, string why);

    [LoggerMessage(21, LogLevel.Information, "The certificate in use is of {Subject}, good until {NotAfter:u}")]
    public static partial void CertificatesInUse(this ILogger logger, string subject, DateTime notAfter);
}
