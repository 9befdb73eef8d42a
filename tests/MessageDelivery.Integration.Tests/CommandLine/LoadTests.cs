using System.Globalization;
using System.Text.Json;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>The load generator against a hub: who receives what, and that its figures are those of the hub.</summary>
public sealed class LoadTests : IAsyncLifetime
{
    private const double WarmUpSeconds = 0.1;
    private HubProcess _hub = null!;

    public async ValueTask InitializeAsync() =>
        _hub = await HubProcess.StartAsync("--queue-limit", "64KiB", "--stall-timeout", "1s");

    public ValueTask DisposeAsync() => _hub.DisposeAsync();

    [Theory]
    [InlineData("pairs", "4")]
    [InlineData("fan-out", "4")]
    [InlineData("fan-out", "255")]
    [InlineData("fan-in", "4")]
    [InlineData("mesh", "5")]
    [InlineData("spread", "4")]
    public async Task One_at_a_time_each_delivery_is_timed(string mode, string count)
    {
        var report = await MeasureAsync("--mode", mode, "--count", count, "--size", "64", "--window", "1", "--seconds", "0.4");
        Assert.Equal(mode, report.GetProperty("mode").GetString());
        long delivered = report.GetProperty("delivered").GetInt64();
        Assert.Equal(delivered, report.GetProperty("latencyCounts").EnumerateArray().Sum(pair => (long)pair[1].GetDouble()));
        Assert.True(report.GetProperty("latency").GetProperty("p50").GetDouble() > 0);
    }

    [Theory]
    [InlineData("pairs", "4", "65536")]
    [InlineData("fan-out", "4", "1048576")]
    [InlineData("fan-in", "4", "4")]
    [InlineData("mesh", "5", "1000")]
    [InlineData("spread", "4", "1")]
    public async Task A_window_lets_senders_run_ahead(string mode, string count, string size)
    {
        var report = await MeasureAsync("--mode", mode, "--count", count, "--size", size, "--window", "50", "--seconds", "0.4");
        Assert.Equal(50, report.GetProperty("window").GetInt32());
        Assert.Equal(JsonValueKind.Null, report.GetProperty("latency").ValueKind);
    }

    [Theory]
    [InlineData("pairs", 1)]
    [InlineData("mesh", 1)]
    [InlineData("fan-out", 5)]
    public async Task An_open_loop_sends_no_more_than_was_due(string mode, int receiversOfEach)
    {
        var report = await MeasureAsync("--mode", mode, "--count", "5", "--size", "8", "--rate", "1000", "--seconds", "0.4");
        double due = 1000 * (report.GetProperty("seconds").GetDouble() + WarmUpSeconds + 1);
        Assert.InRange(report.GetProperty("delivered").GetInt64(), 1, (long)due * receiversOfEach);
        Assert.True(report.GetProperty("latency").GetProperty("p50").GetDouble() > 0);
        Assert.Equal(JsonValueKind.Null, report.GetProperty("window").ValueKind);
    }

    [Theory]
    [InlineData("pairs", "4", "64", "1", "1")]
    [InlineData("pairs", "4", "128", "50", "1")]
    [InlineData("pairs", "4", "128", "50", "16")]
    [InlineData("pairs", "2", "1048576", "4", "4")]
    [InlineData("fan-out", "255", "128", "50", "3")]
    [InlineData("fan-in", "4", "65536", "10", "2")]
    [InlineData("mesh", "5", "100", "1", "1")]
    [InlineData("spread", "4", "70000", "8", "1")]
    public async Task Over_WebSocket_all_is_as_over_TCP(string mode, string count, string size, string window, string messagesPerFrame)
    {
        var report = await MeasureAsync(
            "--websocket", "--mode", mode, "--count", count, "--size", size, "--window", window, "--messages-per-frame", messagesPerFrame, "--seconds", "0.4");
        Assert.Equal(messagesPerFrame, report.GetProperty("messagesPerFrame").GetRawText());
    }

