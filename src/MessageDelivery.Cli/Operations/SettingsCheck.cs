using MessageDelivery.Cli.Settings;
using MessageDelivery.Cli.Tls;

namespace MessageDelivery.Cli.Operations;

/// <summary>
/// What of a hub's settings can be judged before a hub is run with them, beyond what each says by itself: the files they name. A part
/// of the hub that reads files adds its own line.
/// </summary>
internal static class SettingsCheck
{
    /// <summary>Each yields what is wrong, one line each, without secrets. They change nothing.</summary>
    public static readonly IReadOnlyList<Func<ServeSettings, IEnumerable<string>>> All =
    [
        AuditLog.Check,
        settings => Problem(() => settings.Auth.Load()),
        settings => Problem(() => settings.Web.LoadAdmins()),
        settings => Problem(() => CertificateReloading.Load(settings.Tls)),
    ];

    /// <summary>All that is wrong.</summary>
    public static IEnumerable<string> Problems(ServeSettings settings) => All.SelectMany(check => check(settings));

    private static IEnumerable<string> Problem(Action load)
    {
        try
        {
            load();
            return [];
        }
        catch (CommandException exception)
        {
            return [exception.Message];
        }
    }
}
