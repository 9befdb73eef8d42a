using System.Threading.Channels;
using MessageDelivery.Hub;
using MessageDelivery.Web.Answers;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace MessageDelivery.Web.Kestrel;

/// <summary>Kestrel without a host around it: it listens nowhere, takes no signals and reads no settings (docs/adr/0027).</summary>
internal sealed class HubKestrel : IAsyncDisposable
{
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(1);

    private readonly KestrelServer _server;

    private HubKestrel(KestrelServer server) => _server = server;

    /// <summary>Starts it.</summary>
    /// <param name="connections">The connections that it serves.</param>
    public static async Task<HubKestrel> StartAsync(ChannelReader<HttpConnection> connections, HubWebApplication application, ILoggerFactory loggers)
    {
        var options = new KestrelServerOptions();
        HttpLimits.Apply(options);
        options.Listen(HubEndPoint.Instance, static endpoint => endpoint.Protocols = HttpProtocols.Http1);
        var server = new KestrelServer(Options.Create(options), new HubConnections(connections), new WarningsOnly(loggers));
        try
        {
            await server.StartAsync(application, CancellationToken.None).ConfigureAwait(false);
            return new(server);
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(StopTimeout);
        await _server.StopAsync(patience.Token).ConfigureAwait(false);
        _server.Dispose();
    }
}
