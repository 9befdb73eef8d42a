namespace MessageDelivery.Client;

/// <summary>
/// The application's one connection to a hub, made when it is first asked for. Thread-safe. Registered by
/// <see cref="HubClientServiceCollectionExtensions.AddHubClient"/>.
/// </summary>
public interface IHubClientAccessor
{
    /// <summary>
    /// The client: the same one each time, connected on first use, and connected anew after it was closed for good. Do not dispose
    /// it; the container does when the application ends.
    /// </summary>
    /// <param name="cancellationToken">Stops waiting; the connection may still be made for others who wait.</param>
    /// <exception cref="HubConnectionException">There is no hub, or it refuses. The next call tries again.</exception>
    ValueTask<HubClient> GetAsync(CancellationToken cancellationToken = default);
}
