using MessageDelivery.Torture.Faults;
using MessageDelivery.Torture.Processes;

namespace MessageDelivery.Torture.Running;

/// <summary>Stops the hub's process again and again, and lets it go on.</summary>
internal sealed class HubStops(int processId, FaultCounts faults, int seed)
{
    private readonly Random _random = new(seed);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(FaultTable.HubStopPause.Draw(_random), cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!cancellationToken.IsCancellationRequested)
            {
                Signals.SendStop(processId);
                faults.Add(FaultKind.HubStopped);
                await Task.Delay(FaultTable.HubStopLength.Draw(_random), CancellationToken.None);
                Signals.SendContinue(processId);
            }
        }
    }
}
