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
        private const string NameBegins = "// Benchmark: ";
        private const string NameEnds = ": Dry(";

        public string Id => nameof(ErrorLogger);

        public int Priority => 0;

        public void Write(LogKind logKind, string text)
        {
            if (logKind == LogKind.Error)
            {
                Console.Write(text);
            }
            else if (text.StartsWith(NameBegins, StringComparison.Ordinal))
            {
                int end = text.IndexOf(NameEnds, StringComparison.Ordinal), parameters = text.LastIndexOf('[');
                Console.WriteLine($"{text[NameBegins.Length..(end < 0 ? text.Length : end)]} {(parameters < 0 ? "" : text[parameters..])}".TrimEnd());
            }
        }

        public void WriteLine()
        {
        }

        public void WriteLine(LogKind logKind, string text) => Write(logKind, logKind == LogKind.Error ? text + Environment.NewLine : text);

        public void Flush()
        {
        }
    }
}
