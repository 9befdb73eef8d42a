using System.CommandLine;
using System.Net.Sockets;
using MessageDelivery.Cli.Logging;
using MessageDelivery.Cli.Operations;
using MessageDelivery.Cli.Settings;
using MessageDelivery.Cli.Terminal;
using MessageDelivery.Cli.Tls;
using MessageDelivery.Hub;
using MessageDelivery.Web;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Cli.Verbs;

/// <summary><c>mds serve</c>: runs a hub until it is told to stop.</summary>
internal static class ServeCommand
{
    /// <summary>How long beyond the drain timeout what is queued is waited for, before it is dropped.</summary>
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
        var admins = settings.Web.LoadAdmins();
        var (tls, fingerprint) = CertificateReloading.Load(settings.Tls);
        // Ended last: what of the audit could not be written at the end is told in it.
        using var logs = new LineLoggerFactory(settings.LogLevel, LogReload.Format(settings.LogFormat), new LogWriter(Console.Error), TimeProvider.System);
        using var audit = AuditLog.Start(settings.AuditLog, TimeProvider.System);
        var logger = logs.CreateLogger("Serve");
        audit.Logger = logger;
        TellOfStart(logger, loaded, auth, sockets.Count);
        using var supervisor = Supervisor.FromEnvironment(logger);
        MessageHub? served = null;
        await using var web = new HubWebServer(() => served!, new() { Metrics = settings.Web.Metrics, Admins = admins.Authenticator }, logs);
        var http = settings.Hub.Http.With();
        http.Server = web;
        await using var hub = served = new MessageHub(
            settings.Hub with
            {
                Audit = audit,
                ListeningSockets = sockets,
                Authenticator = auth.Authenticator,
                Tls = tls,
                Http = http,
            },
            logs);
        // Whatever of the hub can change while it runs has its place in this list.
        await using var certificates = new CertificateReloading(settings.Tls, fingerprint, hub, logger);
        var reload = new HubReload(
            loader, loaded, [new LogReload(logs), audit, new AuthReload(hub, settings.Auth.Mode, auth.Fingerprint), new AdminReload(web, admins.Fingerprint), certificates], logger);
        var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        signals.OnStop(Stop);
        if (stop.Task.IsCompleted)
        {
            // Told to stop before it listened.
            return (int)ExitCode.Ok;
        }

        try
        {
            await hub.StartAsync();
        }
        catch (SocketException exception)
        {
            throw new CommandException(ExitCode.CannotListen, $"cannot listen on {string.Join(" or ", settings.Hub.Listen)}: {exception.Message}");
        }

        foreach (var endpoint in hub.Endpoints)
        {
            Console.Out.WriteLine($"listening on {endpoint}");
        }

        certificates.Start();
        supervisor.Ready(Status());
        supervisor.Watch(hub);
        signals.OnReload(Reload);
        await Task.WhenAny(stop.Task, hub.Completion);
        stop.TrySetResult();
        supervisor.Stopping();
        dropQueued.CancelAfter(settings.Hub.DrainTimeout + StopMargin);
        await hub.StopAsync(dropQueued.Token);
        if (hub.Completion.Exception is { } defect)
        {
            throw new CommandException(ExitCode.Defect, $"the hub failed: {defect.GetBaseException().Message}; the log has the details");
        }

        return (int)ExitCode.Ok;

        void Stop()
        {
            if (stop.TrySetResult())
            {
                return;
            }

            try
            {
                dropQueued.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // The signal came when everything was over.
            }
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
}
