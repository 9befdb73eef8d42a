using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Limits;

/// <summary>
/// What one user, or one address, may do to a hub. Normal use meets none of the defaults. Zero turns a limit off, but for
/// <see cref="MaxBodyBytes"/> and <see cref="MaxReceivers"/>, where it is the protocol's own. Immutable.
/// </summary>
public sealed record HubLimits
{
    internal const int MaxConnections = 10_000_000;
    internal const long MaxRate = 1_000_000_000;
    internal const long MaxByteRate = 1L << 40;

    /// <summary>Connections that each address may have that is not loopback, unless told otherwise, or a quarter of all if that is more.</summary>
    internal const int MinPerAddress = 1_000;

    /// <summary>New connections in a second from one address that is not loopback, unless told otherwise.</summary>
    internal const int DefaultConnectionsPerSecond = 500;

    /// <summary>
    /// Connections at one time from one address; of IPv6, from one /64. One more is answered <c>too_many_connections</c> and closed. Default:
    /// null, a quarter of <see cref="MessageHubOptions.MaxConnections"/> but at least 1,000, and loopback is not counted. A value counts loopback, too.
    /// </summary>
    public int? MaxConnectionsPerAddress { get; init; }

    /// <summary>
    /// New connections in a second from one address; of IPv6, from one /64. As many may come at once. One more is answered
    /// <c>rate_limited</c> and closed. Default: null, 500, and loopback is not counted. A value counts loopback, too.
    /// </summary>
    public int? ConnectionsPerSecond { get; init; }

    /// <summary>
    /// Connections at one time of one identity, up to their goodbye, where users have to say who they are. One more is answered <c>too_many_connections</c> and
    /// closed. Default: 1,000.
    /// </summary>
    public int MaxConnectionsPerUser { get; init; } = 1_000;

    /// <summary>
    /// How long the first bytes, a TLS handshake and a HELLO may each take once they have begun, up to a day; then <c>handshake_timeout</c>.
    /// Default: 10 s. Zero waits for ever.
    /// </summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a connection may take to say who it is, where that is asked, up to a day; then <c>handshake_timeout</c>. Default: 30 s. Zero
    /// waits for ever.
    /// </summary>
    public TimeSpan AuthenticationTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Relays that a user may send in a second; as many may come at once. Who sends more is made to wait. Default: 0, as many as it can: its
    /// receivers' queues make it wait.
    /// </summary>
    public long RelaysPerSecond { get; init; }

    /// <summary>
    /// Bytes of bodies that a user may send in a second, once for each receiver, and of ECHOs; as many may come at once. Who sends more is
    /// made to wait; what would make it wait for more than 2 s is answered <c>rate_limited</c>. Default: 0, as many as it can.
    /// </summary>
    public long BytesPerSecond { get; init; }

    /// <summary>Lists that a user may ask for in a second; as many may come at once. Who asks for more is made to wait. Default: 1,000.</summary>
    public long ListsPerSecond { get; init; } = 1_000;

    /// <summary>Echoes that a user may ask for in a second; as many may come at once. Who asks for more is made to wait. Default: 100,000.</summary>
    public long EchoesPerSecond { get; init; } = 100_000;

    /// <summary>
    /// Requests of one connection that may be answered by an error within a minute. One more closes it as <c>rate_limited</c>. Default: 100.
    /// </summary>
    public int MaxErrorsPerMinute { get; init; } = 100;

    /// <summary>
    /// Bytes that have to come in each 30 s while a frame, or a text body of more than 16 KiB, is unfinished. With fewer the connection is closed as <c>heartbeat_timeout</c>. Default: 4 KiB.
    /// </summary>
    public int MinProgressBytes { get; init; } = 4 << 10;

    /// <summary>The most bytes a relay's body may have, 1 to 1,048,576; told in WELCOME. Default: 0, what the protocol allows.</summary>
    public int MaxBodyBytes { get; init; }

    /// <summary>The most receivers a relay may list, 1 to 255; told in WELCOME. Default: 0, what the protocol allows.</summary>
    public int MaxReceivers { get; init; }

    /// <summary>How ids are given. Default: <see cref="UserIdOrder.Sequential"/>.</summary>
    public UserIdOrder Ids { get; init; }

