namespace MessageDelivery.Comparison.Tests;

/// <summary>What <c>bench --report</c> makes of a recorded run of three rounds in which most servers did not take part.</summary>
public class ReportTests
{
    private static readonly string Recorded = Path.Combine(AppContext.BaseDirectory, "recorded.jsonl");

    [Fact]
    public async Task TableOfTargetsHasMediansAndTheMedianOfTheRoundsRatios()
    {
        // Ours 0.1, 0.2, 0.3 and nats-server 0.2, 1.2, 1.5: the ratios are 2, 6 and 5, while that of the medians would be 6.
        Assert.Contains(
            "| 16 pairs, 128 B | **0.200** | 1.20 | – | stalled | – | closed connection | – | 5.00 × (2.00–6.00) | 5.00 × (2.00–6.00) | – | nats 4.00 × | – | at least |",
            await PageAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ThroughputAndMemoryShowADashForServersThatDidNotTakePart()
    {
        string page = await PageAsync();
        Assert.Contains("| 16 pairs, 128 B | **2.00 M/s** | 1.00 M/s | – | stalled | – | closed connection | – |", page, StringComparison.Ordinal);
        Assert.Contains("| 16 pairs, 128 B | 13.0 MiB | 10.0 MiB | – | stalled | – | closed connection | – |", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LatencyOfAnEvenNumberOfRoundsIsTheMeanOfTheTwoInTheMiddle() =>
        Assert.Contains("| ours | 500 k/s | 25.0 µs | 50.0 µs | 75.0 µs | 100 µs | 125 µs | 50.0 % |", await PageAsync(), StringComparison.Ordinal);

    [Fact]
    public async Task VariantsOfARowAreKeptApart()
    {
        string page = await PageAsync();
        Assert.Contains("| all read | 20.0 k/s | 10.0 µs |", page, StringComparison.Ordinal);
        Assert.Contains("| 20 others stop | 20.0 k/s | 20.0 µs |", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WebSocketIsComparedWithPlainTcpAndItsPeersWithOurs()
    {
        // Ours: 1.2, 1.1 and 1.5 of plain TCP, of which less is better. nats-server: 5, 3 and 6 of ours.
        string page = await PageAsync();
        Assert.Contains(
            "| 16 pairs, 128 B, a message in each frame | 1.20 × (1.10–1.50) | 1.30 × | – | at least | 5.00 × (3.00–6.00) | 10.0 × (5.00–10.0) | – | stalled | nats 4.00 × | at least |",
            page, StringComparison.Ordinal);
        Assert.Contains(
            "| 16 pairs, 128 B, a message in each frame | 0.100 | **0.150** | – | 0.660 | 1.20 | – | stalled |", page, StringComparison.Ordinal);
        Assert.Contains(
            "| 16 pairs, 128 B, a message in each frame | 1.00 M/s | **1.00 M/s** | – | 1.00 M/s | 1.00 M/s | – | stalled |", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task IdleStartAndListAreThere()
    {
        string page = await PageAsync();
        Assert.Contains("| ours | 10.0 MiB | 22.2 MiB | 1,283 B |", page, StringComparison.Ordinal);
        Assert.Contains("| ours | 20.5 ms | 9.00 MiB |", page, StringComparison.Ordinal);
        Assert.Contains("| 10,000 | 150 µs | 300 µs | 80.0 µs | 200 µs | 100 µs | at least |", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PageSaysWhatItStandsOnAndWhatFailed()
    {
        string page = await PageAsync();
        Assert.Contains("`0123456789abcdef0123456789abcdef01234567`, with changes that were not committed", page, StringComparison.Ordinal);
        Assert.Contains("Test CPU, 2 cores, 8 GiB", page, StringComparison.Ordinal);
        Assert.Contains("`./bench --rounds 3`", page, StringComparison.Ordinal);
        Assert.Contains("| nats-server | nats-server 2.9.10 | `nats-server --config nats.conf` | `max_pending: 1GB` |", page, StringComparison.Ordinal);
        Assert.Contains("| pairs-128 | garnet | 1 | the server closed the connection of sender 3 |", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PicturesAreDrawnOfWhatWasMeasuredOnly()
    {
        using var docs = new TemporaryFolder();
        string page = await PageAsync(docs);
        string[] expected = ["cpu-by-size-pairs.svg", "cpu-by-work.svg", "cpu-websocket.svg", "latency-50.svg", "throughput-by-size-pairs.svg"];
        Assert.Equal(expected, Directory.GetFiles(Path.Combine(docs.Path, "benchmarks")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        foreach (string name in expected)
        {
            Assert.Contains($"](benchmarks/{name})", page, StringComparison.Ordinal);
            Assert.Contains("</svg>", File.ReadAllText(Path.Combine(docs.Path, "benchmarks", name)), StringComparison.Ordinal);
        }

        Assert.Equal(expected.Length, page.Split("](benchmarks/").Length - 1);
    }

    [Theory]
    [InlineData("", "no line describes the run")]
    [InlineData("{\"run\":", "line 1")]
    public async Task ResultsThatCannotBeReadAreAnErrorThatNamesThem(string text, string expected)
    {
        using var folder = new TemporaryFolder();
        string results = Path.Combine(folder.Path, "broken.jsonl");
        File.WriteAllText(results, text);
        var bench = await BenchProcess.RunAsync("--report", "--results", results, "--docs", folder.Path);
        Assert.Equal(1, bench.ExitCode);
        Assert.Contains("broken.jsonl", bench.Error, StringComparison.Ordinal);
        Assert.Contains(expected, bench.Error, StringComparison.Ordinal);
    }

    private static async Task<string> PageAsync()
    {
        using var docs = new TemporaryFolder();
        return await PageAsync(docs);
    }

    private static async Task<string> PageAsync(TemporaryFolder docs)
    {
        var bench = await BenchProcess.RunAsync("--report", "--results", Recorded, "--docs", docs.Path);
        Assert.True(bench.ExitCode == 0, bench.Error);
        return File.ReadAllText(Path.Combine(docs.Path, "benchmarks.md"));
    }
}
