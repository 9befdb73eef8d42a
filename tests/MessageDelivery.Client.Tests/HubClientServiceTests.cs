using MessageDelivery.Protocol;
using Microsoft.Extensions.DependencyInjection;

namespace MessageDelivery.Client.Tests;

public sealed class HubClientServiceTests
{
    private static ServiceProvider Services(ScriptedHub hub) => new ServiceCollection()
        .AddHubClient(options => options with { Port = hub.Options.Port, Reconnect = null, CloseTimeout = TimeSpan.Zero })
        .BuildServiceProvider();

    [Fact]
    public async Task The_client_is_connected_once_when_it_is_first_asked_for()
    {
        await using var hub = new ScriptedHub();
        ServiceProvider services = Services(hub);
        var accessor = services.GetRequiredService<IHubClientAccessor>();
        Task<HubClient>[] asking = [accessor.GetAsync().AsTask(), accessor.GetAsync().AsTask()];
        Peer peer = await hub.WelcomeAsync(5);
        HubClient client = await asking[0].Soon();
        Assert.Same(client, await asking[1].Soon());
        Assert.Same(client, await accessor.GetAsync().Soon());
        await services.DisposeAsync().Soon();
        Assert.True(client.Closed.IsCompleted);
        await peer.ReadToEndAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => accessor.GetAsync().AsTask());
    }

    [Fact]
    public async Task A_failed_or_closed_client_is_replaced_at_the_next_call()
    {
        await using var hub = new ScriptedHub();
        await using ServiceProvider services = Services(hub);
        var accessor = services.GetRequiredService<IHubClientAccessor>();
        Task<HubClient> refused = accessor.GetAsync().AsTask();
        await (await hub.AcceptAsync()).SendAsync(Frames.Goodbye(ProtocolCode.Overloaded));
        await Assert.ThrowsAsync<HubConnectionException>(() => refused.Soon());

        Task<HubClient> first = accessor.GetAsync().AsTask();
        Peer peer = await hub.WelcomeAsync(5);
        await peer.SendAsync(Frames.Goodbye(ProtocolCode.Removed));
        await (await first.Soon()).Closed.Soon();

        Task<HubClient> second = accessor.GetAsync().AsTask();
        await hub.WelcomeAsync(6);
        Assert.Equal(6UL, (await second.Soon()).UserId);
    }

    [Fact]
    public async Task Waiting_for_it_can_be_cancelled_alone()
    {
        await using var hub = new ScriptedHub();
        await using ServiceProvider services = Services(hub);
        var accessor = services.GetRequiredService<IHubClientAccessor>();
        using var cancel = new CancellationTokenSource();
        Task<HubClient> impatient = accessor.GetAsync(cancel.Token).AsTask();
        Task<HubClient> patient = accessor.GetAsync().AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient.Soon());
        await hub.WelcomeAsync(5);
        Assert.Equal(5UL, (await patient.Soon()).UserId);
    }
}