    [Theory]
    [InlineData("1")]
    [InlineData("5")]
    public async Task Times_in_masked_frames_are_those_at_which_messages_were_due(string messagesPerFrame)
    {
        var report = await MeasureAsync(
            "--websocket", "--mode", "pairs", "--count", "3", "--size", "21", "--rate", "1000", "--messages-per-frame", messagesPerFrame, "--seconds", "0.4");
        // Anything else read as a time would be out by far more than a run takes.
        Assert.InRange(report.GetProperty("latency").GetProperty("p50").GetDouble(), 1, 20e6);
    }

    [Theory]
    [InlineData("pairs")]
    [InlineData("mesh")]
    public async Task One_window_for_all_lets_those_who_stand_first_send(string mode)
    {
        var report = await MeasureAsync("--mode", mode, "--shared-window", "--count", "5", "--size", "1", "--window", "1", "--seconds", "0.4");
        Assert.True(report.GetProperty("sharedWindow").GetBoolean());
        Assert.Equal(JsonValueKind.Null, report.GetProperty("latency").ValueKind);
    }

    [Fact]
    public async Task Resumable_receivers_acknowledge_over_WebSocket_too()
    {
        var report = await RunAsync(
            "--protocol", "mds-resumable", "--websocket", "--mode", "pairs", "--count", "4", "--size", "64", "--window", "50", "--seconds", "1", "--warm-up", "0.1");
        Assert.InRange(report.GetProperty("delivered").GetInt64(), 64 << 10, long.MaxValue);
    }

    [Theory]
    [InlineData("pairs", "4", "64")]
    [InlineData("fan-out", "5", "500")]
    public async Task Resumable_receivers_acknowledge_so_that_nobody_waits_for_them(string mode, string count, string size)
    {
        var report = await RunAsync(
            "--protocol", "mds-resumable", "--mode", mode, "--count", count, "--size", size, "--window", "50", "--seconds", "1", "--warm-up", "0.1");
        // Many times what the hub's queue limit of 64 KiB lets through unacknowledged.
        Assert.InRange(report.GetProperty("delivered").GetInt64() * long.Parse(size, CultureInfo.InvariantCulture), 1 << 20, long.MaxValue);
    }

    [Fact]
    public async Task Receivers_that_never_read_are_cut_and_counted()
    {
        var report = await MeasureAsync(
            "--mode", "pairs", "--count", "1", "--size", "4096", "--window", "1", "--stopped", "2", "--seconds", "5");
        Assert.Equal(2, report.GetProperty("stoppedCut").GetInt32());
    }

    [Fact]
    public async Task Idle_connections_are_counted_and_weighed()
    {
        var report = await RunAsync("idle", "--protocol", "mds", "--count", "300", "--stay", "0");
        long before = report.GetProperty("residentBefore").GetInt64();
        long with = report.GetProperty("residentWith").GetInt64();
        Assert.True(before > 0);
        Assert.Equal((with - before) / 300, report.GetProperty("bytesPerConnection").GetInt64());
    }

    [Fact]
    public async Task Connections_of_WebSocket_come_and_go_too()
    {
        var report = await RunAsync("connect", "--protocol", "mds", "--websocket", "--at-once", "2", "--seconds", "0.5");
        Assert.True(report.GetProperty("connections").GetInt64() > 0);
        Assert.True(report.GetProperty("webSocket").GetBoolean());
    }

    [Fact]
    public async Task Connections_that_come_and_go_are_counted()
    {
        var report = await RunAsync("connect", "--protocol", "mds", "--at-once", "2", "--seconds", "0.5");
        Assert.False(report.GetProperty("webSocket").GetBoolean());
        Assert.True(report.GetProperty("connections").GetInt64() > 0);
        Assert.True(report.GetProperty("serverCpuMicrosecondsPerConnection").GetDouble() > 0);
        Assert.False(report.GetProperty("tls").GetBoolean());
    }

    [Fact]
    public async Task Lists_are_timed()
    {
        var report = await RunAsync("list", "--count", "30", "--requests", "40");
        double median = report.GetProperty("medianMicroseconds").GetDouble();
        Assert.InRange(median, double.Epsilon, report.GetProperty("p99Microseconds").GetDouble());
        Assert.True(report.GetProperty("serverCpuMicrosecondsPerList").GetDouble() > 0);
    }

