using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;

namespace MessageDelivery.Benchmarks;

/// <summary>How the benchmarks run: in this process, so that nothing is built or downloaded for them.</summary>
internal static class BenchmarkSettings
{
    /// <summary>Figures to believe.</summary>
    public static IConfig Full() => Common()
        .AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.Instance))
        .AddLogger(ConsoleLogger.Default);

    /// <summary>One short iteration each.</summary>
    public static IConfig Smoke() => Common()
        .AddJob(Job.Dry
            .WithToolchain(InProcessEmitToolchain.Instance)
            .WithIterationTime(TimeInterval.FromMilliseconds(10)))
        .AddLogger(new ErrorLogger());

    private static ManualConfig Common() => ManualConfig.CreateEmpty()
        .AddColumnProvider(DefaultColumnProviders.Instance)
        .AddDiagnoser(MemoryDiagnoser.Default)
        .AddExporter(MarkdownExporter.GitHub)
        .WithArtifactsPath(Path.Combine(Environment.CurrentDirectory, "artifacts", "benchmarks"))
        .WithOptions(ConfigOptions.DisableLogFile);

    /// <summary>Prints a smoke run's names and errors, and nothing else.</summary>
    private sealed class ErrorLogger : ILogger
    {
        public string Id => nameof(ErrorLogger);
        public int Priority => 0;
        private bool _shown;

        public void Write(LogKind logKind, string text)
        {
            _shown = logKind == LogKind.Error || (logKind == LogKind.Header && text.StartsWith("// Benchmark:", StringComparison.Ordinal));
            if (_shown)
            {
                Console.Write(text);
            }
        }

        public void WriteLine()
        {
            if (_shown)
            {
                Console.WriteLine();
            }

            _shown = false;
        }

        public void WriteLine(LogKind logKind, string text)
        {
            Write(logKind, text);
            WriteLine();
        }

        public void Flush()
        {
        }
    }
}
