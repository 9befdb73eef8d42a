using System.Runtime.InteropServices;
using MessageDelivery.Client;

namespace MessageDelivery.Cli.Verbs;

/// <summary>What the client verbs share: a connection for as long as the verb runs.</summary>
internal static class HubAccess
{
    /// <summary>
    /// Runs a verb on a connection of its own, whose loss is the end unless it is configured otherwise. Ctrl-C and SIGTERM cancel
    /// the verb's token.
    /// </summary>
    /// <param name="hub">Where the hub is, and who one is.</param>
    /// <param name="configure">Changes how the client behaves.</param>
    /// <param name="verb">What to do with the client.</param>
    public static Task<int> RunAsync(
        HubClientOptions hub, Func<HubClientOptions, HubClientOptions> configure, Func<HubClient, CancellationToken, Task<ExitCode>> verb) =>
        RunAsync(hub, async (options, cancellationToken) =>
        {
            await using var client = await HubClient.ConnectAsync(configure(options), cancellationToken);
            return await verb(client, cancellationToken);
        });

    /// <summary>Runs a verb that makes its own connections. Ctrl-C and SIGTERM cancel its token.</summary>
    /// <param name="hub">Where the hub is, and who one is.</param>
    /// <param name="verb">What to do, given where the hub is.</param>
    public static async Task<int> RunAsync(HubClientOptions hub, Func<HubClientOptions, CancellationToken, Task<ExitCode>> verb)
    {
        using var interrupted = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
        return (int)await verb(hub, interrupted.Token);

        void Interrupt(PosixSignalContext context)
        {
            // The first is for the verb to end in order; a second one ends the process at once.
            context.Cancel = !interrupted.IsCancellationRequested;
            interrupted.Cancel();
        }
    }
}
