using MessageDelivery.Cli.Settings;
using MessageDelivery.Web;

namespace MessageDelivery.Cli.Operations;

/// <summary>Who administers can change while the hub runs.</summary>
/// <param name="fingerprint">What the file held at start.</param>
internal sealed class AdminReload(HubWebServer web, string fingerprint) : IReloadable
{
    private string _fingerprint = fingerprint;

    public IReadOnlyCollection<string> Settings { get; } = ["admin-token-file"];

    public Change Prepare(ServeSettings settings)
    {
        var next = settings.Web.LoadAdmins();
        return new(() =>
        {
            _fingerprint = next.Fingerprint;
            web.UseAdmins(next.Authenticator);
        })
        {
            Files = next.Fingerprint == _fingerprint ? "" : "the tokens in admin-token-file",
        };
    }
}
