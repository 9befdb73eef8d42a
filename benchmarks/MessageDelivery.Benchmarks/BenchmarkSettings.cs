using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Engines;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace MessageDelivery.Benchmarks;

/// <summary>How the benchmarks run: in this process, so that nothing is built or downloaded for them.</summary>
internal static class BenchmarkSettings
{
    /// <summary>The category of benchmarks of which something is no message's way: a user who comes is an object.</summary>
    public const string MayAllocate = "may allocate";

    private const string SmokeJob = "Smoke";
    private const int SmokeCalls = 256;

    // What allocates in each call allocates at least this. What the runtime itself does now and then is less for each of many calls.
    private const long MinObjectBytes = 24;

    /// <summary>Figures to believe.</summary>
    public static IConfig Full() => Common()
        .AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.Instance))
        .AddLogger(ConsoleLogger.Default);

    /// <summary>Few calls each: some to come to rest, and some to count what they allocate.</summary>
    public static IConfig Smoke() => Common()
        .AddJob(new Job(SmokeJob)
            .WithToolchain(InProcessEmitToolchain.Instance)
            .WithStrategy(RunStrategy.Throughput)
            .WithWarmupCount(2)
            .WithIterationCount(1)
            .WithInvocationCount(SmokeCalls)
            .WithUnrollFactor(1))
        .AddLogger(new ErrorLogger());

    /// <summary>What is wrong with a benchmark's report; null if nothing is. A time never is.</summary>
    public static string? Complaint(BenchmarkReport report)
    {
        var benchmark = report.BenchmarkCase;
        if (!report.Success)
        {
            return $"{benchmark.DisplayInfo} did not run";
        }

        long bytes = report.GcStats.GetBytesAllocatedPerOperation(benchmark) ?? 0;
        return bytes >= MinObjectBytes && !benchmark.Descriptor.HasCategory(MayAllocate)
            ? $"{benchmark.DisplayInfo} allocates {bytes} B for each operation, and may allocate none"
            : null;
    }

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
        private const string NameEnds = $": {SmokeJob}(";

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
