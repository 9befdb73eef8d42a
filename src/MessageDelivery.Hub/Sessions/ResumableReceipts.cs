using MessageDelivery.Hub.Routing;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Sessions;

/// <summary>Where a resumable session's receipts of CONFIRM go: to its queue, whichever connection that has. Any thread.</summary>
internal sealed class ResumableReceipts(ResumableSession session) : IConfirmationOwner
{
    /// <inheritdoc/>
    public void Confirmed(ulong correlation, ReadOnlySpan<Outcome> outcomes, IOutlet outlet)
    {
        if (session.Queue.SendReceipt(outlet, correlation, outcomes) == QueueResult.Overflowed)
        {
            session.Overflowed();
        }
    }

    /// <inheritdoc/>
    public void GoOn() => session.Resume();

    /// <inheritdoc/>
    public void Failed(Exception exception) => session.Fail(exception);
}
