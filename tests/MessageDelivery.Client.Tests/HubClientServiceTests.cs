using MessageDelivery.Protocol;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Client.Tests;

/// <summary>The client among an application's services.</summary>
public sealed class HubClientServiceTests
{
    [Fact]
    public async Task The_client_is_injected_before_there_is_a_hub_and_calls_wait_for_it()
    {
        await using var hub = new ScriptedHub();
        await using ServiceProvider services = Services(hub);
        HubClient client = services.GetRequiredService<HubClient>();
        Assert.Same(client, services.GetRequiredService<HubClient>());
        Assert.Equal(ConnectionState.Connecting, client.ConnectionState);
        Task relayed = client.RelayAsync(7, "early"u8.ToArray()).AsTask();
        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        Task connected = client.WaitUntilConnectedAsync().AsTask();
        Assert.False(relayed.IsCompleted);

        Peer peer = await hub.WelcomeAsync(5);
        await connected.Soon();
        await relayed.Soon();
        Assert.Equal((ConnectionState.Connected, 5UL), (client.ConnectionState, client.UserId));
        Assert.Equal("early"u8.ToArray(), (await peer.ExpectAsync(FrameType.Relay)).Payload[8..]);
        await peer.ExpectAsync(FrameType.Heartbeat);
        await peer.ExpectAsync(FrameType.Identity);
        await peer.SendAsync(Frames.Heartbeat(), Frames.Identity(5));
        Assert.Equal(5UL, await identity.Soon());
    }

    [Fact]
    public async Task A_first_connection_that_fails_is_tried_again()
    {
        await using var hub = new ScriptedHub();
        await using ServiceProvider services = Services(hub);
        HubClient client = services.GetRequiredService<HubClient>();
        var states = new List<ConnectionState>();
        client.ConnectionStateChanged += (_, change) => states.Add(change.NewState);
        bool changed = false;
        client.IdentityChanged += (_, _) => changed = true;
        Task connected = client.WaitUntilConnectedAsync().AsTask();
        await (await hub.AcceptAsync()).SendAsync(Frames.Goodbye(ProtocolCode.ShuttingDown));
        (await hub.AcceptAsync()).Cut();
        Task<IReadOnlyList<ulong>> list = client.ListAsync().AsTask();
        Peer peer = await hub.WelcomeAsync(6);
        await peer.ExpectAsync(FrameType.List);
        await peer.SendAsync(Frames.List(false, 1, 2));
        Assert.Equal([1UL, 2UL], await list.Soon());
        await connected.Soon();
        Assert.Equal([ConnectionState.Connected], states);
        Assert.False(changed);
    }

    [Fact]
    public async Task A_refusal_that_would_come_again_closes_it_and_fails_the_calls()
    {
        await using var hub = new ScriptedHub();
        await using ServiceProvider services = Services(hub);
        HubClient client = services.GetRequiredService<HubClient>();
        Task waiting = client.RelayAsync(7, "early"u8.ToArray()).AsTask();
        await (await hub.AcceptAsync()).SendAsync(Frames.Goodbye(ProtocolCode.AuthFailed));
        await Assert.ThrowsAsync<HubAuthenticationException>(() => waiting.Soon());
        await client.Closed.Soon();
        await Assert.ThrowsAsync<HubAuthenticationException>(() => client.WaitUntilConnectedAsync().Soon());
        await Assert.ThrowsAsync<HubAuthenticationException>(() => client.GetIdentityAsync().Soon());
    }

    [Fact]
    public async Task Without_reconnecting_the_first_attempt_is_the_only_one()
    {
        await using var hub = new ScriptedHub();
        await using ServiceProvider services = Services(hub, options => options with { Reconnect = null });
        HubClient client = services.GetRequiredService<HubClient>();
        client.Begin();
        (await hub.AcceptAsync()).Cut();
        await client.Closed.Soon();
        Assert.Null(client.CloseReason!.Code);
    }

