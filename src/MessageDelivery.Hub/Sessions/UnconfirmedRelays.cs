using MessageDelivery.Hub.Routing;

namespace MessageDelivery.Hub.Sessions;

/// <summary>How many receivers' acknowledgements a sender waits for: bounded, so that what the hub keeps for it is.</summary>
internal sealed class UnconfirmedRelays
{
    /// <summary>Receivers of relays that are not confirmed; at or above it the sender is made to wait.</summary>
    public const int MostReceivers = 4_096;

    private int _receivers;
    private bool _isAwaited;

    /// <summary>Whether one more relay has to wait until some are confirmed.</summary>
    public bool MustWait => _isAwaited = _receivers >= MostReceivers;

    public void Add(Confirmation confirmation) => _receivers += confirmation.ReceiverCount;

    /// <summary>One is confirmed. True if the sender waited for that.</summary>
    public bool Remove(Confirmation confirmation)
    {
        _receivers -= confirmation.ReceiverCount;
        bool wasAwaited = _isAwaited && _receivers < MostReceivers;
        _isAwaited &= !wasAwaited;
        return wasAwaited;
    }
}
