using System.Text.Json;

namespace MessageDelivery.Comparison.Tests;

public class BenchTests
{
    [Fact]
    public async Task ListNamesEveryRowOnce()
    {
        var bench = await BenchProcess.RunAsync("--list");
        Assert.Equal(0, bench.ExitCode);
        string[] names = [.. bench.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')[0])];
        Assert.Equal(names.Distinct(), names);
        string[] expected = ["pairs-128", "fan-out-128", "fan-out-128-listed", "mesh-one", "mesh-one-window", "pairs-one-window", "ws-pairs", "ws-pairs-16", "ws-fan-out", "ws-pairs-200", "latency-80", "stopped", "idle", "start", "list", "cores", "sweep-fan-out-1048576"];
        Assert.Empty(expected.Except(names));
    }

    [Theory]
    [InlineData("--rounds", "0", "--rounds: 0 is outside 1 to 1000")]
    [InlineData("--seconds", "0.05", "--seconds: 0.05 is outside 0.1 to 3600")]
    [InlineData("--only", "nothing", "'nothing'")]
    public async Task WrongOptionsAreNamedWithTheirValue(string option, string value, string expected)
    {
        var bench = await BenchProcess.RunAsync(option, value);
        Assert.NotEqual(0, bench.ExitCode);
        Assert.Contains(expected, bench.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MissingServerIsAnErrorThatNamesIt()
    {
        var bench = await BenchProcess.RunAsync("--quick", "--servers", "hub", "--hub", "/nowhere/mds");
        Assert.Equal(2, bench.ExitCode);
        Assert.Contains("/nowhere/mds is missing", bench.Error, StringComparison.Ordinal);
    }

    private const int MaxAttempts = 5;

    /// <summary>The whole way once: servers are started on their core, the generator drives them, and all variants are recorded.</summary>
    [Fact]
    public async Task MeasuresTheHub()
    {
        using var folder = new TemporaryFolder();
        string results = Path.Combine(folder.Path, "results.jsonl");
        string hub = Path.Combine(BenchProcess.Built, "MessageDelivery.Cli", "release", "mds");
        for (int attempt = 1; ; attempt++)
        {
            var bench = await BenchProcess.RunAsync(
                "--quick", "--only", "pairs-128", "pairs-one-window", "ws-pairs", "stopped", "start", "--servers", "hub", "hub-ws", "aspnet", "--hub", hub, "--results", results);
            Assert.True(bench.ExitCode == 0, bench.Error);
            using var measured = new Samples(results);
            if (measured.Failures.ToList() is not { Count: > 0 } failures)
            {
                break;
            }

            // A tenth of a second is too short to measure anything while the machine has no processor to spare.
            Assert.True(attempt < MaxAttempts, string.Join('\n', failures));
            File.Delete(results);
        }

        using var samples = new Samples(results);
        Assert.Equal(["pairs-128 hub", "pairs-one-window hub", "ws-pairs hub", "ws-pairs hub-ws", "ws-pairs aspnet", "stopped before hub", "stopped during hub", "start hub"],
            samples.Names);
        Assert.True(samples[0].GetProperty("load").GetProperty("serverCpuMicrosecondsPerMessage").GetDouble() > 0);
        Assert.All(Enumerable.Range(0, 5), i => Assert.True(samples[i].GetProperty("load").GetProperty("delivered").GetInt64() > 0));
        Assert.True(samples[6].GetProperty("load").GetProperty("latency").GetProperty("p99").GetDouble() > 0);
        Assert.True(samples[7].GetProperty("start").GetProperty("residentBytes").GetInt64() > 0);
    }

    private sealed class Samples(string path) : IDisposable
    {
        private readonly List<JsonDocument> _lines = [.. File.ReadLines(path).Skip(1).Select(line => JsonDocument.Parse(line))];

        public JsonElement this[int index] => _lines[index].RootElement.GetProperty("sample");

        public IEnumerable<string> Failures =>
            _lines.Where(line => line.RootElement.GetProperty("sample").TryGetProperty("failure", out _)).Select(line => line.RootElement.GetRawText());

        public IEnumerable<string> Names => _lines.Select((_, i) => $"{this[i].GetProperty("row")} {this[i].GetProperty("variant")} {this[i].GetProperty("server")}".Replace("  ", " ", StringComparison.Ordinal));

        public void Dispose() => _lines.ForEach(line => line.Dispose());
    }
}
