using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Limits;

/// <summary>
/// How many connections there may be, in all and of each address, and how many more that are being told why they are refused. A slot is
/// taken until the connection's descriptor is closed. If none is free, a new connection gets the slot of one that is closing, which is then
/// closed at once. So nobody is refused because of connections that have ended and keep their sockets, and the number of descriptors stays
/// within the limits all the same. Any thread.
/// </summary>
internal sealed class ConnectionQuota
{
    /// <summary>
    /// Connections that were asked to give way and whose descriptors are not closed yet. They are no longer counted, and their loops close
    /// them within a turn; while there are as many, nobody is accepted.
    /// </summary>
    public const int MaxGivingWay = 16;

    private readonly Lock _lock = new();
    private readonly SlotGroup _all;
    private readonly SlotGroup _refused;
    private readonly Dictionary<NetworkAddress, SlotGroup> _addresses = [];
    private int _givingWay;

    /// <param name="max">Connections in all.</param>
    /// <param name="maxRefused">Connections beyond that, while they are refused.</param>
    public ConnectionQuota(int max, int maxRefused = 0)
    {
        Max = max;
        _all = new(this, max);
        _refused = new(this, maxRefused);
    }

    public int Max { get; }

    /// <summary>Connections that have a descriptor, without those that are being refused.</summary>
    public int Taken
    {
        get
        {
            lock (_lock)
            {
                return _all.Taken;
            }
        }
    }

    /// <summary>Addresses that have connections.</summary>
    public int Addresses
    {
        get
        {
            lock (_lock)
            {
                return _addresses.Count;
            }
        }
    }

    /// <summary>Whether a descriptor may be taken: not while as many as may be are still to be given back.</summary>
    public bool MayAccept => Volatile.Read(ref _givingWay) < MaxGivingWay;

    /// <summary>A slot for a connection whose address is not counted; null if all are taken.</summary>
    public IConnectionSlot? TryTake() => TryTake(default, 0, out _);

    /// <summary>A slot for a connection; null if there is none.</summary>
    /// <param name="address">Whose it is.</param>
    /// <param name="maxOfAddress">Connections that this address may have; 0 is no limit.</param>
    /// <param name="isOfAddress">If there is none, whether it is the address that has as many as it may, and not the hub.</param>
    public IConnectionSlot? TryTake(NetworkAddress address, int maxOfAddress, out bool isOfAddress)
    {
        ConnectionSlot? slot, asked;
        Connection? asks;
        lock (_lock)
        {
            var ofAddress = maxOfAddress > 0 ? OfAddress(address, maxOfAddress) : null;
            isOfAddress = ofAddress is { IsFull: true };
            asked = isOfAddress ? ofAddress!.FirstToYield : _all.IsFull ? _all.FirstToYield : null;
            if (asked is null && (isOfAddress || _all.IsFull))
            {
                isOfAddress = !(_all.IsFull && _all.FirstToYield is null);
                return null;
            }

            slot = new(ofAddress ?? _all);
            asks = Ask(asked);
            Count(slot);
        }

        asks?.Post(ConnectionWork.GiveWay);
        return slot;
    }

    /// <summary>
    /// Counts a slot that was taken for no address among those of one, if it is that of a connection in conversation. False if the address has as
    /// many as it may.
    /// </summary>
    public bool TryCount(ConnectionSlot slot, NetworkAddress address, int maxOfAddress)
    {
        Connection? asks;
        lock (_lock)
        {
            var ofAddress = OfAddress(address, maxOfAddress);
            if (!ReferenceEquals(slot.Group, _all) || slot.Yielding is not null)
            {
                return true;
            }

            var asked = ofAddress.IsFull ? ofAddress.FirstToYield : null;
            if (asked is null && ofAddress.IsFull)
            {
                return false;
            }

            asks = Ask(asked);
            Discount(slot);
            slot.Group = ofAddress;
            Count(slot);
        }

        asks?.Post(ConnectionWork.GiveWay);
        return true;
    }

    /// <summary>A slot to be told why there is none; null if as many are being told as may be.</summary>
    public IConnectionSlot? TryTakeToRefuse()
    {
        ConnectionSlot slot;
        Connection? asks;
        lock (_lock)
        {
            var asked = _refused.IsFull ? _refused.FirstToYield : null;
            if (asked is null && _refused.IsFull)
            {
                return null;
            }

            slot = new(_refused);
            asks = Ask(asked);
            Count(slot);
        }

        asks?.Post(ConnectionWork.GiveWay);
        return slot;
    }

    /// <summary>The process has no descriptor left: one is given back soon, if there is a connection that is closing. False if there is none.</summary>
    public bool TryMakeRoom()
    {
        Connection? asks;
        lock (_lock)
        {
            if (_givingWay > 0)
            {
                return true;
            }

            asks = Ask(_refused.FirstToYield ?? _all.FirstToYield);
        }

        asks?.Post(ConnectionWork.GiveWay);
        return asks is not null;
    }

    internal void Yield(ConnectionSlot slot, Connection connection, bool isAllSent)
    {
        lock (_lock)
        {
            if (slot.WasAsked)
            {
                return;
            }

            RemoveYielding(slot);
            slot.Yielding ??= new(slot, connection);
            slot.Yielding.IsAllSent = isAllSent;
            slot.Group.AddYielding(slot.Yielding);
        }
    }

    internal void Release(ConnectionSlot slot)
    {
        lock (_lock)
        {
            if (slot.WasAsked)
            {
                _givingWay--;
                return;
            }

            RemoveYielding(slot);
            Discount(slot);
        }
    }

    /// <summary>Takes somebody's slot away; the caller tells it, outside the lock.</summary>
    private Connection? Ask(ConnectionSlot? slot)
    {
        if (slot is null)
        {
            return null;
        }

        RemoveYielding(slot);
        Discount(slot);
        slot.Yielding!.WasAsked = true;
        _givingWay++;
        return slot.Yielding.Connection;
    }

    private SlotGroup OfAddress(NetworkAddress address, int max) =>
        _addresses.TryGetValue(address, out var known) ? known : new(this, max) { Address = address, Wider = _all };

    private static void RemoveYielding(ConnectionSlot slot)
    {
        if (slot.Yielding is { } yielding)
        {
            slot.Group.RemoveYielding(yielding);
        }
    }

    private void Count(ConnectionSlot slot)
    {
        var group = slot.Group;
        group.Taken++;
        if (group.Wider is { } wider)
        {
            wider.Taken++;
            if (group.Taken == 1)
            {
                _addresses[group.Address] = group;
            }
        }
    }

    private void Discount(ConnectionSlot slot)
    {
        var group = slot.Group;
        group.Taken--;
        if (group.Wider is { } wider)
        {
            wider.Taken--;
            if (group.Taken == 0)
            {
                _addresses.Remove(group.Address);
            }
        }
    }
}
