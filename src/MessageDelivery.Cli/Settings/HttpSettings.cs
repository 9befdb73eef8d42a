using System.Net;
using MessageDelivery.Hub;
using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Web;

namespace MessageDelivery.Cli.Settings;

/// <summary>What is served over HTTP and WebSocket, and to whom. Immutable.</summary>
internal sealed record HttpSettings
{
    private const int MaxNetworks = 64;
    private static readonly string[] AccessNames = ["admin", "open", "off"];

    public static readonly IReadOnlyList<Setting> All =
    [
        new("metrics", "ACCESS", "admin",
            "Who may read /metrics: admin (this machine, or a token of --admin-token-file), open (everybody), or off.",
            static (settings, values) => Change(settings, http => http with { Metrics = (MetricsAccess)HubSettings.OneOf(values[0], AccessNames) })),
        new("admin-token-file", "FILE", "none",
            "The file of administrators' tokens that 'mds token admin' writes.",
            static (settings, values) => Change(settings, http => http with { AdminTokenFile = values[0] }))
        { File = FileUse.Read },
        new("allow-host", "NAME", "none",
            "A name by which HTTP and WebSocket may ask for this hub, beside addresses, localhost and its certificate's names. May be repeated.",
            static (settings, values) => Change(settings, http => http with { Hosts = [.. values.Select(Host)] }))
        { IsList = true },
        new("allow-origin", "ORIGIN", "none",
            "An origin such as https://example.org whose pages may connect, beside the hub's own. May be repeated.",
            static (settings, values) => Change(settings, http => http with { Origins = [.. values.Select(Origin)] }))
        { IsList = true },
        new("trusted-proxy", "NETWORK", "none",
            "A network such as 10.0.0.0/8 of reverse proxies whose X-Forwarded-For is believed. May be repeated.",
            static (settings, values) => Change(settings, http => http with { Proxies = Networks(values) }))
        { IsList = true },
    ];

    public MetricsAccess Metrics { get; init; }

    public string? AdminTokenFile { get; init; }

    public IReadOnlyList<string> Hosts { get; init; } = [];

    public IReadOnlyList<string> Origins { get; init; } = [];

    public IReadOnlyList<IPNetwork> Proxies { get; init; } = [];

    /// <summary>The hub's own part, served by this server.</summary>
    public HubHttpOptions ToOptions(IHttpServer? server)
    {
        var options = new HubHttpOptions { Server = server };
        foreach (string host in Hosts)
        {
            options.AllowedHosts.Add(host);
        }

        foreach (string origin in Origins)
        {
            options.AllowedOrigins.Add(origin);
        }

        foreach (var network in Proxies)
        {
            options.TrustedProxies.Add(network);
        }

        return options;
    }

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
                    ExitCode.Usage, $"{AdminTokenFile} has '{user.Name}', which is no administrator's token but a user's: administrators' come from 'mds token admin', in a file of their own")
                : new(new TokenAuthenticator(file), fingerprint, []);
        }
        catch (AccessFileException exception)
        {
            throw new CommandException(ExitCode.Usage, exception.Message);
        }
    }

    private static string Host(string text)
    {
        string name = text.EndsWith('.') ? text[..^1] : text;
        return name.Length <= 253 && Uri.CheckHostName(name) == UriHostNameType.Dns
            ? text
            : throw new SettingValueException("a host is a name such as hub.example.org, without a port");
    }

    private static string Origin(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Host.Length > 0 && uri.GetLeftPart(UriPartial.Authority).Equals(text, StringComparison.OrdinalIgnoreCase) && uri.UserInfo.Length == 0
            ? text
            : throw new SettingValueException("an origin is written https://example.org or https://example.org:8443, as a browser does");

    private static List<IPNetwork> Networks(IReadOnlyList<string> texts) => texts.Count > MaxNetworks
        ? throw new SettingValueException($"there are {texts.Count} networks; the most is {MaxNetworks}")
        : texts.Select(static text => IPNetwork.TryParse(text, out var network)
            ? network
            : IPAddress.TryParse(text, out var address)
            ? new IPNetwork(address, 8 * address.GetAddressBytes().Length)
            : throw new SettingValueException("a network is written 10.0.0.0/8, 2001:db8::/32 or 10.1.2.3, with no bit set behind its prefix")).ToList();

    private static ServeSettings Change(ServeSettings settings, Func<HttpSettings, HttpSettings> change) =>
        settings with { Http = change(settings.Http) };
}
