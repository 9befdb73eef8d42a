using Microsoft.Extensions.Logging;

namespace MessageDelivery.Cli.Logging;

/// <summary>One source's logger: makes a line of each entry and hands it on.</summary>
internal sealed class LineLogger(string category, LineLoggerFactory factory, TimeProvider time, LogWriter writer) : ILogger
{
    public bool IsEnabled(LogLevel logLevel) => logLevel >= factory.Least && logLevel != LogLevel.None;

    // Nothing here uses scopes.
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            writer.Write(factory.Format.Line(new(
                time.GetUtcNow(), logLevel, category, eventId, formatter(state, exception), exception,
                state as IReadOnlyList<KeyValuePair<string, object?>> ?? [])));
        }
    }
}

/// <summary>Makes loggers that write lines to stderr.</summary>
internal sealed class LineLoggerFactory(LogLevel least, ILineFormat format, LogWriter writer, TimeProvider time) : ILoggerFactory
{
    private volatile LogLevel _least = least;
    private volatile ILineFormat _format = format;

    /// <summary>Lines below this level are left out; may be changed at any time.</summary>
    public LogLevel Least
    {
        get => _least;
        set => _least = value;
    }

    /// <summary>How lines look; may be changed at any time.</summary>
    public ILineFormat Format
    {
        get => _format;
        set => _format = value;
    }

    public ILogger CreateLogger(string categoryName) =>
        new LineLogger(categoryName[(categoryName.LastIndexOf('.') + 1)..], this, time, writer);

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("The log of mds goes to stderr.");

    public void Dispose() => writer.Dispose();
}
