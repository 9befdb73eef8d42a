using System.Globalization;
using System.Text.Json;
using MessageDelivery.Cli;
using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary><c>mds bench</c> against a real hub: it counts what it sent, and what it says can be read by programs.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class BenchTests(VerbTests.SharedHub shared) : IClassFixture<VerbTests.SharedHub>
{
    private const int SigKill = 9;
    private const int SigStop = 19;
    private const int SigContinue = 18;

    private HubProcess Hub => shared.Hub;

    [Theory]
    [InlineData("pairs", 4, 4, 1, "--users", "4")]
    [InlineData("pairs", 3, 3, 1, "--users", "3", "--window", "1", "--size", "24")]
    [InlineData("pairs", 2, 2, 1, "--users", "2", "--size", "1MiB")]
    [InlineData("pairs", 4, 4, 1, "--users", "4", "--rate", "5000")]
    [InlineData("fan-out", 1, 7, 7, "--receivers", "7")]
    [InlineData("fan-out", 2, 5, 5, "--users", "2", "--receivers", "5", "--rate", "5000", "--size", "4KiB")]
    [InlineData("fan-in", 5, 1, 1, "--users", "5", "--rate", "0")]
    [InlineData("mesh", 6, 6, 1, "--users", "6")]
    [InlineData("rtt", 1, 1, 1)]
    [InlineData("rtt", 3, 3, 1, "--users", "3", "--rate", "5000")]
    public async Task Each_shape_delivers_what_it_sent(string shape, int users, int receivers, int deliveries, params string[] options)
    {
        const int Count = 301;
        var result = await Hub.RunAsync(["bench", shape, "--count", $"{Count}", "--warm-up", "50ms", "--json", .. options]);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Equal(1, result.Text.Count(c => c == '\n'));
        using var json = JsonDocument.Parse(result.Text);
        var report = json.RootElement;
        Assert.Equal(shape, report.GetProperty("bench").GetString());
        Assert.Equal((users, receivers), (report.GetProperty("users").GetInt32(), report.GetProperty("receivers").GetInt32()));
        Assert.Equal(Count, report.GetProperty("sent").GetProperty("messages").GetInt64());
        Assert.Equal(Count * deliveries, report.GetProperty("delivered").GetProperty("messages").GetInt64());
        Assert.Equal(0, report.GetProperty("notSent").GetInt64());
        Assert.True(report.GetProperty("seconds").GetDouble() > 0);
        Assert.True(report.GetProperty("verification").GetProperty("passed").GetBoolean());
        Assert.Equal(0, report.GetProperty("verification").GetProperty("missing").GetInt64());

        var latency = report.GetProperty("latencyMicroseconds");
        double[] percentiles = [.. new[] { "p50", "p90", "p99", "p999", "max" }.Select(name => latency.GetProperty(name).GetDouble())];
        Assert.True(percentiles[0] > 0);
        Assert.Equal(percentiles.Order(), percentiles);

        bool isOpen = options.Contains("5000");
        Assert.Equal(isOpen ? 5000 : null, Number(report, "rate"));
        Assert.Equal(isOpen, Number(report, "window") is null);
        Assert.Equal(isOpen, report.GetProperty("behindMicroseconds").ValueKind == JsonValueKind.Object);
    }

    [Theory]
    [InlineData]
    [InlineData("--rate", "2000")]
    public async Task A_time_ends_it_as_well(params string[] options)
    {
        var result = await Hub.RunAsync(["bench", "pairs", "--duration", "300ms", "--warm-up", "100ms", "--json", .. options]);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        using var json = JsonDocument.Parse(result.Text);
        long sent = json.RootElement.GetProperty("sent").GetProperty("messages").GetInt64();
        Assert.Equal(sent, json.RootElement.GetProperty("delivered").GetProperty("messages").GetInt64());
        Assert.InRange(json.RootElement.GetProperty("seconds").GetDouble(), 0.3, 30);
        Assert.InRange(json.RootElement.GetProperty("warmUpSeconds").GetDouble(), 0.1, 0.1);
        if (options.Length > 0)
        {
            Assert.Equal(600, sent + json.RootElement.GetProperty("notSent").GetInt64());
        }
        else
        {
            Assert.True(sent > 0);
        }
    }

    [Fact]
    public async Task A_person_gets_tables()
    {
        var result = await Hub.RunAsync("bench", "fan-out", "--receivers", "3", "--count", "1000", "--warm-up", "0");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        string[] lines = result.Text.Split('\n');
        Assert.StartsWith("fan-out: 1 sender to 3 receivers, 128 bytes, 256 in flight each (closed loop), ", lines[0], StringComparison.Ordinal);
        Assert.Matches(@"^ +messages +messages/s +MB/s$", lines[2]);
        Assert.Matches(@"^sent +1,000 +[\d,]+ +[\d,.]+$", lines[3]);
        Assert.Matches(@"^delivered +3,000 +[\d,]+ +[\d,.]+$", lines[4]);
        Assert.Matches(@"^ +p50 +p90 +p99 +p99.9 +max$", lines[6]);
        Assert.Matches(@"^latency( +[\d.]+ (µs|ms|s)){5}$", lines[7]);
        Assert.Matches(@"^generator +[\d.]+ processors of \d+ ", lines[9]);
        Assert.Equal("verified   count, order and content of every message", lines[10]);
    }

    [Fact]
    public async Task A_table_program_gets_csv_and_a_plotter_the_percentiles()
    {
        string file = Path.GetTempFileName();
        try
        {
            var result = await Hub.RunAsync("bench", "rtt", "--count", "400", "--warm-up", "0", "--no-verify", "--csv", "--hgrm", file);
            Assert.Equal((0, ""), (result.ExitCode, result.Error));
            string[] lines = result.Text.Split('\n');
            Assert.Equal(3, lines.Length);
            var row = lines[0].Split(',').Zip(lines[1].Split(',')).ToDictionary(column => column.First, column => column.Second);
            Assert.Equal(lines[0].Count(c => c == ','), lines[1].Count(c => c == ','));
            Assert.Equal(("rtt", "400", "400", "1", ""), (row["bench"], row["sent"], row["delivered"], row["window"], row["missing"]));

            string[] percentiles = await File.ReadAllLinesAsync(file);
            Assert.Matches(@"^ +Value +Percentile +TotalCount", percentiles[0]);
            Assert.Matches(@"Total count +=  +400\]$", percentiles[^2]);
            string most = percentiles.Last(line => !line.StartsWith('#')).Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
            Assert.Equal(
                double.Parse(row["latency_max_us"], CultureInfo.InvariantCulture), double.Parse(most, CultureInfo.InvariantCulture), tolerance: 0.1);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task A_pause_of_the_hub_is_charged_to_all_that_was_due_meanwhile()
    {
        var pause = TimeSpan.FromMilliseconds(300);
        var (open, closed) = (await PausedAsync("--rate", "2000"), await PausedAsync("--window", "1"));
        Assert.InRange(open.Max, pause.TotalMicroseconds - 50_000, double.MaxValue);
        // 300 of 3,000 ms: a tenth of all messages was due meanwhile. In the closed loop two were, of many thousands.
        Assert.True(open.P99 > 100_000, $"{open}");
        Assert.True(closed.P99 < 100_000, $"{closed}");

        async Task<(double P99, double Max)> PausedAsync(params string[] loop)
        {
            await using var hub = await HubProcess.StartAsync();
            await using var bench = hub.Start(["bench", "pairs", "--users", "2", "--duration", "3s", "--warm-up", "0", "--json", .. loop]);
            await BusyAsync(hub, users: 4);
            hub.Mds.Signal(SigStop);
            await Task.Delay(pause);
            hub.Mds.Signal(SigContinue);
            var result = await bench.EndAsync();
            Assert.Equal((0, ""), (result.ExitCode, result.Error));
            using var json = JsonDocument.Parse(result.Text);
            var latency = json.RootElement.GetProperty("latencyMicroseconds");
            return (latency.GetProperty("p99").GetDouble(), latency.GetProperty("max").GetDouble());
        }
    }

    [Theory]
    [InlineData(MdsProcess.SigTerm, "mds: shutting_down: a user of the run was disconnected after ")]
    [InlineData(SigKill, "mds: a user of the run was disconnected after ")]
    public async Task A_hub_that_goes_ends_it_with_the_reason(int signal, string error)
    {
        await using var hub = await HubProcess.StartAsync();
        await using var bench = hub.Start("bench", "mesh", "--users", "4", "--rate", "100", "--duration", "60s");
        await BusyAsync(hub, users: 4);
        hub.Mds.Signal(signal);
        var result = await bench.EndAsync();
        Assert.Equal((int)ExitCode.ConnectionFailed, result.ExitCode);
        Assert.StartsWith(error, result.Error, StringComparison.Ordinal);
        Assert.Equal(1, result.Error.Count(c => c == '\n'));
        Assert.Empty(result.Output);
    }

    [Theory]
    [InlineData]
    [InlineData("--rate", "1000", "--size", "1MiB")]
    [InlineData("--size", "1MiB", "--window", "100")]
    public async Task Ctrl_C_ends_it_though_the_hub_takes_nothing(params string[] options)
    {
        await using var hub = await HubProcess.StartAsync();
        await using var bench = hub.Start(["bench", "fan-in", "--users", "2", "--duration", "60s", .. options]);
        await BusyAsync(hub, users: 3);
        hub.Mds.Signal(SigStop);
        await Task.Delay(300);
        bench.Signal(MdsProcess.SigInt);
        var result = await bench.EndAsync();
        Assert.Equal(((int)ExitCode.Interrupted, ""), (result.ExitCode, result.Error));
        hub.Mds.Signal(SigContinue);
    }

    [Fact]
    public async Task A_message_of_somebody_else_is_a_foreign_one()
    {
        await using var hub = await HubProcess.StartAsync();
        await using var bench = hub.Start("bench", "rtt", "--rate", "100", "--duration", "2s", "--warm-up", "0");
        await BusyAsync(hub, users: 1);
        await using (var stranger = await (await RawConnection.ConnectAsync(hub.Endpoint)).HelloAsync())
        {
            ulong[] others = await RunningHub.ListAsync(stranger);
            await stranger.SendAsync(Frames.Relay(others, "hello"u8.ToArray()), Frames.Identity);
            await stranger.FrameAsync(Protocol.FrameType.IdentityReply);
        }

        var result = await bench.EndAsync();
        Assert.Equal((int)ExitCode.NotDelivered, result.ExitCode);
        Assert.Contains("0 missing, 0 skipped, 0 repeated or late, 0 damaged, 1 foreign", result.Text, StringComparison.Ordinal);
        Assert.Matches("user [0-9]+ got a message of user [0-9]+, who does not take part", result.Text);
    }

    private static async Task BusyAsync(HubProcess hub, int users)
    {
        await using var observer = await (await RawConnection.ConnectAsync(hub.Endpoint)).HelloAsync();
        while ((await RunningHub.ListAsync(observer)).Length < users)
        {
            await Task.Delay(20);
        }

        // It connects them before it sends anything.
        await Task.Delay(200);
    }

    private static int? Number(JsonElement report, string name) =>
        report.GetProperty(name) is { ValueKind: JsonValueKind.Number } number ? number.GetInt32() : null;
}
