using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Tests.Transport;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Hub.Tests.Limits;

/// <summary>Of each limit one line in a second, with how many were left out; the count misses none.</summary>
public sealed class LimitLogTests
{
    [Fact]
    public void A_flood_is_one_line_and_counted()
    {
        using var still = new StillLoop();
        var lines = new Lines();
        var log = new LimitLog(lines);
        for (int i = 0; i < 1_000; i++)
        {
            log.Met(LimitKind.ConnectionRate, "192.0.2.1", still.Loop);
            log.Met(LimitKind.Errors, "192.0.2.2", still.Loop);
        }

        Assert.Equal(
            [
                "Limit connection_rate (connection-rate) was met by 192.0.2.1; 0 more were not logged",
                "Limit errors (max-errors) was met by 192.0.2.2; 0 more were not logged",
            ],
            lines.Written);
        Assert.Equal(1_000, log.CountOf(LimitKind.ConnectionRate));
        Assert.Equal(1_000, log.CountOf(LimitKind.Errors));
    }

    [Fact]
    public void There_is_a_counter_for_each_limit()
    {
        var log = new LimitLog(new Lines());
        foreach (var kind in Enum.GetValues<LimitKind>())
        {
            log.Count(kind);
            Assert.Equal(1, log.CountOf(kind));
        }
    }

    private sealed class Lines : ILogger
    {
        public List<string> Written { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Written.Add(formatter(state, exception));
    }
}
