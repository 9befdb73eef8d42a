using System.Text.Json;
using MessageDelivery.Cli.Logging;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Integration.Tests.CommandLine;

public sealed class LogTests
{
    private static readonly LogEntry Entry = new(
        new(2026, 1, 31, 12, 0, 0, 5, TimeSpan.Zero), LogLevel.Warning, "MessageHub", new(7, "TooMany"), "first\nsecond \u001b[2J",
        new InvalidOperationException("why"), [new("Most", 5), new("Peer", "a\nb"), new("{OriginalFormat}", "…")]);

    [Fact]
    public void Text_is_one_line() => Assert.Equal(
        "2026-01-31T12:00:00.005Z warning MessageHub[7] first | second \\x1b[2J: System.InvalidOperationException: why",
        new TextLineFormat().Line(Entry));

    [Fact]
    public void Text_hides_nothing_and_steers_no_terminal() => Assert.EndsWith(
        @"user grü\xe2\x80\xaeß\xe2\x80\x8b\xc2\x9b2J\x07: System.InvalidOperationException: why",
        new TextLineFormat().Line(Entry with { Message = "user grü\u202eß\u200b\u009b2J\a" }), StringComparison.Ordinal);

    [Fact]
    public void Json_is_one_line_with_values_under_their_names()
    {
        string line = new JsonLineFormat().Line(Entry);
        Assert.DoesNotContain('\n', line);
        using var json = JsonDocument.Parse(line);
        var root = json.RootElement;
        Assert.Equal(("warning", 7, "TooMany"), (root.GetProperty("level").GetString(), root.GetProperty("id").GetInt32(), root.GetProperty("event").GetString()));
        Assert.Equal(5, root.GetProperty("values").GetProperty("Most").GetInt32());
        Assert.Equal("a\nb", root.GetProperty("values").GetProperty("Peer").GetString());
        Assert.False(root.GetProperty("values").TryGetProperty("{OriginalFormat}", out _));
    }

    [Fact]
    public async Task A_log_that_nobody_reads_holds_nobody_up()
    {
        using var stuck = new StuckWriter();
        using var writer = new LogWriter(stuck);
        await Task.Run(() =>
        {
            for (int i = 0; i < 10_000; i++)
            {
                writer.Write("line");
            }
        }).WaitAsync(TimeSpan.FromSeconds(30));
        stuck.Continue.Set();
        writer.Dispose();
        Assert.Contains("(log lines that were dropped: ", stuck.Written.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Levels_below_the_least_are_left_out()
    {
        using var output = new StringWriter();
        using (var writer = new LogWriter(output))
        {
            using var loggers = new LineLoggerFactory(LogLevel.Warning, new TextLineFormat(), writer, TimeProvider.System);
            var logger = loggers.CreateLogger("MessageDelivery.Hub.MessageHub");
            Assert.False(logger.IsEnabled(LogLevel.Information));
            Assert.False(logger.IsEnabled(LogLevel.None));
            logger.Log(LogLevel.Information, new(1), "quiet", null, (state, _) => state);
            logger.Log(LogLevel.Error, new(2), "loud", null, (state, _) => state);
        }

        Assert.EndsWith(" error MessageHub[2] loud\n", output.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("quiet", output.ToString(), StringComparison.Ordinal);
    }

    private sealed class StuckWriter : StringWriter
    {
        public ManualResetEventSlim Continue { get; } = new();

        public System.Text.StringBuilder Written => GetStringBuilder();

        public override void WriteLine(string? value)
        {
            Continue.Wait();
            base.WriteLine(value);
        }

        protected override void Dispose(bool disposing)
        {
            Continue.Dispose();
            base.Dispose(disposing);
        }
    }
}
