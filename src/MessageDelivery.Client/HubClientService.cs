using Microsoft.Extensions.Hosting;

namespace MessageDelivery.Client;

/// <summary>
/// Ties the client to its host: it begins to connect when the host starts, and says goodbye when it stops, before services that were
/// registered before it stop.
/// </summary>
internal sealed class HubClientService(HubClient client) : IHostedService
{
    /// <summary>Begins to connect and waits for nothing: an application starts while its hub is down.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        client.Begin();
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        try
        {
            await client.DisposeAsync().AsTask().WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The host waits no longer; the container disposes of the client, too.
        }
    }
}
