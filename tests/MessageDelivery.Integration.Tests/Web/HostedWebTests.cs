using System.Net;
using MessageDelivery.Hub;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Web;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MessageDelivery.Integration.Tests.Web;

/// <summary>The web server in a program of somebody else, and one that fails.</summary>
public sealed class HostedWebTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task One_call_adds_it_to_the_hub_of_a_host(bool isFirst)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        if (isFirst)
        {
            builder.Services.AddMessageHubWeb();
        }

        builder.Services.AddMessageHub(options => options with { Listen = [new(IPAddress.Loopback, 0)] });
        if (!isFirst)
        {
            builder.Services.AddMessageHubWeb(options => options with { Metrics = MetricsAccess.Open });
        }

        using var host = builder.Build();
        await host.StartAsync(TestContext.Current.CancellationToken);
        var hub = host.Services.GetRequiredService<MessageHub>();
        Assert.Equal("ok\n", (await RawHttp.AskAsync(hub.Endpoints[0], RawHttp.Get("/healthz"))).Body);
        var metrics = await RawHttp.AskAsync(hub.Endpoints[0], RawHttp.Get("/metrics", "Via: 1.1 proxy"));
        Assert.Equal(isFirst ? 403 : 200, metrics.Status);
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_server_that_cannot_start_costs_its_connections_and_nothing_else_and_the_next_one_tries_again()
    {
        var loggers = new BrokenLoggers { IsBroken = true };
        MessageHub? served = null;
        await using var web = new HubWebServer(() => served!, new(), loggers);
        await using var hub = await RunningHub.StartAsync(options =>
        {
            options.Http.Server = web;
            return options;
        });
        served = hub.Hub;
        for (int i = 0; i < 3; i++)
        {
            await using var connection = await RawHttp.ConnectAsync(hub.Endpoint);
            await connection.SendAsync(RawHttp.Get("/healthz"));
            await connection.ExpectEndAsync();
        }

        await using var alice = await hub.TextAsync();
        await alice.SendAsync("echo still here\n");
        await alice.ExpectLinesAsync("still here");
        loggers.IsBroken = false;
        Assert.Equal(200, (await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get("/healthz"))).Status);
    }

    [Fact]
    public async Task A_connection_from_within_the_process_may_come_from_anywhere_and_needs_a_token()
    {
        MessageHub? served = null;
        await using var web = new HubWebServer(() => served!, new());
        await using var hub = await RunningHub.StartAsync(options =>
        {
            options.Http.Server = web;
            return options;
        });
        served = hub.Hub;
        await using var stream = served.ConnectInProcess();
        await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(RawHttp.Get("/metrics")), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream);
        Assert.Equal("HTTP/1.1 403 Forbidden", await reader.ReadLineAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Health_tells_how_a_hub_is_from_its_start_to_its_end()
    {
        await using var hub = new MessageHub(new() { Listen = [new(IPAddress.Loopback, 0)], DrainTimeout = TimeSpan.FromDays(1) });
        Assert.Equal(new HubHealth(IsAccepting: false, IsDraining: false, LoopsTurn: false), hub.Health);
        await hub.StartAsync(TestContext.Current.CancellationToken);
        Assert.Equal(new HubHealth(IsAccepting: true, IsDraining: false, LoopsTurn: true), hub.Health);

        // It drains for as long as somebody has not taken everything.
        await using var alice = await (await RawConnection.ConnectAsync(hub.Endpoints[0])).HelloAsync();
        await using var bob = await (await RawConnection.ConnectAsync(hub.Endpoints[0], receiveBufferBytes: 4_096)).HelloAsync();
        var filled = await Filling.FillAsync(alice, bob.UserId);
        using var give = new CancellationTokenSource();
        var stopped = hub.StopAsync(give.Token);
        Assert.Equal(new HubHealth(IsAccepting: false, IsDraining: true, LoopsTurn: true), hub.Health);
        Assert.NotEmpty(filled);
        await give.CancelAsync();
        await stopped;
        Assert.Equal(new HubHealth(IsAccepting: false, IsDraining: true, LoopsTurn: false), hub.Health);
    }

    /// <summary>A factory that gives Kestrel no logger while it is broken.</summary>
    private sealed class BrokenLoggers : ILoggerFactory
    {
        public bool IsBroken { get; set; }

        public ILogger CreateLogger(string categoryName) => IsBroken && categoryName.Contains("Kestrel", StringComparison.Ordinal)
            ? throw new InvalidOperationException("no logger")
            : NullLogger.Instance;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public void Dispose()
        {
        }
    }
}
