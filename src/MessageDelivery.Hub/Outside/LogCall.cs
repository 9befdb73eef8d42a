using System.Collections;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Hub.Outside;

/// <summary>A line for the log, complete: what it says, its values by their names, and nothing that is still to be asked.</summary>
internal sealed class LogCall(LogLevel level, EventId id, string text, KeyValuePair<string, object?>[] values, Exception? exception)
    : IReadOnlyList<KeyValuePair<string, object?>>
{
    public LogLevel Level { get; } = level;

    public int Count => values.Length;

    public KeyValuePair<string, object?> this[int index] => values[index];

    /// <summary>Makes a line of what a message of <see cref="HubLog"/> hands to its logger.</summary>
    public static LogCall Of<TState>(LogLevel level, EventId id, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        KeyValuePair<string, object?>[] values = state is IReadOnlyList<KeyValuePair<string, object?>> list ? [.. list] : [];
        return new(level, id, formatter(state, exception), values, exception);
    }

    public void Write(ILogger logger) => logger.Log(Level, id, this, exception, static (line, _) => line.ToString());

    public override string ToString() => text;

    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator() => values.AsEnumerable().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => values.GetEnumerator();
}
