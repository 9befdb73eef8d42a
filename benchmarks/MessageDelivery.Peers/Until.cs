namespace MessageDelivery.Peers;

internal static class Until
{
    /// <summary>Completes when the program is told to stop.</summary>
    public static async Task StoppedAsync(CancellationToken stop) =>
        await Task.Delay(Timeout.Infinite, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
