using MessageDelivery.Hub.Access;

namespace MessageDelivery.Web;

/// <summary>What a <see cref="HubWebServer"/> shows, and to whom. Immutable; change a copy with <c>with</c>.</summary>
public sealed record HubWebOptions
{
    /// <summary>Who may read the metrics. Default: <see cref="MetricsAccess.Admin"/>.</summary>
    public MetricsAccess Metrics { get; init; } = MetricsAccess.Admin;

    /// <summary>
    /// Verifies the tokens of administrators, whose identities say so (<see cref="Identity.IsAdmin"/>); <see cref="HubWebServer.UseAdmins"/> replaces it. Default: null, nobody has one: then administration is
    /// for this machine only, on a hub that listens on loopback alone.
    /// </summary>
    public IAuthenticator? Admins { get; init; }
}

/// <summary>Who may read a hub's metrics.</summary>
public enum MetricsAccess
{
    /// <summary>
    /// Whoever shows an administrator's token; and without one, on a hub that listens on loopback alone and trusts no proxy, whoever comes from
    /// loopback with no header of a proxy.
    /// </summary>
    Admin,

    /// <summary>Everybody who reaches the hub.</summary>
    Open,

    /// <summary>Nobody: there are none.</summary>
    Off,
}
