using System.Diagnostics.Metrics;
using MessageDelivery.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Makes a hub's client available to an application's services.</summary>
public static class HubClientServiceCollectionExtensions
{
    /// <summary>
    /// Registers a <see cref="HubClient"/> as a singleton: services have it injected. It begins to connect when the host starts, or with
    /// the first call, and goes on trying by <see cref="HubClientOptions.Reconnect"/>, so that an application starts while
    /// its hub is down; calls made before it is connected wait. It uses the host's logging and metrics and a registered
    /// <see cref="TimeProvider"/>. When the host stops, the client says goodbye; do not dispose it. A second registration is ignored.
    /// </summary>
    /// <example>
    /// <code>
    /// builder.Services.AddHubClient(options => options with { Host = "hub.internal", Token = token });
    /// ...
    /// sealed class Greeter(HubClient hub) { … await hub.RelayAsync(receiver, body, cancellationToken: cancellationToken); … }
    /// </code>
    /// </example>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Changes the default options; null keeps them. An impossible option fails the host's start.</param>
    public static IServiceCollection AddHubClient(this IServiceCollection services, Func<HubClientOptions, HubClientOptions>? configure = null) =>
        services.AddHubClient((_, options) => configure?.Invoke(options) ?? options);

    /// <summary>
    /// Like <see cref="AddHubClient(IServiceCollection, Func{HubClientOptions, HubClientOptions}?)"/>, with options that depend on other
    /// services, such as a token provider.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Changes the default options. Called once, when the client is made.</param>
    public static IServiceCollection AddHubClient(
        this IServiceCollection services, Func<IServiceProvider, HubClientOptions, HubClientOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        services.TryAddSingleton(provider => HubClient.Create(configure(provider, Defaults(provider))));
        services.AddHostedService<HubClientService>();
        return services;
    }

    /// <summary>
    /// Like <see cref="AddHubClient(IServiceCollection, Func{HubClientOptions, HubClientOptions}?)"/>, with options from configuration:
    /// <c>builder.Services.AddHubClient(builder.Configuration.GetSection("Hub"))</c>. The keys are those of <see cref="HubClientOptions"/>;
    /// docs/hosting.md lists them. It is read once, when the client is made; a value that cannot be, or a key that there is not, fails the
    /// host's start with an <see cref="Options.OptionsValidationException"/> that names each one.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configuration">The section.</param>
    /// <param name="configure">Changes what was read; null keeps it.</param>
    public static IServiceCollection AddHubClient(
        this IServiceCollection services, IConfiguration configuration, Func<HubClientOptions, HubClientOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return services.AddHubClient((_, defaults) =>
        {
            HubClientOptions options = HubClientConfiguration.Read(configuration, defaults);
            return configure?.Invoke(options) ?? options;
        });
    }

    private static HubClientOptions Defaults(IServiceProvider provider) => new()
    {
        TimeProvider = provider.GetService<TimeProvider>() ?? TimeProvider.System,
        LoggerFactory = provider.GetService<ILoggerFactory>(),
        MeterFactory = provider.GetService<IMeterFactory>(),
    };
}
