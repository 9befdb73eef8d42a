using MessageDelivery.Cli.Settings;
using MessageDelivery.Hub;

namespace MessageDelivery.Cli.Operations;

/// <summary>Who is let in can change while the hub runs; whether anybody has to show a token, and of which kind, cannot.</summary>
/// <param name="mode">What the hub was started with.</param>
internal sealed class AuthReload(MessageHub hub, AuthMode mode) : IReloadable
{
    /// <inheritdoc/>
    public IReadOnlyCollection<string> Settings { get; } =
        ["auth-tokens", "jwt-keys", "jwt-secret", "jwt-issuer", "jwt-audience", "jwt-clock-skew"];

    /// <inheritdoc/>
    public Change Prepare(ServeSettings settings)
    {
        var next = settings.Auth.CreateAuthenticator();
        return new(() =>
        {
            if (next is not null && settings.Auth.Mode == mode)
            {
                hub.UseAuthenticator(next);
            }
        });
    }

    /// <summary>What is wrong with the files.</summary>
    public static IEnumerable<string> Check(ServeSettings settings)
    {
        string? problem = null;
        try
        {
            settings.Auth.CreateAuthenticator();
        }
        catch (CommandException exception)
        {
            problem = exception.Message;
        }

        return problem is null ? [] : [problem];
    }
}
