using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Web;

namespace MessageDelivery.Cli.Settings;

/// <summary>What is served over HTTP, and to whom. Immutable.</summary>
internal sealed record WebSettings
{
    private static readonly string[] AccessNames = ["admin", "open", "off"];

    public static readonly IReadOnlyList<Setting> All =
    [
        new("metrics", "ACCESS", "admin",
            "Who may read /metrics: admin (this machine, or a token of --admin-token-file), open (everybody), or off.",
            static (settings, values) => Change(settings, web => web with { Metrics = (MetricsAccess)HubSettings.OneOf(values[0], AccessNames) })),
        new("admin-token-file", "FILE", "none",
            "The file of administrators' tokens that 'mds token admin' writes.",
            static (settings, values) => Change(settings, web => web with { AdminTokenFile = values[0] }))
        { File = FileUse.Read },
    ];

    public MetricsAccess Metrics { get; init; }

    public string? AdminTokenFile { get; init; }

    /// <summary>Reads the file of administrators.</summary>
    /// <exception cref="CommandException">It cannot be used.</exception>
    public LoadedAuthenticator LoadAdmins()
    {
        if (AdminTokenFile is null)
        {
            return new(null, "", []);
        }

        // Before it is read: what is written after that has not been read.
        string fingerprint = FileContents.Read([AdminTokenFile]).Fingerprint;
        try
        {
            var file = TokenFile.Load(AdminTokenFile);
            return file.Tokens.FirstOrDefault(token => !token.IsAdmin) is { } user
                ? throw new CommandException(
                    ExitCode.Usage, $"{AdminTokenFile} has '{user.Name}', which is a user's token and no administrator's: those come from 'mds token admin', in a file of their own")
                : new(new TokenAuthenticator(file), fingerprint, []);
        }
        catch (AccessFileException exception)
        {
            throw new CommandException(ExitCode.Usage, exception.Message);
        }
    }

    private static ServeSettings Change(ServeSettings settings, Func<WebSettings, WebSettings> change) =>
        settings with { Web = change(settings.Web) };
}
