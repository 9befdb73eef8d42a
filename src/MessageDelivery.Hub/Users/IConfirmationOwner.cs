using MessageDelivery.Hub.Loop;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Users;

/// <summary>Whose relays are confirmed. Any thread.</summary>
internal interface IConfirmationOwner
{
    /// <summary>All that will be known of a relay is known: sends its receipt.</summary>
    void Confirmed(ulong correlation, ReadOnlySpan<Outcome> outcomes, IOutlet outlet);

    /// <summary>Fewer relays wait than may, and it was made to wait for that.</summary>
    void GoOn();

    /// <summary>A receipt could not be queued: the sender fails, and not the receiver that has acknowledged.</summary>
    void Failed(Exception exception);
}
