using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Protocols.Binary;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Resuming;

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
