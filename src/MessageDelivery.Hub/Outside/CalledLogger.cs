using Microsoft.Extensions.Logging;

namespace MessageDelivery.Hub.Outside;

/// <summary>
/// The embedder's logger, called on a thread of its own: neither what it throws nor how long it takes is the hub's matter. Lines that
/// it does not take in time are lost, and the next that it takes says how many. Any thread.
/// </summary>
internal sealed class CalledLogger : ILogger
{
    /// <summary>Lines that may wait.</summary>
    public const int MaxWaiting = 1_024;

    /// <summary>How long a changed level may go unnoticed.</summary>
    private const long FreshMilliseconds = 20;

    private readonly ILogger _logger;
    private readonly CallLine<LogCall> _line;
    private int _levels;
    private long _askedAt = -FreshMilliseconds;
    private int _failed;

    public CalledLogger(ILogger logger)
    {
        _logger = logger;
        _line = new("hub log", MaxWaiting, Write, _ => Interlocked.Increment(ref _failed));
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    /// <summary>
    /// Whether lines of a level are wanted, as far as is known. The logger was asked on its own thread; where that is a while ago, a
    /// line is made to be on the safe side, and the logger is asked before it gets it.
    /// </summary>
    public bool IsEnabled(LogLevel logLevel) =>
        (Volatile.Read(ref _levels) & (1 << (int)logLevel)) != 0
        || Environment.TickCount64 - Volatile.Read(ref _askedAt) >= FreshMilliseconds;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            _line.TryAdd(LogCall.Of(logLevel, eventId, state, exception, formatter));
        }
        catch (Exception)
        {
            // No memory for a line: it counts as one that the logger has not taken.
            Interlocked.Increment(ref _failed);
        }
    }

    /// <summary>Writes what is waiting, for as long as the patience is, and nothing after that.</summary>
    public void Stop(TimeSpan patience) => _line.Stop(patience);

    private void Write(LogCall line)
    {
        Ask();
        if ((_levels & (1 << (int)line.Level)) == 0)
        {
            return;
        }

        line.Write(_logger);
        long lost = _line.TakeLost() + Interlocked.Exchange(ref _failed, 0);
        if (lost > 0)
        {
            _logger.LogLost(lost);
        }
    }

    private void Ask()
    {
        if (Environment.TickCount64 - _askedAt < FreshMilliseconds)
        {
            return;
        }

        int levels = 0;
        for (var level = LogLevel.Trace; level < LogLevel.None; level++)
        {
            levels |= _logger.IsEnabled(level) ? 1 << (int)level : 0;
        }

        Volatile.Write(ref _levels, levels);
        Volatile.Write(ref _askedAt, Environment.TickCount64);
    }
}
