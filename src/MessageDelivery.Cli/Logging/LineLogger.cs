using Microsoft.Extensions.Logging;

namespace MessageDelivery.Cli.Logging;

/// <summary>One source's logger: makes a line of each entry and hands it on.</summary>
internal sealed class LineLogger(string category, LogLevel least, ILineFormat format, TimeProvider time, LogWriter writer) : ILogger
{
    public bool IsEnabled(LogLevel logLevel) => logLevel >= least && logLevel != LogLevel.None;

    // Nothing here uses scopes.
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            writer.Write(format.Line(new(
                time.GetUtcNow(), logLevel, category, eventId, formatter(state, exception), exception,
                state as IReadOnlyList<KeyValuePair<string, object?>> ?? [])));
        }
    }
}

/// <summary>Makes loggers that write lines to stderr.</summary>
internal sealed class LineLoggerProvider(LogLevel least, ILineFormat format, LogWriter writer, TimeProvider time) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) =>
        new LineLogger(categoryName[(categoryName.LastIndexOf('.') + 1)..], least, format, time, writer);

    public void Dispose() => writer.Dispose();
}
