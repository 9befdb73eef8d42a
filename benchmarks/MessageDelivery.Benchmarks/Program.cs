using BenchmarkDotNet.Running;
using MessageDelivery.Benchmarks;

// --smoke: every benchmark runs for a moment in this process, to show that it works; its figures mean nothing.
bool smoke = args.Contains("--smoke");
string[] rest = [.. args.Where(arg => arg != "--smoke")];
if (rest.Length == 0)
{
    rest = ["--filter", "*"];
}

var summaries = BenchmarkSwitcher
    .FromAssembly(typeof(BenchmarkSettings).Assembly)
    .Run(rest, smoke ? BenchmarkSettings.Smoke() : BenchmarkSettings.Full());

bool allRan = summaries.Any() && summaries.All(summary =>
    !summary.HasCriticalValidationErrors && summary.Reports.Length > 0 && summary.Reports.All(report => report.Success));
return allRan ? 0 : 1;
