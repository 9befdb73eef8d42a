using System.Diagnostics.Metrics;
using MessageDelivery.Hub;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Runs a hub inside a .NET host.</summary>
public static class HubServiceCollectionExtensions
{
    /// <summary>
    /// Adds a <see cref="MessageHub"/> that starts and stops with the host. It uses the host's logging and metrics, and a
    /// registered <see cref="TimeProvider"/>.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configure">Changes the default options: <c>options => options with { … }</c>; null takes them as they are.</param>
    public static IServiceCollection AddMessageHub(
        this IServiceCollection services, Func<MessageHubOptions, MessageHubOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddSingleton(provider => new MessageHub(
            configure?.Invoke(new()) ?? new(),
            provider.GetService<ILoggerFactory>(),
            provider.GetService<IMeterFactory>(),
            provider.GetService<TimeProvider>()));
        services.AddHostedService<MessageHubService>();
        return services;
    }
}
