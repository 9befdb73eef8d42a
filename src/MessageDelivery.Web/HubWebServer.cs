using System.Diagnostics;
using System.Threading.Channels;
using MessageDelivery.Hub;
using MessageDelivery.Hub.Access;
using MessageDelivery.Web.Access;
using MessageDelivery.Web.Answers;
using MessageDelivery.Web.Kestrel;
using MessageDelivery.Web.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MessageDelivery.Web;

/// <summary>
/// Serves HTTP on a hub's own connections: <c>/metrics</c>, <c>/healthz</c>, <c>/readyz</c> and a page, by ASP.NET Core's Kestrel, which starts with the
/// first connection. The hub's <see cref="HubHttpOptions.Server"/>. Whatever fails here costs connections of HTTP only. Any thread.
/// </summary>
public sealed class HubWebServer : IHttpServer, IAsyncDisposable
{
    private readonly Func<MessageHub> _hub;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly AdminGate _gate;
    private readonly MetricsPage _metrics;
    private readonly Lock _lock = new();
    private Channel<HttpConnection> _connections = CreateChannel();
    private Task<HubKestrel?>? _kestrel;
    private bool _isOver;

    /// <summary>Creates a server that does nothing until <see cref="Serve"/>.</summary>
    /// <param name="hub">Gives the hub whose server this is; called with the first request.</param>
    /// <param name="options">What it shows, and to whom.</param>
    /// <param name="loggers">Where it logs; null is nowhere.</param>
    /// <param name="time">The clock of its deadlines in the log; null is the machine's.</param>
    public HubWebServer(Func<MessageHub> hub, HubWebOptions options, ILoggerFactory? loggers = null, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(hub);
        ArgumentNullException.ThrowIfNull(options);
        _hub = hub;
        _loggers = loggers ?? NullLoggerFactory.Instance;
        _logger = _loggers.CreateLogger<HubWebServer>();
        Options = options;
        _gate = new(hub, options.Admins, _logger, time ?? TimeProvider.System);
        _metrics = new(hub, _logger);
    }

    /// <summary>The options it was created with.</summary>
    public HubWebOptions Options { get; }

    /// <summary>Takes over a connection; the first one starts Kestrel, on the thread pool.</summary>
    /// <param name="connection">The callee's, to dispose of.</param>
    public void Serve(HttpConnection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        lock (_lock)
        {
            if (!_isOver && _connections.Writer.TryWrite(connection))
            {
                _kestrel ??= Task.Run(() => StartAsync(_connections));
                return;
            }
        }

        // It does not fail, and the hub notices its end.
        _ = Task.Run(() => connection.DisposeAsync().AsTask());
    }

    /// <summary>Asks another authenticator for administrators' tokens from now on, for instance because its file has changed.</summary>
    /// <param name="admins">Null: nobody has one.</param>
    public void UseAdmins(IAuthenticator? admins) => _gate.Admins = admins;

    /// <summary>Ends what is served, with a second for answers under way.</summary>
    public async ValueTask DisposeAsync()
    {
        Task<HubKestrel?>? kestrel;
        lock (_lock)
        {
            _isOver = true;
            kestrel = _kestrel;
        }

        _connections.Writer.TryComplete();
        if (kestrel is not null && await kestrel.ConfigureAwait(false) is { } server)
        {
            await server.DisposeAsync().ConfigureAwait(false);
        }

        await CloseAllAsync(_connections).ConfigureAwait(false);
        _metrics.Dispose();
    }

    /// <summary>Null if it failed, which was logged.</summary>
    private async Task<HubKestrel?> StartAsync(Channel<HttpConnection> connections)
    {
        try
        {
            long began = Stopwatch.GetTimestamp();
            var routes = new RouteTable([.. Pages.PageFiles.Routes, .. new HealthPages(_hub).Routes, .. MetricsRoutes(), WebSocketRefusal.Route]);
            var kestrel = await HubKestrel.StartAsync(connections.Reader, new HubWebApplication(routes, _logger), _loggers).ConfigureAwait(false);
            _logger.WebServerStarted(Math.Round(Stopwatch.GetElapsedTime(began).TotalMilliseconds, 1));
            return kestrel;
        }
        catch (Exception exception)
        {
            // Whatever it is: no request is worth the hub.
            Channel<HttpConnection> failed;
            lock (_lock)
            {
                failed = _connections;
                _connections = CreateChannel();
                _kestrel = null;
            }

            failed.Writer.TryComplete();
            int count = await CloseAllAsync(failed).ConfigureAwait(false);
            _logger.WebServerFailed(count, exception);
            return null;
        }
    }

    private IEnumerable<Route> MetricsRoutes() => Options.Metrics switch
    {
        MetricsAccess.Off => [],
        MetricsAccess.Open => [_metrics.Route],
        _ => [_gate.Guard(_metrics.Route)],
    };

    private static async Task<int> CloseAllAsync(Channel<HttpConnection> connections)
    {
        int count = 0;
        while (connections.Reader.TryRead(out var connection))
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            count++;
        }

        return count;
    }

    // Not more than the hub allows of HTTP: it gives no others.
    private static Channel<HttpConnection> CreateChannel() => Channel.CreateUnbounded<HttpConnection>(new() { SingleReader = false });
}
