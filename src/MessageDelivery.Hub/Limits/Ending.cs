using MessageDelivery.Hub.Transport;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Limits;

/// <summary>How the hub ends a connection.</summary>
/// <param name="Code">What the peer is told, as a number.</param>
/// <param name="Reason">What metrics and the audit are told.</param>
/// <param name="Text">What the peer is told in words: what is wrong, with the value and the limit.</param>
internal sealed record Ending(ProtocolCode Code, CloseReason Reason, string Text)
{
    public static readonly Ending Left = new(ProtocolCode.Normal, CloseReason.Left, "");

    public static readonly Ending ShuttingDown =
        new(ProtocolCode.ShuttingDown, CloseReason.ShuttingDown, "the hub is stopping; connect again after a pause");

    public static readonly Ending TakenOver =
        new(ProtocolCode.TakenOver, CloseReason.TakenOver, "another connection goes on with this session");

    public static readonly Ending TokenExpired = new(ProtocolCode.AuthFailed, CloseReason.TokenExpired, "the token has expired");

    public static readonly Ending Removed = new(ProtocolCode.Removed, CloseReason.Removed, "the token was revoked");

    /// <summary>It shows no token where the hub demands one.</summary>
    public static readonly Ending NoToken =
        new(ProtocolCode.AuthRequired, CloseReason.AuthRequired, "this hub lets nobody in without a token");

    public static readonly Ending TooManyChecks =
        new(ProtocolCode.Overloaded, CloseReason.Overloaded, "too many tokens wait to be verified; try again later");

    /// <summary>There is no memory for a new connection.</summary>
    public static readonly Ending Overloaded =
        new(ProtocolCode.Overloaded, CloseReason.Overloaded, "the hub is out of message memory; try again later");

    /// <summary>There is no memory to go on with a connection.</summary>
    public static readonly Ending OutOfMemory =
        new(ProtocolCode.Overloaded, CloseReason.Overloaded, "the hub is out of message memory");

    /// <summary>There is no memory for the rest of a request.</summary>
    public static Ending OutOfMemoryFor(string what) => OutOfMemory with { Text = $"{OutOfMemory.Text} and this {what} is unfinished" };

    public static Ending ProtocolError(string text) => new(ProtocolCode.ProtocolError, CloseReason.ProtocolError, text);

    public static Ending Unsupported(string text) => new(ProtocolCode.Unsupported, CloseReason.Unsupported, text);

    public static Ending FrameTooLarge(string text) => new(ProtocolCode.FrameTooLarge, CloseReason.FrameTooLarge, text);

    public static Ending TokenRefused(string why) => new(ProtocolCode.AuthFailed, CloseReason.AuthFailed, why);

    /// <summary>A certificate is missing, or does not hold.</summary>
    public static Ending CertificateRefused(bool isShown, string why) =>
        new(isShown ? ProtocolCode.AuthFailed : ProtocolCode.AuthRequired, CloseReason.CertificateRefused, why);

    /// <summary>The hub has as many connections as it may.</summary>
    public static Ending OfAll(int most) => TooManyConnections($"the hub has its {most} connections");

    /// <summary>The address has as many connections as it may.</summary>
    public static Ending OfAddress(NetworkAddress address, int most) =>
        TooManyConnections($"{address} has {most} connections, which is the limit for one address (max-connections-per-address)");

    /// <summary>There are as many connections of HTTP as there may be.</summary>
    public static Ending OfHttp(int most) => TooManyConnections($"the hub has its {most} connections of HTTP (max-http-connections)");

    /// <summary>The identity has as many connections as it may.</summary>
    public static Ending OfIdentity(int most) =>
        TooManyConnections($"this identity has {most} connections, which is the limit (max-connections-per-user)");

    /// <summary>The address connects too often.</summary>
    public static Ending OfRate(NetworkAddress address, int perSecond) => RateLimited(
        $"{address} connects more than {perSecond} times a second, which is the limit (connection-rate); try again later");

    public static Ending TooManyErrors(int most) => RateLimited($"{most + 1L} errors within a minute; the limit is {most} (max-errors)");

    public static Ending TooManyIdle(int most) =>
        RateLimited($"more than {most} pings, pongs and empty frames within a minute, with the errors; that is the limit (max-errors)");

    public static Ending Silent(int seconds) =>
        new(ProtocolCode.HeartbeatTimeout, CloseReason.HeartbeatTimeout, $"nothing came for {seconds} s, twice the heartbeat");

    public static Ending NoProgress(string what, int least) => new(
        ProtocolCode.HeartbeatTimeout,
        CloseReason.HeartbeatTimeout,
        $"fewer than {least} bytes came in {Progress.IntervalMilliseconds / 1_000} s of a {what} that is unfinished (least-progress)");

    public static Ending TooSlow(string what, TimeSpan limit) => HandshakeTimeout($"{what} took longer than {limit.TotalSeconds:0.###} s");

    public static Ending NotAuthenticated(TimeSpan limit) => HandshakeTimeout($"nobody was authenticated within {limit.TotalSeconds:0.###} s");

    public static Ending EarlyBytes(string what, int limit) => NoToken with { Text = $"more than {limit} bytes {what} before anybody was authenticated" };

    private static Ending TooManyConnections(string text) =>
        new(ProtocolCode.TooManyConnections, CloseReason.TooManyConnections, $"{text}; try again later");

    private static Ending RateLimited(string text) => new(ProtocolCode.RateLimited, CloseReason.RateLimited, text);

    private static Ending HandshakeTimeout(string text) => new(ProtocolCode.HandshakeTimeout, CloseReason.HandshakeTimeout, text);
}
