using System.Globalization;
using MessageDelivery.Cli.Terminal;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Protocol;

namespace MessageDelivery.Cli.Settings;

/// <summary>The settings that say what one user, or one address, may do.</summary>
internal static class LimitSettings
{
    private const int MaxConnections = 10_000_000;
    private const int MaxConnectionRate = 1_000_000;
    private const int MaxErrors = 1_000_000;
    private const int MaxProgressBytes = 1 << 20;
    private const int MaxRate = 1_000_000_000;
    private const long MaxByteRate = 1L << 40;
    private static readonly TimeSpan MaxTimeout = TimeSpan.FromDays(1);
    private static readonly HubLimits Defaults = new();

    public static readonly IReadOnlyList<Setting> All =
    [
        new("max-connections-per-address", "N", "a quarter of all, at least 1000, without loopback",
            "Connections at one time from one address, of IPv6 from one /64; 0 is no limit.",
            Change(static (limits, value) => limits with { MaxConnectionsPerAddress = HubSettings.Number(value, 0, MaxConnections) })),
        new("connection-rate", "N", "500 without loopback",
            "New connections in a second from one address, of IPv6 from one /64; 0 is no limit.",
            Change(static (limits, value) => limits with { ConnectionsPerSecond = HubSettings.Number(value, 0, MaxConnectionRate) })),
        new("max-connections-per-user", "N", Text(Defaults.MaxConnectionsPerUser),
            "Connections at one time of one identity, where users say who they are; 0 is no limit.",
            Change(static (limits, value) => limits with { MaxConnectionsPerUser = HubSettings.Number(value, 0, MaxConnections) })),
        new("handshake-timeout", "TIME", Duration.Format(Defaults.HandshakeTimeout),
            "How long the first bytes, a TLS handshake and a HELLO may each take; 0 is for ever.",
            Change(static (limits, value) => limits with { HandshakeTimeout = Time(value) })),
        new("auth-timeout", "TIME", Duration.Format(Defaults.AuthenticationTimeout),
            "How long a connection may take to say who it is, where that is asked; 0 is for ever.",
            Change(static (limits, value) => limits with { AuthenticationTimeout = Time(value) })),
        new("relay-rate", "N", "0",
            "Relays that one user may send in a second; more wait. 0 is no limit.",
            Change(static (limits, value) => limits with { RelaysPerSecond = Rate(value) })),
        new("byte-rate", "SIZE", "0",
            "Bytes of bodies that one user may send in a second, once for each receiver; more wait. 0 is no limit.",
            Change(static (limits, value) => limits with { BytesPerSecond = HubSettings.Size(value, 0, MaxByteRate) })),
        new("list-rate", "N", Text(Defaults.ListsPerSecond),
            "Lists that one user may ask for in a second; more wait. 0 is no limit.",
            Change(static (limits, value) => limits with { ListsPerSecond = Rate(value) })),
        new("echo-rate", "N", Text(Defaults.EchoesPerSecond),
            "Echoes that one user may ask for in a second; more wait. 0 is no limit.",
            Change(static (limits, value) => limits with { EchoesPerSecond = Rate(value) })),
        new("max-errors", "N", Text(Defaults.MaxErrorsPerMinute),
            "Errors of one connection within a minute; one more closes it. 0 is no limit.",
            Change(static (limits, value) => limits with { MaxErrorsPerMinute = HubSettings.Number(value, 0, MaxErrors) })),
        new("least-progress", "SIZE", ByteSize.Format(Defaults.MinProgressBytes),
            "Bytes that have to come in 30 s while a frame or a long body is unfinished; 0 is none.",
            Change(static (limits, value) => limits with { MinProgressBytes = (int)HubSettings.Size(value, 0, MaxProgressBytes) })),
        new("max-body", "SIZE", ByteSize.Format(ProtocolLimits.MaxBodyBytes),
            "The most bytes of a relay's body; 0 is what the protocol allows.",
            Change(static (limits, value) => limits with { MaxBodyBytes = (int)HubSettings.Size(value, 0, ProtocolLimits.MaxBodyBytes) })),
        new("max-receivers", "N", Text(ProtocolLimits.MaxReceivers),
            "The most receivers of a relay; 0 is what the protocol allows.",
            Change(static (limits, value) => limits with { MaxReceivers = HubSettings.Number(value, 0, ProtocolLimits.MaxReceivers) })),
        new("ids", "ORDER", "sequential",
            "How ids are given: sequential counts from 1, random ids cannot be guessed.",
            Change(static (limits, value) => limits with { Ids = (UserIdOrder)HubSettings.OneOf(value, ["sequential", "random"]) })),
    ];

    private static Func<ServeSettings, IReadOnlyList<string>, ServeSettings> Change(Func<HubLimits, string, HubLimits> change) =>
        (settings, values) => settings with { Hub = settings.Hub with { Limits = change(settings.Hub.Limits, values[0]) } };

    private static long Rate(string text) => HubSettings.Number(text, 0, MaxRate);

    private static TimeSpan Time(string text) => HubSettings.Time(text, TimeSpan.Zero, MaxTimeout);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
