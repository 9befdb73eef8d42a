using System.CommandLine;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using MessageDelivery.Cli.Logging;
using MessageDelivery.Cli.Settings;
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
        var configuration = new Option<string?>("--config")
        {
            HelpName = "FILE",
            Description = $"Read settings from this json file. Default: {SettingSource.DefaultFile} in the working directory, if there is one.",
        };
        var options = HubSettings.All.ToDictionary(setting => setting, OptionFor);
        var command = new Command("serve", "Run a hub.") { configuration };
        foreach (var option in options.Values)
        {
            command.Add(option);
        }

        CommandHelp.Add(
            command,
            """
            Prints "listening on ADDRESS:PORT" when it is ready, logs to stderr, and stops on SIGTERM or Ctrl-C (a second one
            drops what is still queued). Each option can also be set by an environment variable (--queue-limit is
            MDS_QUEUE_LIMIT) or in mds.json ("queueLimit"): command line over environment over file.
            """,
            "mds serve --port 1234",
            "mds serve --listen 127.0.0.1:8888 --listen [::1]:8888 --queue-limit 16MiB",
            "MDS_LOG_LEVEL=debug mds serve --config /etc/mds.json");
        command.SetAction((arguments, _) => RunAsync(Collect(arguments, configuration, options)));
        return command;
    }

    private static Option OptionFor(Setting setting)
    {
        Option option = setting.IsList
            ? new Option<string[]>(setting.OptionName) { Arity = ArgumentArity.OneOrMore }
            : new Option<string>(setting.OptionName) { Arity = setting.IsSwitch ? ArgumentArity.ZeroOrOne : ArgumentArity.ExactlyOne };
        option.HelpName = setting.ValueName;
        option.Description = $"{setting.Help} Default: {setting.Default}.";
        return option;
    }

    private static ServeSettings Collect(
        ParseResult arguments, Option<string?> configuration, Dictionary<Setting, Option> options)
    {
        var commandLine = new SettingSource(setting => setting.OptionName);
        foreach (var (setting, option) in options)
        {
            if (arguments.GetResult(option) is { Implicit: false } result)
            {
                string[] values = [.. result.Tokens.Select(token => token.Value)];
                commandLine.Add(setting, values.Length == 0 && setting.IsSwitch ? ["true"] : values);
            }
        }

        string? file = arguments.GetValue(configuration) ?? Environment.GetEnvironmentVariable(SettingSource.ConfigVariable);
        file ??= File.Exists(SettingSource.DefaultFile) ? SettingSource.DefaultFile : null;
        var settings = new ServeSettings();
        settings = file is null ? settings : SettingSource.FromJson(file).Apply(settings);
        settings = SettingSource.FromEnvironment(Environment.GetEnvironmentVariables()).Apply(settings);
        settings = commandLine.Apply(settings);
        settings.CheckTogether();
        return settings;
    }

    private static async Task<int> RunAsync(ServeSettings settings)
    {
        if (CertificateReloading.Load(settings.Tls) is { } tls)
        {
            settings = settings with { Hub = settings.Hub with { Tls = tls } };
        }

        using var host = BuildHost(settings);
        var hub = host.Services.GetRequiredService<MessageHub>();
        var lifetime = host.Services.GetRequiredService<IHostApplicationLifetime>();
        using var dropQueued = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

        try
        {
            await host.StartAsync().ConfigureAwait(false);
        }
        catch (SocketException exception)
        {
            throw new CommandException(ExitCode.CannotListen, $"cannot listen on {string.Join(" or ", settings.Hub.Listen)}: {exception.Message}");
        }

        await using var certificates = WatchCertificates(settings, hub, host);
        foreach (var endpoint in hub.Endpoints)
        {
            Console.Out.WriteLine($"listening on {endpoint}");
        }

        await WaitAsync(lifetime.ApplicationStopping).ConfigureAwait(false);
        await host.StopAsync(dropQueued.Token).ConfigureAwait(false);
        if (hub.Completion.Exception is { } defect)
        {
            throw new CommandException(ExitCode.Defect, $"the hub failed: {defect.GetBaseException().Message}; the log has the details");
        }

        return (int)ExitCode.Ok;

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            if (lifetime.ApplicationStopping.IsCancellationRequested)
            {
                dropQueued.Cancel();
            }

            lifetime.StopApplication();
        }
    }

    private static CertificateReloading? WatchCertificates(ServeSettings settings, MessageHub hub, IHost host)
    {
        if (settings.Hub.Tls.Certificates is not { } certificates)
        {
            return null;
        }

        var logger = host.Services.GetRequiredService<ILoggerFactory>().CreateLogger(nameof(CertificateReloading));
        CertificateReloading.Describe(settings.Tls, certificates.Certificate, logger);
        return new(settings.Tls, hub.UseCertificates, logger);
    }

    private static IHost BuildHost(ServeSettings settings)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new() { DisableDefaults = true, ApplicationName = "mds" });
        builder.Logging.SetMinimumLevel(settings.LogLevel);
        // A hub that cannot start is told in one line, by us.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        builder.Services.AddSingleton<ILoggerProvider>(_ => new LineLoggerProvider(
            settings.LogLevel,
            settings.LogFormat == LogFormat.Json ? new JsonLineFormat() : new TextLineFormat(),
            new LogWriter(Console.Error),
            TimeProvider.System));
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = settings.Hub.DrainTimeout + StopMargin);
        builder.Services.AddMessageHub(_ => settings.Hub);
        return builder.Build();
    }

    private static async Task WaitAsync(CancellationToken token)
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (token.Register(cancelled.SetResult).ConfigureAwait(false))
        {
            await cancelled.Task.ConfigureAwait(false);
        }
    }

    /// <summary>Signals are this verb's own matter: the second one means something else than the first.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