    [Fact]
    public async Task One_that_never_got_a_connection_is_disposed_at_once_and_its_calls_end()
    {
        await using var hub = new ScriptedHub();
        ServiceProvider services = Services(hub, options => options with { CloseTimeout = Timeout.InfiniteTimeSpan });
        HubClient client = services.GetRequiredService<HubClient>();
        Task waiting = client.RelayAsync(7, "early"u8.ToArray()).AsTask();
        await hub.AcceptAsync();
        await services.DisposeAsync().Soon();
        await Assert.ThrowsAsync<HubConnectionException>(() => waiting.Soon());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.ListAsync().AsTask());
        Assert.Equal(ConnectionState.Closed, client.ConnectionState);
    }

    [Fact]
    public async Task One_that_nobody_has_called_is_disposed_without_a_connection()
    {
        await using var hub = new ScriptedHub();
        ServiceProvider services = Services(hub);
        HubClient client = services.GetRequiredService<HubClient>();
        await services.DisposeAsync().Soon();
        await client.Closed.Soon();
        Assert.Equal(ProtocolCode.Normal, client.CloseReason!.Code);
    }

    [Fact]
    public async Task The_token_provider_is_called_under_no_lock()
    {
        await using var hub = new ScriptedHub();
        ServiceProvider? services = null;
        var isFree = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        services = Services(hub, options => options with
        {
            TokenProvider = _ =>
            {
                // Another thread asks for the client, and the provider waits for that.
                isFree.TrySetResult(Task.Run(() => services!.GetRequiredService<HubClient>()).Wait(TimeSpan.FromSeconds(10), CancellationToken.None));
                return ValueTask.FromResult("token");
            },
        });
        await using (services)
        {
            services.GetRequiredService<HubClient>().Begin();
            Assert.True(await isFree.Task.WaitAsync(TimeSpan.FromSeconds(20)), "who asked for the client waited for the token provider");
        }
    }

    [Fact]
    public async Task With_a_host_it_connects_by_itself_and_says_goodbye()
    {
        await using var hub = new ScriptedHub();
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddHubClient(options => options with { Port = hub.Options.Port });
        builder.Services.AddHubClient(options => options with { Port = 1 });
        using IHost host = builder.Build();
        await host.StartAsync().Soon();
        Peer peer = await hub.WelcomeAsync(5);
        await host.Services.GetRequiredService<HubClient>().WaitUntilConnectedAsync().Soon();
        Task stopping = host.StopAsync();
        await peer.ExpectAsync(FrameType.Goodbye);
        await peer.SendAsync(Frames.Goodbye(ProtocolCode.Normal));
        await stopping.Soon();
    }

    [Fact]
    public async Task An_impossible_option_fails_the_hosts_start()
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddHubClient(options => options with { Port = 70_000 });
        using IHost host = builder.Build();
        var error = await Assert.ThrowsAnyAsync<ArgumentException>(() => host.StartAsync());
        Assert.Contains("Port is 70000; it must be 1 to 65535", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_health_check_says_whether_it_is_connected_and_why_not()
    {
        await using var hub = new ScriptedHub();
        await using ServiceProvider services = new ServiceCollection()
            .AddHubClient(options => options with { Port = hub.Options.Port, CloseTimeout = TimeSpan.Zero, Reconnect = new() { MaxDelay = TimeSpan.FromMinutes(30), InitialDelay = TimeSpan.FromMinutes(30) } })
            .AddSingleton<HubClientHealthCheck>()
            .BuildServiceProvider();
        var check = services.GetRequiredService<HubClientHealthCheck>();
        string name = $"127.0.0.1:{hub.Options.Port}";
        Assert.Equal((HealthStatus.Unhealthy, $"connecting to {name}"), await CheckAsync());
        services.GetRequiredService<HubClient>().Begin();
        Peer peer = await hub.WelcomeAsync(5);
        await services.GetRequiredService<HubClient>().WaitUntilConnectedAsync().Soon();
        Assert.Equal((HealthStatus.Healthy, $"connected to {name} as user 5"), await CheckAsync());
        await peer.SendAsync(Frames.Goodbye(ProtocolCode.ShuttingDown));
        await Soonness.UntilAsync(() => services.GetRequiredService<HubClient>().ConnectionState == ConnectionState.Reconnecting);
        Assert.Equal((HealthStatus.Unhealthy, $"connecting again to {name}: shutting_down"), await CheckAsync());
        await services.GetRequiredService<HubClient>().DisposeAsync().Soon();
        Assert.Equal((HealthStatus.Unhealthy, $"closed for good; it was a client of {name}: normal: the client was closed"), await CheckAsync());

        async Task<(HealthStatus, string?)> CheckAsync()
        {
            HealthCheckResult result = await check.CheckHealthAsync(new() { Registration = new("hub", check, HealthStatus.Unhealthy, null) });
            return (result.Status, result.Description);
        }
    }

    private static ServiceProvider Services(ScriptedHub hub, Func<HubClientOptions, HubClientOptions>? change = null) => new ServiceCollection()
        .AddHubClient(options =>
        {
            options = options with
            {
                Port = hub.Options.Port,
                CloseTimeout = TimeSpan.Zero,
                Resume = false,
                Reconnect = new() { InitialDelay = TimeSpan.Zero, MaxDelay = TimeSpan.Zero },
            };
            return change?.Invoke(options) ?? options;
        })
        .BuildServiceProvider();
}