    /// <summary>The limits that can be set: names, bounds and what they mean.</summary>
    internal static IReadOnlyList<HubOption> Table { get; } =
    [
        Of("max-connections-per-address", nameof(MaxConnectionsPerAddress), HubOptionKind.Count, MaxConnections, "Connections at one time from one address, of IPv6 from one /64; 0 is no limit.",
            static limits => limits.MaxConnectionsPerAddress, static (limits, value) => limits with { MaxConnectionsPerAddress = checked((int)value) }, "a quarter of all, at least 1000, without loopback"),
        Of("connection-rate", nameof(ConnectionsPerSecond), HubOptionKind.Count, 1_000_000, "New connections in a second from one address, of IPv6 from one /64; 0 is no limit.",
            static limits => limits.ConnectionsPerSecond, static (limits, value) => limits with { ConnectionsPerSecond = checked((int)value) }, "500 without loopback"),
        Of("max-connections-per-user", nameof(MaxConnectionsPerUser), HubOptionKind.Count, MaxConnections, "Connections at one time of one identity, where users say who they are; 0 is no limit.",
            static limits => limits.MaxConnectionsPerUser, static (limits, value) => limits with { MaxConnectionsPerUser = checked((int)value) }),
        Of("handshake-timeout", nameof(HandshakeTimeout), HubOptionKind.Time, TimeSpan.TicksPerDay, "How long the first bytes, a TLS handshake and a HELLO may each take; 0 is for ever.",
            static limits => limits.HandshakeTimeout.Ticks, static (limits, value) => limits with { HandshakeTimeout = new(value) }),
        Of("auth-timeout", nameof(AuthenticationTimeout), HubOptionKind.Time, TimeSpan.TicksPerDay, "How long a connection may take to say who it is, where that is asked; 0 is for ever.",
            static limits => limits.AuthenticationTimeout.Ticks, static (limits, value) => limits with { AuthenticationTimeout = new(value) }),
        Of("relay-rate", nameof(RelaysPerSecond), HubOptionKind.Count, MaxRate, "Relays that one user may send in a second; more wait. 0 is no limit.",
            static limits => limits.RelaysPerSecond, static (limits, value) => limits with { RelaysPerSecond = value }),
        Of("byte-rate", nameof(BytesPerSecond), HubOptionKind.Size, MaxByteRate, "Bytes of bodies that one user may send in a second, once for each receiver; more wait. 0 is no limit.",
            static limits => limits.BytesPerSecond, static (limits, value) => limits with { BytesPerSecond = value }, "0"),
        Of("list-rate", nameof(ListsPerSecond), HubOptionKind.Count, MaxRate, "Lists that one user may ask for in a second; more wait. 0 is no limit.",
            static limits => limits.ListsPerSecond, static (limits, value) => limits with { ListsPerSecond = value }),
        Of("echo-rate", nameof(EchoesPerSecond), HubOptionKind.Count, MaxRate, "Echoes that one user may ask for in a second; more wait. 0 is no limit.",
            static limits => limits.EchoesPerSecond, static (limits, value) => limits with { EchoesPerSecond = value }),
        Of("max-errors", nameof(MaxErrorsPerMinute), HubOptionKind.Count, 1_000_000, "Errors of one connection within a minute; one more closes it. 0 is no limit.",
            static limits => limits.MaxErrorsPerMinute, static (limits, value) => limits with { MaxErrorsPerMinute = checked((int)value) }),
        Of("least-progress", nameof(MinProgressBytes), HubOptionKind.Size, 1 << 20, "Bytes that have to come in 30 s while a frame or a long body is unfinished; 0 is none.",
            static limits => limits.MinProgressBytes, static (limits, value) => limits with { MinProgressBytes = checked((int)value) }),
        Of("max-body", nameof(MaxBodyBytes), HubOptionKind.Size, ProtocolLimits.MaxBodyBytes, "The most bytes of a relay's body; 0 is what the protocol allows.",
            static limits => limits.MaxBodyBytes, static (limits, value) => limits with { MaxBodyBytes = checked((int)value) }, "1MiB"),
        Of("max-receivers", nameof(MaxReceivers), HubOptionKind.Count, ProtocolLimits.MaxReceivers, "The most receivers of a relay; 0 is what the protocol allows.",
            static limits => limits.MaxReceivers, static (limits, value) => limits with { MaxReceivers = checked((int)value) }, "255"),
        Of("ids", nameof(Ids), HubOptionKind.Word, 1, "How ids are given: sequential counts from 1, random ids cannot be guessed.",
            static limits => (long)limits.Ids, static (limits, value) => limits with { Ids = (UserIdOrder)value })
            with { WordName = "ORDER", Words = ["sequential", "random"] },
    ];

    private static HubOption Of(
        string setting, string property, HubOptionKind kind, long max, string help,
        Func<HubLimits, long?> get, Func<HubLimits, long, HubLimits> with, string? inWords = null) => new(
            setting, $"{nameof(MessageHubOptions.Limits)}:{property}", kind, 0, max, help,
            options => get(options.Limits), (options, value) => options with { Limits = with(options.Limits, value) })
        {
            Default = inWords,
        };
}

/// <summary>How a hub gives ids. In either way none is given twice while it runs.</summary>
public enum UserIdOrder
{
    /// <summary>1, 2, 3 and so on.</summary>
    Sequential,

    /// <summary>Numbers below 2^53 that nobody can guess.</summary>
    Random,
}
