using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Limits;

/// <summary>The limits, in the order of <see cref="Limit.All"/>; counters have a place for each.</summary>
internal enum LimitKind
{
    Connections,
    ConnectionsPerAddress,
    ConnectionRate,
    ConnectionsPerUser,
    HttpConnections,
    Handshake,
    Authentication,
    EarlyBytesIn,
    EarlyBytesOut,
    RelayRate,
    ByteRate,
    ListRate,
    EchoRate,
    Errors,
    Progress,
    Body,
    Receivers,
}

/// <summary>When a limit counts.</summary>
[Flags]
internal enum LimitStage
{
    /// <summary>Before the connection has become a user.</summary>
    Before = 1,

    /// <summary>From then on.</summary>
    After = 2,

    /// <summary>When its conversation has ended, until its descriptor is closed.</summary>
    Closing = 4,
}

/// <summary>A limit: what it protects, its setting, and the code that a user who exceeds it is told. The same for every protocol.</summary>
/// <param name="Kind">Which it is.</param>
/// <param name="Name">How metrics and logs call it.</param>
/// <param name="Setting">The setting that changes it, without its hyphens in front; null if none does.</param>
/// <param name="Protects">What it keeps from being used up.</param>
/// <param name="Stages">When it counts.</param>
/// <param name="Code">The answer.</param>
internal sealed record Limit(LimitKind Kind, string Name, string? Setting, string Protects, LimitStage Stages, ProtocolCode Code)
{
    /// <summary>Bytes that may come of a connection before it has said who it is, without the token itself.</summary>
    public const int EarlyBytesIn = 4 << 10;

    /// <summary>Bytes that a connection may be sent before it has said who it is.</summary>
    public const int EarlyBytesOut = 1 << 10;

    /// <summary>Whether it only counts where users have to say who they are.</summary>
    public bool NeedsAuthentication { get; init; }

    /// <summary>All limits; a test asks for a trial of each in each protocol.</summary>
    public static IReadOnlyList<Limit> All { get; } =
    [
        new(LimitKind.Connections, "connections", "max-connections", "file descriptors and memory", LimitStage.Before | LimitStage.Closing, ProtocolCode.TooManyConnections),
        new(LimitKind.ConnectionsPerAddress, "connections_per_address", "max-connections-per-address",
            "the other addresses' share of the connections", LimitStage.Before | LimitStage.Closing, ProtocolCode.TooManyConnections),
        new(LimitKind.ConnectionRate, "connection_rate", "connection-rate", "the time that accepting takes", LimitStage.Before, ProtocolCode.RateLimited),
        new(LimitKind.ConnectionsPerUser, "connections_per_user", "max-connections-per-user",
            "the other identities' share of the connections", LimitStage.After, ProtocolCode.TooManyConnections) { NeedsAuthentication = true },
        new(LimitKind.HttpConnections, "http_connections", "max-http-connections", "memory, from connections of HTTP", LimitStage.Before, ProtocolCode.TooManyConnections),
        new(LimitKind.Handshake, "handshake", "handshake-timeout", "connections, from those that begin and stop", LimitStage.Before, ProtocolCode.HandshakeTimeout),
        new(LimitKind.Authentication, "authentication", "auth-timeout",
            "connections, from those that nobody has proved to be allowed", LimitStage.Before, ProtocolCode.HandshakeTimeout) { NeedsAuthentication = true },
        new(LimitKind.EarlyBytesIn, "early_bytes_in", null, "memory and time, from strangers", LimitStage.Before, ProtocolCode.AuthRequired) { NeedsAuthentication = true },
        new(LimitKind.EarlyBytesOut, "early_bytes_out", null, "memory and the network, from strangers", LimitStage.Before, ProtocolCode.AuthRequired) { NeedsAuthentication = true },
        new(LimitKind.RelayRate, "relay_rate", "relay-rate", "the hub's time", LimitStage.After, ProtocolCode.RateLimited),
        new(LimitKind.ByteRate, "byte_rate", "byte-rate", "the network and the receivers", LimitStage.After, ProtocolCode.RateLimited),
        new(LimitKind.ListRate, "list_rate", "list-rate", "the network: each answer may be megabytes", LimitStage.After, ProtocolCode.RateLimited),
        new(LimitKind.EchoRate, "echo_rate", "echo-rate", "the hub's time", LimitStage.After, ProtocolCode.RateLimited),
        new(LimitKind.Errors, "errors", "max-errors", "the hub's time, from a program that does everything wrong", LimitStage.After, ProtocolCode.RateLimited),
        new(LimitKind.Progress, "progress", "least-progress", "memory, from what is begun and never finished", LimitStage.After, ProtocolCode.HeartbeatTimeout),
        new(LimitKind.Body, "body", "max-body", "memory and the receivers", LimitStage.After, ProtocolCode.FrameTooLarge),
        new(LimitKind.Receivers, "receivers", "max-receivers", "the receivers: one relay is as many deliveries", LimitStage.After, ProtocolCode.InvalidReceivers),
    ];

    public static Limit Of(LimitKind kind) => All[(int)kind];
}

/// <summary>What users are told who meet a limit: the value and the limit, the same in every protocol.</summary>
internal static class RateText
{
    public static string TooMuch(long bytes, int receivers, long rate) =>
        $"{bytes} bytes for {receivers} {(receivers == 1 ? "receiver" : "receivers")} would have to wait for more than {Pace.MaxWaitMilliseconds / 1_000} s; the limit is {rate} bytes a second (byte-rate)";

    public static string TooManyErrors(int most) => $"{most + 1L} errors within a minute; the limit is {most} (max-errors)";

    public static string NoProgress(string what, int least) =>
        $"fewer than {least} bytes came in {Progress.IntervalMilliseconds / 1_000} s of a {what} that is unfinished (least-progress)";

    public static string NotAuthenticated(TimeSpan limit) => $"nobody was authenticated within {limit.TotalSeconds:0.###} s";

    public static string EarlyBytes(string what, int limit) => $"more than {limit} bytes {what} before anybody was authenticated";

    public static string TooSlow(string what, TimeSpan limit) => $"{what} took longer than {limit.TotalSeconds:0.###} s";
}
