using MessageDelivery.Hub;
using MessageDelivery.Web;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Serves HTTP on the port of a hub inside a .NET host.</summary>
public static class HubWebServiceCollectionExtensions
{
    /// <summary>
    /// Adds a <see cref="HubWebServer"/> to the hub of <c>AddMessageHub</c>, before or after that: <c>/metrics</c>, <c>/healthz</c>, <c>/readyz</c> and a page on
    /// the hub's port. A hub whose options name another server keeps that one.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configure">Changes the default options: <c>options => options with { … }</c>; null takes them as they are.</param>
    public static IServiceCollection AddMessageHubWeb(this IServiceCollection services, Func<HubWebOptions, HubWebOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddSingleton(provider => new HubWebServer(
            provider.GetRequiredService<MessageHub>,
            configure?.Invoke(new()) ?? new(),
            provider.GetService<ILoggerFactory>(),
            provider.GetService<TimeProvider>()));
        services.TryAddSingleton<IHttpServer>(static provider => provider.GetRequiredService<HubWebServer>());
        return services;
    }
}
