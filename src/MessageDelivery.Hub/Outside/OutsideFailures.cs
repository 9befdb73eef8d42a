using Microsoft.Extensions.Logging;

namespace MessageDelivery.Hub.Outside;

/// <summary>Tells the log what has failed of what the hub was given: of each kind of call one line a second, with how many failed since. Never throws. Any thread.</summary>
internal sealed class OutsideFailures(ILogger logger)
{
    private readonly LogThrottle[] _throttles = new LogThrottle[Enum.GetValues<OutsideCall>().Length];
    private readonly long[] _count = new long[Enum.GetValues<OutsideCall>().Length];

    /// <summary>A call has thrown.</summary>
    public void Failed(OutsideCall call, Exception exception) => Note(call, exception.GetType().Name);

    /// <summary>A call was not made, since those before it have not returned.</summary>
    public void Lost(OutsideCall call) => Note(call, "calls that do not return");

    /// <summary>Makes a call, whatever becomes of it.</summary>
    public void Try(OutsideCall call, Action action)
    {
        try
        {
            action();
        }
        catch (Exception exception)
        {
            Failed(call, exception);
        }
    }

    private void Note(OutsideCall call, string how)
    {
        Interlocked.Increment(ref _count[(int)call]);
        // The machine's clock: the embedder's may be what fails.
        if (_throttles[(int)call].TryPass(Environment.TickCount64))
        {
            logger.OutsideFailed(call, how, Interlocked.Exchange(ref _count[(int)call], 0));
        }
    }
}
