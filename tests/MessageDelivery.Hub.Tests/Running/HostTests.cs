using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace MessageDelivery.Hub.Tests.Running;

public sealed class HostTests
{
    [Fact]
    public async Task A_hub_starts_and_stops_with_its_host()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddMessageHub(options => options with { Listen = [new(IPAddress.Loopback, 0)] });
        using var host = builder.Build();
        await host.StartAsync();
        var hub = host.Services.GetRequiredService<MessageHub>();
        using var user = new Peer(hub.Endpoints[0]);
        Assert.Equal(1UL, user.Id);
        await host.StopAsync();
        Assert.True(hub.Completion.IsCompletedSuccessfully);
        Assert.Equal(0, hub.OutstandingBlocks);
    }

    [Fact]
    public async Task A_port_in_use_is_an_error_at_start()
    {
        await using var first = new MessageHub(new() { Listen = [new(IPAddress.Loopback, 0)] });
        await first.StartAsync();
        await using var second = new MessageHub(new() { Listen = [first.Endpoints[0]] });
        await Assert.ThrowsAsync<System.Net.Sockets.SocketException>(() => second.StartAsync());
    }

    public static TheoryData<string, Func<MessageHubOptions, MessageHubOptions>> Impossible => new()
    {
        { "Listen", o => o with { Listen = [] } },
        { "AllowAnonymous", o => o with { Listen = [new(IPAddress.Any, 0)] } },
        { "QueueLimitBytes", o => o with { QueueLimitBytes = 0 } },
        { "StallTimeout", o => o with { StallTimeout = TimeSpan.Zero } },
        { "MaxConnections", o => o with { MaxConnections = 0 } },
        { "MemoryLimitBytes", o => o with { MemoryLimitBytes = 1 } },
        { "Heartbeat", o => o with { Heartbeat = TimeSpan.FromSeconds(1.5) } },
        { "DrainTimeout", o => o with { DrainTimeout = TimeSpan.FromSeconds(-1) } },
        { "EventLoops", o => o with { EventLoops = 0 } },
    };

    [Theory]
    [MemberData(nameof(Impossible))]
    public void An_impossible_option_is_named(string name, Func<MessageHubOptions, MessageHubOptions> change) =>
        Assert.Contains(name, Assert.ThrowsAny<ArgumentException>(() => new MessageHub(change(new()))).Message, StringComparison.Ordinal);
}
