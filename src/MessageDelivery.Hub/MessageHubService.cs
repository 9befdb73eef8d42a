using Microsoft.Extensions.Hosting;

namespace MessageDelivery.Hub;

/// <summary>Ties a hub to its host: it starts and stops with it, and a hub that fails stops it.</summary>
internal sealed class MessageHubService(MessageHub hub, IHostApplicationLifetime lifetime) : IHostedService
{
    private Task _watch = Task.CompletedTask;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await hub.StartAsync(cancellationToken).ConfigureAwait(false);
        _watch = WatchAsync();
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await hub.StopAsync(cancellationToken).ConfigureAwait(false);
        await _watch.ConfigureAwait(false);
    }

    private async Task WatchAsync()
    {
        await Task.WhenAny(hub.Completion).ConfigureAwait(false);
        lifetime.StopApplication();
    }
}
