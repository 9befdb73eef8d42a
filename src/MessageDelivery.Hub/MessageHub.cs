using System.Net;
using Microsoft.Extensions.Logging;
using System.Diagnostics.Metrics;

namespace MessageDelivery.Hub;

/// <summary>A hub: listens, gives each connection a user id, and relays messages among them.</summary>
public sealed class MessageHub : IAsyncDisposable
{
    /// <summary>Creates a hub that does nothing until <see cref="StartAsync"/>.</summary>
    public MessageHub(MessageHubOptions options, ILoggerFactory? loggers = null, IMeterFactory? meters = null, TimeProvider? time = null)
    {
        Options = options;
    }

    /// <summary>The options it was created with.</summary>
    public MessageHubOptions Options { get; }

    /// <summary>Where it listens, with the ports it was given, once started.</summary>
    public IReadOnlyList<IPEndPoint> Endpoints { get; } = [];

    /// <summary>Starts listening; completes when connections are accepted.</summary>
    public Task StartAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>Stops: says goodbye, sends what is queued for at most the drain timeout, and closes everything.</summary>
    public Task StopAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>Stops, if that has not been done.</summary>
    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(false);
}
