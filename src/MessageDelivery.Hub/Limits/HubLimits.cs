using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Limits;

/// <summary>
/// What one user, or one address, may do to a hub. Normal use meets none of the defaults. Zero turns a limit off, but for
/// <see cref="MaxBodyBytes"/> and <see cref="MaxReceivers"/>, where it is the protocol's own. Immutable.
/// </summary>
public sealed record HubLimits
{
    internal const int MaxConnections = 10_000_000;
    internal const int MaxConnectionRate = 1_000_000;
    internal const int MaxErrors = 1_000_000;
    internal const int MaxProgressBytes = 1 << 20;
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

    internal static TimeSpan MaxTimeout => TimeSpan.FromDays(1);

    /// <summary>Checks every limit; an impossible one is named with its value and what it may be.</summary>
    /// <exception cref="ArgumentException">A limit is impossible.</exception>
    internal void Validate()
    {
        Between(MaxConnectionsPerAddress ?? 0, MaxConnections, nameof(MaxConnectionsPerAddress));
        Between(ConnectionsPerSecond ?? 0, MaxConnectionRate, nameof(ConnectionsPerSecond));
        Between(MaxConnectionsPerUser, MaxConnections, nameof(MaxConnectionsPerUser));
        Between(RelaysPerSecond, MaxRate, nameof(RelaysPerSecond));
        Between(BytesPerSecond, MaxByteRate, nameof(BytesPerSecond));
        Between(ListsPerSecond, MaxRate, nameof(ListsPerSecond));
        Between(EchoesPerSecond, MaxRate, nameof(EchoesPerSecond));
        Between(MaxErrorsPerMinute, MaxErrors, nameof(MaxErrorsPerMinute));
        Between(MinProgressBytes, MaxProgressBytes, nameof(MinProgressBytes));
        Between(MaxBodyBytes, ProtocolLimits.MaxBodyBytes, nameof(MaxBodyBytes));
        Between(MaxReceivers, ProtocolLimits.MaxReceivers, nameof(MaxReceivers));
        Between(HandshakeTimeout, nameof(HandshakeTimeout));
        Between(AuthenticationTimeout, nameof(AuthenticationTimeout));
        if (!Enum.IsDefined(Ids))
        {
            throw new ArgumentOutOfRangeException(nameof(Ids), Ids, "Ids must be Sequential or Random.");
        }
    }

    private static void Between(long value, long most, string limit)
    {
        if (value < 0 || value > most)
        {
            throw new ArgumentOutOfRangeException(limit, value, $"{limit} must be between 0 and {most}.");
        }
    }

    private static void Between(TimeSpan value, string limit)
    {
        if (value < TimeSpan.Zero || value > MaxTimeout)
        {
            throw new ArgumentOutOfRangeException(limit, value, $"{limit} must be between 0 and {MaxTimeout}.");
        }
    }
}

/// <summary>How a hub gives ids. In either way none is given twice while it runs.</summary>
public enum UserIdOrder
{
    /// <summary>1, 2, 3 and so on.</summary>
    Sequential,

    /// <summary>Numbers below 2^53 that nobody can guess.</summary>
    Random,
}
