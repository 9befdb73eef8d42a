using System.Net;

namespace MessageDelivery.Scenarios.Clients;

/// <summary>
/// The place of a receiver that never reads. When the hub has cut one, another takes its place, so many times; after that the
/// last one's id stays, which nobody has any more.
/// </summary>
internal sealed class DeafPlace(IPEndPoint hub, long maxCuts) : IDisposable
{
    private volatile TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public DeafReceiver Current { get; private set; } = new(hub);

    /// <summary>Those that were cut.</summary>
    public List<(TimeSpan Lasted, string Ending)> Cut { get; } = [];

    /// <summary>Ends when the last one was cut, or nobody sends any more.</summary>
    public async Task RunAsync(Func<bool> isOver)
    {
        while (await Current.WaitForEndAsync(isOver))
        {
            Cut.Add((Current.Lasted, Current.Ending));
            Report.Progress($"cut {Current.Lasted.TotalSeconds:0.0} s after the last accepted relay: {Current.Ending}");
            if (Cut.Count == maxCuts)
            {
                break;
            }

            Current.Dispose();
            Current = new(hub);
            var waited = _next;
            _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
            waited.SetResult();
        }

        _next.SetResult();
    }

    /// <summary>Ends when this one is no longer the current one, or there will be no other.</summary>
    public async Task WaitForOtherThanAsync(DeafReceiver receiver)
    {
        var next = _next;
        if (Current == receiver)
        {
            await next.Task;
        }
    }

    public void Dispose() => Current.Dispose();
}
