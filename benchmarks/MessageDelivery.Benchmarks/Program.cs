using BenchmarkDotNet.Running;
using MessageDelivery.Benchmarks;

// --smoke: every benchmark runs for a moment in this process, to show that it works and allocates nothing; its times mean nothing.
bool smoke = args.Contains("--smoke");
string[] rest = [.. args.Where(arg => arg != "--smoke")];
if (rest.Length == 0)
{
    rest = ["--filter", "*"];
}

var summaries = BenchmarkSwitcher
    .FromAssembly(typeof(BenchmarkSettings).Assembly)
    .Run(rest, smoke ? BenchmarkSettings.Smoke() : BenchmarkSettings.Full());

string[] complaints = [.. summaries
    .SelectMany(summary => summary.Reports)
    .Select(BenchmarkSettings.Complaint)
    .OfType<string>()];
foreach (string complaint in complaints)
{
    Console.Error.WriteLine(complaint);
}

bool allRan = summaries.Any() && summaries.All(summary => !summary.HasCriticalValidationErrors && summary.Reports.Length > 0);
return allRan && complaints.Length == 0 ? 0 : 1;
