using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace MessageDelivery.Client;

/// <summary>Makes a hub's client available to an application's services.</summary>
public static class HubClientServiceCollectionExtensions
{
    /// <summary>
    /// Registers <see cref="IHubClientAccessor"/> as a singleton: services ask it for the client, which connects on first use, so
    /// that an application starts while its hub is down. A <see cref="TimeProvider"/> among the services is used. When the container
    /// is disposed the client says goodbye. Once is enough; a second registration is ignored.
    /// </summary>
    /// <example>
    /// <code>
    /// builder.Services.AddHubClient(options => options with { Host = "hub.internal", Token = token });
    /// ...
    /// HubClient hub = await accessor.GetAsync(cancellationToken);
    /// await hub.RelayAsync(receiver, body, cancellationToken: cancellationToken);
    /// </code>
    /// </example>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Changes the default options; null keeps them.</param>
    public static IServiceCollection AddHubClient(this IServiceCollection services, Func<HubClientOptions, HubClientOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddSingleton<IHubClientAccessor>(provider =>
        {
            var options = new HubClientOptions
            {
                TimeProvider = provider.GetService<TimeProvider>() ?? TimeProvider.System,
            };
            return new HubClientAccessor(configure?.Invoke(options) ?? options);
        });
        return services;
    }
}