    [Theory]
    [InlineData("--rate 100", "--size 7: at least 8 with --rate, for the time at which a message was due")]
    [InlineData("--mode mesh --size 3", "--size 3: at least 4 in this mode, for the number of the sender")]
    [InlineData("--mode fan-out --count 256", "--count 256: a relay lists at most 255 receivers")]
    [InlineData("--mode mesh --count 1", "--count 1: at least 2 users for --mode mesh")]
    [InlineData("--window 0", "--window 0: at least 1")]
    [InlineData("--seconds 60", "--seconds 60 and --warm-up 0.1: together at most 50, since servers cut off who is silent for long")]
    [InlineData("--messages-per-frame 4", "--messages-per-frame 4: only with --websocket")]
    [InlineData("--protocol redis --websocket true", "--websocket: not with --protocol redis")]
    [InlineData("--protocol relay --messages-per-frame 2", "--messages-per-frame 2: 1 with --protocol relay, where a frame is a message")]
    [InlineData("--websocket true --messages-per-frame 5 --window 4", "--messages-per-frame 5: at most --window 4, since they are sent together")]
    [InlineData("--websocket true --messages-per-frame 0", "--messages-per-frame 0: at least 1")]
    [InlineData("--shared-window true --mode fan-in", "--shared-window: only with --mode pairs or mesh")]
    [InlineData(
        "--protocol socket.io --mode fan-in", "--protocol socket.io: bodies are text and can carry no time or number, so no --rate, --mode fan-in or mesh")]
    [InlineData("--host here", "--host here: an IPv4 address")]
    [InlineData("--protocol smtp", "Argument 'smtp' not recognized. Must be one of: 'mds' 'mds-resumable' 'nats' 'redis' 'mqtt' 'relay' 'socket.io'")]
    public async Task An_impossible_option_is_one_line_with_the_value_and_the_limit(string options, string error)
    {
        string[] defaults = ["--protocol", "mds", "--mode", "pairs", "--count", "2", "--size", "7", "--seconds", "0.1", "--warm-up", "0.1"];
        string[] changed = options.Split(' ');
        string[] kept = [.. defaults.Chunk(2).Where(pair => !changed.Contains(pair[0])).SelectMany(pair => pair)];
        var result = await StartedAsync([.. kept, .. changed]);
        Assert.Equal($"load: {error}\n", result.Error);
        Assert.Equal((2, ""), (result.ExitCode, result.Text));
    }

    [Fact]
    public async Task A_server_that_closes_is_an_error_with_its_reason()
    {
        var result = await StartedAsync("--protocol", "mds", "--mode", "pairs", "--count", "1", "--size", "2000000");
        Assert.Equal((1, ""), (result.ExitCode, result.Text));
        Assert.Contains("frame_too_large", result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
    }

    private async Task<JsonElement> MeasureAsync(params string[] options)
    {
        var report = await RunAsync([.. options, "--protocol", "mds", "--warm-up", WarmUpSeconds.ToString(CultureInfo.InvariantCulture)]);
        Assert.True(report.GetProperty("delivered").GetInt64() > 0);
        Assert.True(report.GetProperty("serverCpuMicrosecondsPerMessage").GetDouble() > 0);
        Assert.True(report.GetProperty("generatorCpuPercent").GetDouble() > 0);
        Assert.True(report.GetProperty("serverPeakResidentBytes").GetInt64() >= report.GetProperty("serverResidentBytes").GetInt64());
        return report;
    }

    private async Task<JsonElement> RunAsync(params string[] arguments)
    {
        var result = await StartedAsync(arguments);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Single(result.Text.TrimEnd().Split('\n'));
        return JsonSerializer.Deserialize<JsonElement>(result.Output);
    }

    private async Task<MdsResult> StartedAsync(params string[] arguments)
    {
        await using var load = MdsProcess.Start(
            [.. arguments, "--port", $"{_hub.Endpoint.Port}", "--process", $"{_hub.Mds.Id}"], program: "load");
        return await load.EndAsync();
    }
}
