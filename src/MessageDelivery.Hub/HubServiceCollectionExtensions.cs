using System.Diagnostics.Metrics;
using MessageDelivery.Hub;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Runs a hub inside a .NET host.</summary>
public static class HubServiceCollectionExtensions
{
    /// <summary>
    /// Adds a <see cref="MessageHub"/> that starts and stops with the host. It uses the host's logging and metrics, and a
    /// registered <see cref="TimeProvider"/> and <see cref="IHttpServer"/>.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configure">Changes the default options: <c>options => options with { … }</c>; null takes them as they are.</param>
    public static IServiceCollection AddMessageHub(
        this IServiceCollection services, Func<MessageHubOptions, MessageHubOptions>? configure = null) =>
        services.AddMessageHub(() => configure?.Invoke(new()) ?? new());

    /// <summary>
    /// Like <see cref="AddMessageHub(IServiceCollection, Func{MessageHubOptions, MessageHubOptions}?)"/>, with options from configuration:
    /// <c>builder.Services.AddMessageHub(builder.Configuration.GetSection("Hub"))</c>. The keys are those of
    /// <see cref="MessageHubOptions"/>; docs/hosting.md lists them. It is read once, when the hub is made; a value that cannot be, or a key
    /// that there is not, fails the host's start with an <see cref="Options.OptionsValidationException"/> that names each one.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configuration">The section.</param>
    /// <param name="configure">Changes what was read, such as who is let in; null keeps it.</param>
    public static IServiceCollection AddMessageHub(
        this IServiceCollection services, IConfiguration configuration, Func<MessageHubOptions, MessageHubOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return services.AddMessageHub(() =>
        {
            MessageHubOptions options = MessageHubConfiguration.Read(configuration, new());
            return configure?.Invoke(options) ?? options;
        });
    }

    private static IServiceCollection AddMessageHub(this IServiceCollection services, Func<MessageHubOptions> makeOptions)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddSingleton(provider => new MessageHub(
            WithServer(makeOptions(), provider.GetService<IHttpServer>()),
            provider.GetService<ILoggerFactory>(),
            provider.GetService<IMeterFactory>(),
            provider.GetService<TimeProvider>()));
        services.AddHostedService<MessageHubService>();
        return services;
    }

    private static MessageHubOptions WithServer(MessageHubOptions options, IHttpServer? server)
    {
        options.Http.Server ??= server;
        return options;
    }
}
