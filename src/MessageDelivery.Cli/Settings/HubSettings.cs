using System.Globalization;
using System.Net;
using MessageDelivery.Cli.Terminal;
using MessageDelivery.Hub;
using MessageDelivery.Hub.Limits;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Cli.Settings;

/// <summary>The one table of a hub's settings: command line, environment, json, help and errors are all made from it.</summary>
internal static class HubSettings
{
    private static readonly MessageHubOptions Defaults = new();

    internal static readonly string[] LogLevels = ["trace", "debug", "information", "warning", "error", "critical", "none"];

    public static readonly IReadOnlyList<Setting> All =
    [
        new("port", "PORT", MessageHubOptions.DefaultPort.ToString(CultureInfo.InvariantCulture),
            "Listen on this port of 127.0.0.1; 0 takes any free one. Short for --listen 127.0.0.1:PORT.",
            static (settings, values) => settings with { Hub = settings.Hub with { Listen = [new(IPAddress.Loopback, Port(values[0]))] } }),
        new("listen", "ADDRESS:PORT", Defaults.Listen[0].ToString(),
            "Listen here instead of --port; IPv4 or [IPv6]. May be repeated.",
            static (settings, values) => settings with { Hub = settings.Hub with { Listen = Endpoints(values) } })
        { IsList = true },
        new("allow-anonymous", "BOOL", "false",
            "Let anybody who reaches an address that is not loopback in without authentication.",
            static (settings, values) => settings with { Hub = settings.Hub with { AllowAnonymous = Switch(values[0]) } })
        { IsSwitch = true },
        .. AuthSettings.All,
        .. MessageHubOptions.Table.Select(Of),
        new("log-level", "LEVEL", "information",
            "The least level to log to stderr: trace, debug, information, warning, error, critical, none.",
            static (settings, values) => settings with { LogLevel = (LogLevel)OneOf(values[0], LogLevels) }),
        new("log-format", "FORMAT", "text",
            "How log lines look: text for people, json for programs.",
            static (settings, values) => settings with { LogFormat = (LogFormat)OneOf(values[0], ["text", "json"]) }),
        .. OperationSettings.All,
        .. HubLimits.Table.Select(Of),
        .. HttpSettings.All,
        .. TlsSettings.All,
    ];

    /// <summary>How the rules for full queues are written, in their order.</summary>
    internal static IReadOnlyList<string> FullQueueNames { get; } = MessageHubOptions.Table.Single(option => option.Setting == "full-queue").Words;

    /// <summary>How whom a token lets its user reach is written, in the order of <see cref="MessageDelivery.Hub.Access.Reach"/>.</summary>
    internal static IReadOnlyList<string> ReachNames { get; } = ["all", "group", "none"];

    private static Setting Of(HubOption option) => new(
        option.Setting,
        option.Kind switch { HubOptionKind.Count => "N", HubOptionKind.Size => "SIZE", HubOptionKind.Word => option.WordName, _ => "TIME" },
        option.Default ?? Text(option, option.Get(Defaults) ?? 0),
        option.Help,
        (settings, values) => settings with { Hub = option.With(settings.Hub, Value(option, values[0])) });

    private static long Value(HubOption option, string text) => option.Kind switch
    {
        HubOptionKind.Count => Number(text, option.Min, option.Max),
        HubOptionKind.Size => Size(text, option.Min, option.Max),
        HubOptionKind.Word => OneOf(text, option.Words),
        _ => Time(text, new(option.Min), new(option.Max)).Ticks switch
        {
            var ticks when option.Kind == HubOptionKind.WholeSeconds && ticks % TimeSpan.TicksPerSecond != 0 =>
                throw new SettingValueException("it must be a number of whole seconds"),
            > 0 and var ticks when ticks < option.MinUnlessZero =>
                throw new SettingValueException($"it must be 0, or at least {Duration.Format(new(option.MinUnlessZero))}"),
            var ticks => ticks,
        },
    };

    private static string Text(HubOption option, long value) => option.Kind switch
    {
        HubOptionKind.Count => $"{value}",
        HubOptionKind.Size => ByteSize.Format(value),
        HubOptionKind.Word => option.Words[(int)value],
        _ => Duration.Format(new(value)),
    };

    private static int Port(string text) => (int)Number(text, 0, IPEndPoint.MaxPort);

    private static List<IPEndPoint> Endpoints(IReadOnlyList<string> texts)
    {
        var endpoints = texts.Select(Endpoint).ToList();
        if (endpoints.GroupBy(endpoint => endpoint).FirstOrDefault(group => group.Key.Port != 0 && group.Count() > 1) is { } twice)
        {
            throw new SettingValueException($"{twice.Key} is named twice");
        }

        return endpoints;
    }

    private static IPEndPoint Endpoint(string text)
    {
        // TryParse takes "1234" for the address 0.0.4.210 and "::1:8888" for an address without a port.
        int colon = text.LastIndexOf(':');
        if (colon <= 0 || !IPEndPoint.TryParse(text, out var endpoint)
            || (endpoint.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? text[colon - 1] != ']' : text.Count('.') != 3)
            || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out _))
        {
            throw new SettingValueException($"an endpoint is written 127.0.0.1:8888 or [::1]:8888, with a port from 0 to {IPEndPoint.MaxPort}");
        }

        return endpoint;
    }

    internal static FullQueue FullQueueRule(string text) => (FullQueue)OneOf(text, FullQueueNames);

    internal static bool Switch(string text) => OneOf(text, ["false", "true"]) == 1;

    internal static int OneOf(string text, IReadOnlyList<string> allowed)
    {
        int index = allowed.ToList().FindIndex(name => name.Equals(text.Trim(), StringComparison.OrdinalIgnoreCase));
        return index >= 0 ? index : throw new SettingValueException($"it must be one of {string.Join(", ", allowed)}") { Choices = allowed };
    }

    internal static long Number(string text, long least, long most) =>
        long.TryParse(text.AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number >= least && number <= most
            ? number
            : throw new SettingValueException($"it must be a whole number from {least} to {most}");

    internal static long Size(string text, long least, long most)
    {
        if (!ByteSize.TryParse(text, out long bytes))
        {
            throw new SettingValueException(ByteSize.Form);
        }

        return bytes >= least && bytes <= most
            ? bytes
            : throw new SettingValueException($"it must be from {ByteSize.Format(least)} to {ByteSize.Format(most)}");
    }

    internal static TimeSpan Time(string text, TimeSpan least, TimeSpan most)
    {
        if (!Duration.TryParse(text, out var time))
        {
            throw new SettingValueException(Duration.Form);
        }

        return time >= least && time <= most
            ? time
            : throw new SettingValueException($"it must be from {Duration.Format(least)} to {Duration.Format(most)}");
    }
}
