using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text.RegularExpressions;
using MessageDelivery.Hub;
using MessageDelivery.Integration.Tests.CommandLine;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Web;

namespace MessageDelivery.Integration.Tests.Web;

/// <summary><c>/metrics</c>: what is in it, and in which form.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed partial class MetricsTests
{
    [Fact]
    public async Task Promtool_finds_nothing_wrong_with_it()
    {
        await using var hub = await HubProcess.StartAsync();
        await using var alice = await (await RawConnection.ConnectAsync(hub.Endpoint)).HelloAsync();
        var reply = await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get("/metrics", "Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"));
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", reply.Header("Content-Type"));
        var (exitCode, said) = await PrometheusServer.PromtoolAsync(reply.Body, "check", "metrics");
        Assert.Equal((0, ""), (exitCode, said));
    }

    [Fact]
    public async Task It_counts_what_users_do()
    {
        await using var hub = await HubProcess.StartAsync();
        await using var alice = await (await RawConnection.ConnectAsync(hub.Endpoint)).HelloAsync();
        await using var bob = await (await RawConnection.ConnectAsync(hub.Endpoint)).HelloAsync();
        await alice.SendAsync(Frames.Relay(bob.UserId, new byte[100]), Frames.Relay(bob.UserId, new byte[50]), Frames.Relay(999, new byte[7]));
        await bob.FrameAsync(Protocol.FrameType.Delivery);
        await bob.FrameAsync(Protocol.FrameType.Delivery);
        await alice.SendAsync(Frames.Identity);
        await alice.FrameAsync(Protocol.FrameType.IdentityReply);
        var series = Parse((await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get("/metrics"))).Body);
        Assert.Equal(2, series["mds_users"]);
        Assert.Equal(3, series["mds_connections"]);
        Assert.Equal(1, series["mds_http_connections"]);
        Assert.Equal(3, series["mds_relays_received_total"]);
        Assert.Equal(157, series["mds_relays_body_received_bytes_total"]);
        Assert.Equal(2, series["mds_deliveries_queued_total"]);
        Assert.Equal(150, series["mds_deliveries_body_queued_bytes_total"]);
        Assert.Equal(1, series["mds_not_delivered_total{outcome=\"unknown\"}"]);
        Assert.Equal(0, series["mds_not_delivered_total{outcome=\"full\"}"]);
        Assert.Equal(0, series["mds_disconnects_total{reason=\"slow_consumer\"}"]);
        Assert.InRange(series["mds_memory_used_bytes"], 1, series["mds_memory_limit_bytes"]);
        Assert.InRange(series["dotnet_process_memory_working_set_bytes"], 1 << 20, 1L << 40);
        Assert.InRange(series["dotnet_gc_heap_total_allocated_bytes_total"], 1, 1L << 40);
        Assert.Contains("dotnet_gc_collections_total{gc_heap_generation=\"gen2\"}", series.Keys);
    }

    /// <summary>By the meter itself: whatever it comes to have is there.</summary>
    [Fact]
    public async Task Everything_the_meter_has_is_there_with_its_kind_unit_and_words_and_nothing_names_a_user()
    {
        MessageHub? served = null;
        await using var web = new HubWebServer(() => served!, new());
        await using var other = await RunningHub.StartAsync();
        await using var hub = await RunningHub.StartAsync(options =>
        {
            options.Http.Server = web;
            return options;
        });
        served = hub.Hub;
        var instruments = new List<Instrument>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter == served.Meter)
                {
                    instruments.Add(instrument);
                }
            },
        };
        listener.Start();
        Assert.NotEmpty(instruments);
        string text = (await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get("/metrics"))).Body;
        string[] lines = text.Split('\n');
        Assert.All(instruments, instrument =>
        {
            bool isCounter = instrument is ObservableCounter<long>;
            string name = instrument.Name.Replace('.', '_') + (instrument.Unit == "By" ? "_bytes" : "") + (isCounter ? "_total" : "");
            Assert.True(instrument.Unit == "By" || (instrument.Unit!.StartsWith('{') && instrument.Unit.EndsWith('}')), $"{instrument.Name} has a unit that nobody knows.");
            Assert.Contains($"# HELP {name} {instrument.Description}", lines);
            Assert.Contains($"# TYPE {name} {(isCounter ? "counter" : "gauge")}", lines);
            Assert.Contains(lines, line => line.StartsWith($"{name} ", StringComparison.Ordinal) || line.StartsWith($"{name}{{", StringComparison.Ordinal));
        });

        // Another hub of the process has a meter of its own, which is not in it: no series is there twice.
        var series = lines.Where(line => line.Length > 0 && line[0] != '#').Select(line => line[..line.LastIndexOf(' ')]).ToList();
        Assert.Equal(series.Count, series.Distinct().Count());
        string[] labels = [.. series.SelectMany(line => Label().Matches(line).Select(match => match.Groups[1].Value)).Distinct().Order()];
        Assert.Equal(["cpu_mode", "gc_heap_generation", "kind", "limit", "outcome", "reason"], labels);
    }

    [Fact]
    public async Task Counters_never_go_back_while_users_come_and_go()
    {
        await using var hub = await HubProcess.StartAsync();
        await using var connection = await RawHttp.ConnectAsync(hub.Endpoint);
        using var over = new CancellationTokenSource();
        var crowd = Task.Run(async () =>
        {
            while (!over.IsCancellationRequested)
            {
                await using var alice = await (await RawConnection.ConnectAsync(hub.Endpoint)).HelloAsync();
                await alice.SendAsync(Frames.Relay(alice.UserId, new byte[10]));
                await alice.FrameAsync(Protocol.FrameType.Delivery);
            }
        });
        Dictionary<string, double> before = [];
        for (int i = 0; i < 200; i++)
        {
            await connection.SendAsync(RawHttp.Get("/metrics"));
            string text = (await connection.ReceiveAsync()).Body;
            var counters = TypeOfCounter().Matches(text).Select(match => match.Groups[1].Value).ToHashSet();
            var now = Parse(text);
            foreach (var (name, value) in now.Where(pair => counters.Contains(pair.Key.Split('{')[0])))
            {
                Assert.True(value >= before.GetValueOrDefault(name), $"{name} was {before.GetValueOrDefault(name)} and is {value}.");
            }

            before = now;
        }

        await over.CancelAsync();
        await crowd;
        Assert.True(before["mds_relays_received_total"] > 0);
    }

    [GeneratedRegex("# TYPE (\\S+) counter")]
    private static partial Regex TypeOfCounter();

    [GeneratedRegex("[{,]([a-z_]+)=\"")]
    private static partial Regex Label();

    private static Dictionary<string, double> Parse(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line[0] != '#')
        .ToDictionary(line => line[..line.LastIndexOf(' ')], line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
}
