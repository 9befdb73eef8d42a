using System.Diagnostics;
using Spectre.Console;

namespace MessageDelivery.Cli.Bench;

/// <summary>A bar on stderr while a run goes on, if a person looks at it; it is gone when the run ends.</summary>
internal static class BenchProgressBar
{
    private static readonly TimeSpan RateWindow = TimeSpan.FromMilliseconds(250);

    /// <summary>Does the work, which reports how far it is, and shows that where it may.</summary>
    public static Task<T> ShowAsync<T>(string title, bool isWanted, Func<IProgress<BenchProgress>, Task<T>> work)
    {
        if (!isWanted || Console.IsErrorRedirected || Environment.GetEnvironmentVariable("TERM") is null or "" or "dumb")
        {
            return work(new Silence());
        }

        return AnsiConsole.Create(new() { Out = new AnsiConsoleOutput(Console.Error) })
            .Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn())
            .StartAsync(context => work(new Bar(context.AddTask(title, maxValue: 1), title)));
    }

    private sealed class Silence : IProgress<BenchProgress>
    {
        public void Report(BenchProgress value)
        {
        }
    }

    private sealed class Bar(ProgressTask task, string title) : IProgress<BenchProgress>
    {
        private long _since = Stopwatch.GetTimestamp();
        private long _arrivedBefore;

        public void Report(BenchProgress value)
        {
            task.Value = value.Share;
            var elapsed = Stopwatch.GetElapsedTime(_since);
            if (elapsed >= RateWindow)
            {
                double rate = (value.Arrived - _arrivedBefore) / elapsed.TotalSeconds;
                task.Description = $"{title}{(value.IsWarmingUp ? ", warming up" : "")}: {rate:N0} messages/s";
                (_since, _arrivedBefore) = (Stopwatch.GetTimestamp(), value.Arrived);
            }
        }
    }
}
