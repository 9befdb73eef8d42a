using System.CommandLine;
using System.Net.Sockets;
using MessageDelivery.Cli.Logging;
using MessageDelivery.Cli.Operations;
using MessageDelivery.Cli.Settings;
using MessageDelivery.Cli.Terminal;
using MessageDelivery.Cli.Tls;
using MessageDelivery.Hub;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Cli.Verbs;

/// <summary><c>mds serve</c>: runs a hub until it is told to stop.</summary>
internal static class ServeCommand
{
    /// <summary>What the host has beyond the drain timeout to stop everything.</summary>
    private static readonly TimeSpan StopMargin = TimeSpan.FromSeconds(5);

    public static Command Create()
    {
        var options = new ServeOptions();
        var command = new Command("serve", "Run a hub.");
        options.AddTo(command);
        CommandHelp.Add(
            command,
            """
            Prints "listening on ADDRESS:PORT" when it is ready, logs to stderr, and stops on SIGTERM or Ctrl-C (a second one
            drops what is still queued); on SIGHUP it reads its settings again. Each option can also be set by an environment variable (--queue-limit is
            MDS_QUEUE_LIMIT) or in mds.json ("queueLimit"): command line over environment over file.
            """,
            "mds serve --port 1234",
            "mds serve --listen 127.0.0.1:8888 --listen [::1]:8888 --queue-limit 16MiB",
            "MDS_LOG_LEVEL=debug mds serve --config /etc/mds.json");
        command.SetAction((arguments, _) => RunAsync(options.Read(arguments)));
        return command;
    }

    private static async Task<int> RunAsync(SettingsLoader loader)
    {
        using var dropQueued = new CancellationTokenSource();
        using var signals = new ServeSignals();
        var loaded = loader.Load();
        var settings = loaded.Settings;
        var sockets = Supervisor.PassedSockets();
        var auth = settings.Auth.Load();
        var (tls, fingerprint) = CertificateReloading.Load(settings.Tls);
        using var audit = AuditLog.Start(settings.AuditLog, TimeProvider.System);
        var logs = new LineLoggerProvider(settings.LogLevel, LogReload.Format(settings.LogFormat), new LogWriter(Console.Error), TimeProvider.System);
        using var host = BuildHost(
            settings, settings.Hub with { Audit = audit, ListeningSockets = sockets, Authenticator = auth.Authenticator, Tls = tls }, logs);
        var logger = host.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Serve");
        audit.Logger = logger;
        TellOfStart(logger, loaded, auth, sockets.Count);
        using var supervisor = Supervisor.FromEnvironment(logger);
        var hub = host.Services.GetRequiredService<MessageHub>();
        // Whatever of the hub can change while it runs has its place in this list.
        await using var certificates = new CertificateReloading(settings.Tls, fingerprint, hub, logger);
        var reload = new HubReload(
            loader, loaded, [new LogReload(logs), audit, new AuthReload(hub, settings.Auth.Mode, auth.Fingerprint), certificates], logger);
        var lifetime = host.Services.GetRequiredService<IHostApplicationLifetime>();
        signals.OnStop(Stop);
        try
        {
            await host.StartAsync();
        }
        catch (SocketException exception)
        {
            throw new CommandException(ExitCode.CannotListen, $"cannot listen on {string.Join(" or ", settings.Hub.Listen)}: {exception.Message}");
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // Told to stop before it listened.
            await host.StopAsync(dropQueued.Token);
            return (int)ExitCode.Ok;
        }

        foreach (var endpoint in hub.Endpoints)
        {
            Console.Out.WriteLine($"listening on {endpoint}");
        }

        certificates.Start();
        supervisor.Ready(Status());
        supervisor.Watch(hub);
        signals.OnReload(Reload);
        await Task.Delay(Timeout.Infinite, lifetime.ApplicationStopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        supervisor.Stopping();
        await host.StopAsync(dropQueued.Token);
        if (hub.Completion.Exception is { } defect)
        {
            throw new CommandException(ExitCode.Defect, $"the hub failed: {defect.GetBaseException().Message}; the log has the details");
        }

        return (int)ExitCode.Ok;

        void Stop()
        {
            if (lifetime.ApplicationStopping.IsCancellationRequested)
            {
                dropQueued.Cancel();
            }

            lifetime.StopApplication();
        }

        void Reload()
        {
            supervisor.Reloading();
            if (!reload.Reload())
            {
                // The file may have been rotated all the same.
                audit.Reopen();
            }

            supervisor.Ready(Status());
        }

        string Status() => $"listening on {string.Join(", ", hub.Endpoints)}";
    }

    private static void TellOfStart(ILogger logger, LoadedSettings loaded, LoadedAuthenticator auth, int sockets)
    {
        if (loaded.ServiceLinks.Count > 0)
        {
            logger.ServiceLinksIgnored(OneLine.Of(string.Join(", ", loaded.ServiceLinks)));
        }

        foreach (string skipped in auth.Skipped)
        {
            logger.KeySkipped(OneLine.Of(skipped));
        }

        if (sockets > 0)
        {
            logger.SocketsPassed(sockets);
        }
    }

    private static IHost BuildHost(ServeSettings settings, MessageHubOptions options, LineLoggerProvider logs)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new() { DisableDefaults = true, ApplicationName = "mds" });
        // The provider decides, whose level may change.
        builder.Logging.SetMinimumLevel(LogLevel.Trace);
        // A hub that cannot start is told in one line, by us.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        builder.Services.AddSingleton<ILoggerProvider>(_ => logs);
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = settings.Hub.DrainTimeout + StopMargin);
        builder.Services.AddMessageHub(_ => options);
        return builder.Build();
    }

    /// <summary>Signals are this verb's own matter: the second one means something else than the first.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
