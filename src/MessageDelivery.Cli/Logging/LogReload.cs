using MessageDelivery.Cli.Operations;
using MessageDelivery.Cli.Settings;

namespace MessageDelivery.Cli.Logging;

/// <summary>The log's level and form can change while the hub runs.</summary>
internal sealed class LogReload(LineLoggerFactory loggers) : IReloadable
{
    public IReadOnlyCollection<string> Settings { get; } = ["log-level", "log-format"];

    public Change Prepare(ServeSettings settings) => new(() =>
    {
        loggers.Least = settings.LogLevel;
        loggers.Format = Format(settings.LogFormat);
    });

    public static ILineFormat Format(LogFormat format) =>
        format == LogFormat.Json ? new JsonLineFormat() : new TextLineFormat();
}
