using MessageDelivery.Hub;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Cli.Settings;

/// <summary>How log lines look.</summary>
internal enum LogFormat
{
    /// <summary>For people: time, level, source, event, message.</summary>
    Text,

    /// <summary>For programs: one JSON object per line, with each value under its name.</summary>
    Json,
}

/// <summary>Everything <c>mds serve</c> can be told. Immutable.</summary>
internal sealed record ServeSettings
{
    /// <summary>What the hub itself needs.</summary>
    public MessageHubOptions Hub { get; init; } = new();

    /// <summary>Where its certificates are.</summary>
    public TlsFiles Tls { get; init; } = new();

    /// <summary>Log lines below this level are left out.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    /// <summary>How log lines look.</summary>
    public LogFormat LogFormat { get; init; }

    /// <summary>
    /// Checks what no single setting can check.
    /// </summary>
    public void CheckTogether()
    {
        Tls.CheckTogether();
        if (!Hub.AllowAnonymous && Hub.Listen.FirstOrDefault(endpoint => !System.Net.IPAddress.IsLoopback(endpoint.Address)) is { } open)
        {
            throw new CommandException(
                ExitCode.Usage,
                $"listen names {open}, which is not a loopback address: whoever reaches it would be let in without authentication; --allow-anonymous allows that");
        }
    }
}
