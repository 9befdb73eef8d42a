using MessageDelivery.Hub.Loop;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Users;

/// <summary>A receipt on its way out of the lock.</summary>
internal readonly record struct ConfirmedReceipt(IConfirmationOwner? Owner, ulong Correlation, int Receivers, bool GoesOn)
{
    public void Send(IOutlet outlet, ReadOnlySpan<Outcome> known)
    {
        try
        {
            Owner?.Confirmed(Correlation, known[..Receivers], outlet);
        }
        catch (Exception exception)
        {
            Owner!.Failed(exception);
        }

        if (GoesOn)
        {
            Owner?.GoOn();
        }
    }
}
