using MessageDelivery.Cli.Settings;
using MessageDelivery.Hub;

namespace MessageDelivery.Cli.Operations;

/// <summary>Who is let in can change while the hub runs; whether anybody has to show a token, and of which kind, cannot.</summary>
/// <param name="mode">What the hub was started with.</param>
/// <param name="fingerprint">What the files held then.</param>
internal sealed class AuthReload(MessageHub hub, AuthMode mode, string fingerprint) : IReloadable
{
    private string _fingerprint = fingerprint;

    public IReadOnlyCollection<string> Settings { get; } =
        ["auth-tokens", "jwt-keys", "jwt-secret", "jwt-issuer", "jwt-audience", "jwt-clock-skew"];

    public Change Prepare(ServeSettings settings)
    {
        var next = settings.Auth.Load();
        if (next.Authenticator is not { } authenticator || settings.Auth.Mode != mode)
        {
            return new(() => { });
        }

        string files = settings.Auth.Mode == AuthMode.Token ? "the tokens in auth-tokens" : "the keys in jwt-keys or jwt-secret";
        return new(() =>
        {
            _fingerprint = next.Fingerprint;
            hub.UseAuthenticator(authenticator);
        })
        {
            Files = next.Fingerprint == _fingerprint ? "" : files,
            Skipped = next.Skipped,
        };
    }
}
