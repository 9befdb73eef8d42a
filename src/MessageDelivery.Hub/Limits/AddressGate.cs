using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Limits;

/// <summary>
/// Takes a connection's slot in the hub and among those of its address, or says why there is none. A trusted proxy's connections count for no
/// address until it is known whose they are. Any thread.
/// </summary>
/// <param name="isProxy">Whether an address is that of a trusted proxy.</param>
internal sealed class AddressGate(ConnectionQuota quota, AddressTable addresses, LimitLog limited, Func<PeerAddress, bool> isProxy)
{
    /// <summary>A slot for a connection that has come; null, and why, if there is none.</summary>
    public IConnectionSlot? TryTake(in PeerAddress peer, EventLoop loop, out Ending? refusal)
    {
        var address = new NetworkAddress(peer);
        bool isCounted = peer != default && !isProxy(peer);
        refusal = isCounted ? Rate(address, loop) : null;
        if (refusal is not null)
        {
            return null;
        }

        var slot = quota.TryTake(address, isCounted ? addresses.ShareOf(address).MaxConnections : 0, out bool isOfAddress);
        if (slot is null && isOfAddress)
        {
            refusal = Full(address, loop);
        }
        else if (slot is null)
        {
            limited.Count(LimitKind.Connections);
            refusal = Ending.OfAll(quota.Max);
        }

        return slot;
    }

    /// <summary>A trusted proxy says whose a connection is: from now on it counts for that address. Why it may not; null if it may.</summary>
    public Ending? Count(IConnectionSlot slot, in PeerAddress client, EventLoop loop)
    {
        var address = new NetworkAddress(client);
        if (Rate(address, loop) is { } refusal)
        {
            return refusal;
        }

        int max = addresses.ShareOf(address).MaxConnections;
        return max == 0 || quota.TryCount((ConnectionSlot)slot, address, max) ? null : Full(address, loop);
    }

    private Ending? Rate(NetworkAddress address, EventLoop loop)
    {
        if (addresses.IsInTime(address, loop.Now))
        {
            return null;
        }

        limited.Met(LimitKind.ConnectionRate, address, loop);
        return Ending.OfRate(address, addresses.ShareOf(address).PerSecond);
    }

    private Ending Full(NetworkAddress address, EventLoop loop)
    {
        limited.Met(LimitKind.ConnectionsPerAddress, address, loop);
        return Ending.OfAddress(address, addresses.ShareOf(address).MaxConnections);
    }
}
