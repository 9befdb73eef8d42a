using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub;

/// <content>Who of those that connect is let in.</content>
public sealed partial class MessageHub
{
    private LimitLog? _limited;
    private AddressTable? _addresses;

    bool IListenerEvents.MayAccept => _places.MayAccept;

    bool IListenerEvents.TryMakeRoom() => _places.TryMakeRoom();

    /// <summary>A place for a connection, in the hub and among those of its address; or why there is none. The accepting loop's thread.</summary>
    private IDescriptorPlace? TryAdmit(in PeerAddress peer, out Ending? refusal)
    {
        var loop = _loops[0];
        refusal = null;
        var address = new NetworkAddress(peer);
        if (!_addresses!.IsInTime(address, loop.Now))
        {
            _limited!.Met(LimitKind.ConnectionRate, address, loop);
            refusal = Ending.OfRate(address, _addresses.ShareOf(address).PerSecond);
            return null;
        }

        int maxOfAddress = _addresses.ShareOf(address).Most;
        if (_places.TryTake(address, maxOfAddress, out bool isOfAddress) is { } place)
        {
            return place;
        }

        if (isOfAddress)
        {
            _limited!.Met(LimitKind.ConnectionsPerAddress, address, loop);
            refusal = Ending.OfAddress(address, maxOfAddress);
        }
        else
        {
            LimitLog.Count(LimitKind.Connections, loop);
            refusal = Ending.OfAll(_places.Most);
        }

        return null;
    }

    /// <summary>What was said counts for all; what was not, for those who come from elsewhere.</summary>
    private AddressTable CreateAddressTable()
    {
        var limits = Options.Limits;
        return new(
            new(limits.MaxConnectionsPerAddress ?? Math.Max(HubLimits.MinPerAddress, _places.Most / 4),
                limits.ConnectionsPerSecond ?? HubLimits.DefaultConnectionsPerSecond),
            new(limits.MaxConnectionsPerAddress ?? 0, limits.ConnectionsPerSecond ?? 0));
    }

    /// <summary>Closes without a word: those who are being told are enough.</summary>
    private void TurnAway(in PeerAddress peer, Ending refusal)
    {
        if (refusal.Reason == CloseReason.TooManyConnections)
        {
            ((IListenerEvents)this).TurnedAway(peer);
        }
        else
        {
            NoteTurnedAway(peer, refusal.Reason);
        }
    }

    private void NoteTurnedAway(in PeerAddress peer, CloseReason reason)
    {
        _sessions!.Audit.TurnedAway(peer, reason);
        _loops[0].Counters.Disconnects[(int)reason]++;
    }
}
