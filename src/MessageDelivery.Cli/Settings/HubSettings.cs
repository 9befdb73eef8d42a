using System.Globalization;
using System.Net;
using MessageDelivery.Cli.Terminal;
using MessageDelivery.Hub;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Cli.Settings;

/// <summary>The one table of a hub's settings: command line, environment, json, help and errors are all made from it.</summary>
internal static class HubSettings
{
    private const long MinMemoryBytes = 8L << 20;
    private const long MaxQueueBytes = 1L << 40;
    private const int MaxSendBufferBytes = 1 << 30;
    private const int MaxConnections = 10_000_000;
    private const int MaxEventLoops = 1_024;
    private static readonly TimeSpan MaxTimeout = TimeSpan.FromDays(1);
    private static readonly TimeSpan MaxHeartbeat = TimeSpan.FromSeconds(ushort.MaxValue);
    private static readonly TimeSpan MinKeepAlive = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan MaxKeepAlive = TimeSpan.FromHours(12);
    private static readonly MessageHubOptions Defaults = new();

    /// <summary>How the rules for full queues are written, in their order.</summary>
    internal static readonly string[] FullQueueNames = ["wait", "leave-out"];

    private static readonly string[] LogLevels = ["trace", "debug", "information", "warning", "error", "critical", "none"];

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
        new("queue-limit", "SIZE", ByteSize.Format(Defaults.QueueLimitBytes),
            "Bytes that may wait for one user; at or above it senders wait.",
            static (settings, values) => settings with { Hub = settings.Hub with { QueueLimitBytes = Size(values[0], 1, MaxQueueBytes) } }),
        new("full-queue", "RULE", FullQueueNames[(int)Defaults.FullQueue],
            "What becomes of a relay for a user whose queue is full: wait makes its sender wait, leave-out leaves that user out.",
            static (settings, values) => settings with { Hub = settings.Hub with { FullQueue = FullQueueRule(values[0]) } }),
        new("stall-timeout", "TIME", Duration.Format(Defaults.StallTimeout),
            "Disconnect a user who takes nothing for so long while its queue is full.",
            static (settings, values) => settings with
            {
                Hub = settings.Hub with { StallTimeout = Time(values[0], TimeSpan.FromMilliseconds(1), MaxTimeout) },
            }),
        new("max-connections", "N", "what the file descriptors allow",
            "Connections at one time; one more is refused.",
            static (settings, values) => settings with { Hub = settings.Hub with { MaxConnections = Number(values[0], 1, MaxConnections) } }),
        new("memory-limit", "SIZE", "a quarter of the machine's memory",
            "Memory for all messages together; when it is in use the hub stops reading.",
            static (settings, values) => settings with
            {
                Hub = settings.Hub with { MemoryLimitBytes = Size(values[0], MinMemoryBytes, 1L << 44) },
            }),
        new("send-buffer", "SIZE", ByteSize.Format(Defaults.SendBufferBytes),
            "Bytes that the kernel may hold for one user; 0 lets the kernel choose.",
            static (settings, values) => settings with
            {
                Hub = settings.Hub with { SendBufferBytes = (int)Size(values[0], 0, MaxSendBufferBytes) },
            }),
        new("heartbeat", "TIME", Duration.Format(Defaults.Heartbeat),
            "A binary client silent for twice this is disconnected; whole seconds, 0 is never.",
            static (settings, values) => settings with { Hub = settings.Hub with { Heartbeat = WholeSeconds(values[0], MaxHeartbeat) } }),
        new("keepalive", "TIME", Duration.Format(Defaults.KeepAlive),
            "A connection whose machine gives no sign of life for so long is lost; whole seconds from 2, 0 is never.",
            static (settings, values) => settings with { Hub = settings.Hub with { KeepAlive = KeepAliveTime(values[0]) } }),
        new("resume-window", "TIME", Duration.Format(Defaults.ResumeWindow),
            "How long a user whose connection was lost may resume; whole seconds, 0 offers no resuming.",
            static (settings, values) => settings with { Hub = settings.Hub with { ResumeWindow = WholeSeconds(values[0], MaxTimeout) } }),
        new("resume-retention", "SIZE", ByteSize.Format(Defaults.ResumeRetentionBytes),
            "Bytes kept for a user who is away; one more ends its session.",
            static (settings, values) => settings with
            {
                Hub = settings.Hub with { ResumeRetentionBytes = Size(values[0], 0, MaxQueueBytes) },
            }),
        new("confirm-timeout", "TIME", Duration.Format(Defaults.ConfirmTimeout),
            "How long the receipt of a confirmed relay waits for its receivers.",
            static (settings, values) => settings with
            {
                Hub = settings.Hub with { ConfirmTimeout = Time(values[0], TimeSpan.FromMilliseconds(1), MaxTimeout) },
            }),
        new("drain-timeout", "TIME", Duration.Format(Defaults.DrainTimeout),
            "How long a stopping hub goes on sending what is queued; 0 drops it.",
            static (settings, values) => settings with { Hub = settings.Hub with { DrainTimeout = Time(values[0], TimeSpan.Zero, MaxTimeout) } }),
        new("event-loops", "N", "one for each processor",
            "Threads that move bytes.",
            static (settings, values) => settings with { Hub = settings.Hub with { EventLoops = Number(values[0], 1, MaxEventLoops) } }),
        new("log-level", "LEVEL", "information",
            "The least level to log to stderr: trace, debug, information, warning, error, critical, none.",
            static (settings, values) => settings with { LogLevel = (LogLevel)OneOf(values[0], LogLevels) }),
        new("log-format", "FORMAT", "text",
            "How log lines look: text for people, json for programs.",
            static (settings, values) => settings with { LogFormat = (LogFormat)OneOf(values[0], ["text", "json"]) }),
        .. OperationSettings.All,
        .. LimitSettings.All,
        .. TlsSettings.All,
    ];

    private static int Port(string text) => Number(text, 0, IPEndPoint.MaxPort);

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

    internal static int OneOf(string text, string[] allowed)
    {
        int index = Array.FindIndex(allowed, name => name.Equals(text.Trim(), StringComparison.OrdinalIgnoreCase));
        return index >= 0 ? index : throw new SettingValueException($"it must be one of {string.Join(", ", allowed)}") { Choices = allowed };
    }

    internal static int Number(string text, int least, int most) =>
        int.TryParse(text.AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most
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

    private static TimeSpan KeepAliveTime(string text)
    {
        var time = WholeSeconds(text, MaxKeepAlive);
        return time == TimeSpan.Zero || time >= MinKeepAlive
            ? time
            : throw new SettingValueException($"it must be 0, or at least {Duration.Format(MinKeepAlive)}");
    }

    private static TimeSpan WholeSeconds(string text, TimeSpan most)
    {
        var time = Time(text, TimeSpan.Zero, most);
        return time.Ticks % TimeSpan.TicksPerSecond == 0 ? time : throw new SettingValueException("it must be a number of whole seconds");
    }
}
