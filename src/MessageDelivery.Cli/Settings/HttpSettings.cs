using System.Net;
using MessageDelivery.Hub;

namespace MessageDelivery.Cli.Settings;

/// <summary>Who may come over HTTP and WebSocket.</summary>
internal static class HttpSettings
{
    public static readonly IReadOnlyList<Setting> All =
    [
        new("allow-host", "NAME", "none",
            "A name by which browsers may ask for the hub, beside addresses, localhost and its certificate's names. May be repeated.",
            static (settings, values) => Change(settings, http => http.With(hosts: Checked(values, HubHttpOptions.IsHost, HubHttpOptions.HostForm))))
        { IsList = true },
        new("allow-origin", "ORIGIN", "none",
            "An origin such as https://example.org whose pages may connect, beside those of the hub's own host. May be repeated.",
            static (settings, values) => Change(settings, http => http.With(origins: Checked(values, HubHttpOptions.IsOrigin, HubHttpOptions.OriginForm))))
        { IsList = true },
        new("trusted-proxy", "CIDR", "none",
            "A reverse proxy, or a network of them, whose X-Forwarded-For is believed. May be repeated.",
            static (settings, values) => Change(settings, http => http.With(proxies: [.. values.Select(Network)])))
        { IsList = true },
    ];

    private static ServeSettings Change(ServeSettings settings, Func<HubHttpOptions, HubHttpOptions> change) =>
        settings with { Hub = settings.Hub with { Http = change(settings.Hub.Http) } };

    private static IEnumerable<string> Checked(IReadOnlyList<string> values, Func<string, bool> isRight, string form) =>
        values.FirstOrDefault(value => !isRight(value)) is { } wrong ? throw new SettingValueException($"{wrong} is not {form}") : values;

    private static IPNetwork Network(string text) => HubHttpOptions.TryReadNetwork(text, out var network)
        ? network
        : throw new SettingValueException($"{text} is not {HubHttpOptions.NetworkForm}");
}
