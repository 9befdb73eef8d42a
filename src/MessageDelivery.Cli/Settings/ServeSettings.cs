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

    /// <summary>Who is let in.</summary>
    public AuthSettings Auth { get; init; } = new();

    /// <summary>Where its certificates are.</summary>
    public TlsFiles Tls { get; init; } = new();

    /// <summary>What is served over HTTP, and to whom.</summary>
    public WebSettings Web { get; init; } = new();

    /// <summary>Log lines below this level are left out.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    /// <summary>How log lines look.</summary>
    public LogFormat LogFormat { get; init; }

    /// <summary>The file that says who comes, is refused, goes and is removed; <c>-</c> is standard output, null is none.</summary>
    public string? AuditLog { get; init; }

    /// <summary>Checks what no single setting can check.</summary>
    /// <param name="named">A setting's name, with the place that it comes from; null leaves that out.</param>
    /// <exception cref="CommandException">The settings do not go together.</exception>
    public void CheckTogether(Func<string, string>? named = null)
    {
        named ??= static name => name;
        Auth.CheckTogether(named);
        Tls.CheckTogether(named);
        if (Hub.AllowAnonymous && Auth.Mode != AuthMode.None)
        {
            throw new CommandException(
                ExitCode.Usage, $"{named("allow-anonymous")} lets people in without a token, and {named("auth")} demands one: they exclude each other");
        }

        if (!Hub.AllowAnonymous && Auth.Mode == AuthMode.None && Hub.Listen.FirstOrDefault(endpoint => !System.Net.IPAddress.IsLoopback(endpoint.Address)) is { } open)
        {
            throw new CommandException(
                ExitCode.Usage,
                $"{named("listen")} names {open}, which is not a loopback address: whoever reaches it would be let in without authentication; --auth demands a token, --allow-anonymous allows that");
        }
    }
}
