using System.CommandLine;
using System.Runtime.InteropServices;
using MessageDelivery.Cli.Settings;
using MessageDelivery.Client;

namespace MessageDelivery.Cli.Verbs;

/// <summary>What the client verbs share: where the hub is, and a connection for as long as the verb runs.</summary>
internal static class HubAccess
{
    /// <summary>An option <c>--hub</c> for one verb.</summary>
    public static Option<string?> CreateOption() => new("--hub")
    {
        HelpName = "HOST:PORT",
        Description = $"The hub to talk to. Default: {SettingSource.HubVariable} from the environment, or 127.0.0.1:{HubClientOptions.DefaultPort}.",
    };

    /// <summary>
    /// Runs a verb on a connection of its own, whose loss is the end unless it is configured otherwise. Ctrl-C and SIGTERM cancel
    /// the verb's token.
    /// </summary>
    /// <param name="hub">Where the hub is, by <see cref="Read"/>.</param>
    /// <param name="configure">Changes how the client behaves.</param>
    /// <param name="verb">What to do with the client.</param>
    public static Task<int> RunAsync(
        HubClientOptions hub, Func<HubClientOptions, HubClientOptions> configure, Func<HubClient, CancellationToken, Task<ExitCode>> verb) =>
        RunAsync(hub, async (options, cancellationToken) =>
        {
            await using var client = await HubClient.ConnectAsync(configure(options), cancellationToken).ConfigureAwait(false);
            return await verb(client, cancellationToken).ConfigureAwait(false);
        });

    /// <summary>Runs a verb that makes its own connections. Ctrl-C and SIGTERM cancel its token.</summary>
    /// <param name="hub">Where the hub is, by <see cref="Read"/>.</param>
    /// <param name="verb">What to do, given where the hub is.</param>
    public static async Task<int> RunAsync(HubClientOptions hub, Func<HubClientOptions, CancellationToken, Task<ExitCode>> verb)
    {
        using var interrupted = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
        return (int)await verb(hub, interrupted.Token).ConfigureAwait(false);

        void Interrupt(PosixSignalContext context)
        {
            // The first is for the verb to end in order; a second one ends the process at once.
            context.Cancel = !interrupted.IsCancellationRequested;
            interrupted.Cancel();
        }
    }

    /// <summary>Where the hub is, and how it is spoken to.</summary>
    /// <param name="hub">The verb's option.</param>
    public static HubClientOptions Read(ParseResult arguments, Option<string?> hub) =>
        Parse(arguments.GetValue(hub)) with { Tls = TlsAccess.Read(arguments) };

    private static HubClientOptions Parse(string? hub)
    {
        string source = "--hub";
        if (hub is null)
        {
            (hub, source) = (Environment.GetEnvironmentVariable(SettingSource.HubVariable), SettingSource.HubVariable);
        }

        try
        {
            return (hub is null ? new() : HubClientOptions.Parse(hub)) with { Reconnect = null };
        }
        catch (FormatException exception)
        {
            throw new CommandException(ExitCode.Usage, $"hub (from {source}): {exception.Message}");
        }
    }
}
