using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Limits;

/// <summary>
/// How many connections there are, in all and of each address, and how many more that are being told why they cannot be had. A place is
/// taken until its descriptor is closed. One whose conversation has ended keeps it only as long as nobody else wants it: who comes and
/// finds none gets the place of one that is closing, which is then closed at once. So nobody is refused for the sake of those who have
/// left and keep their sockets, and they never have more descriptors than the limits allow. Any thread.
/// </summary>
/// <param name="most">Connections in all.</param>
/// <param name="maxRefused">Connections beyond that, while they are refused.</param>
internal sealed class ConnectionPlaces(int most, int maxRefused = 0)
{
    /// <summary>
    /// Connections that were asked to give way and whose descriptors are not closed yet. They are no longer counted, and their loops close
    /// them within a turn; while there are as many, nobody is accepted.
    /// </summary>
    public const int MaxGivingWay = 16;

    private readonly Lock _lock = new();
    private readonly PlaceGroup _all = new(most);
    private readonly PlaceGroup _refused = new(maxRefused);
    private readonly Dictionary<NetworkAddress, PlaceGroup> _addresses = [];
    private int _givingWay;

    public int Most => most;

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

    /// <summary>A place for a connection whose address is not counted; null if all are taken.</summary>
    public IDescriptorPlace? TryTake() => TryTake(default, 0, out _);

    /// <summary>A place for a connection; null if there is none.</summary>
    /// <param name="address">Whose it is.</param>
    /// <param name="maxOfAddress">Connections that this address may have; 0 is no limit.</param>
    /// <param name="isOfAddress">If there is none, whether it is the address that has as many as it may, and not the hub.</param>
    public IDescriptorPlace? TryTake(NetworkAddress address, int maxOfAddress, out bool isOfAddress)
    {
        DescriptorPlace? place, asked;
        Connection? asks;
        lock (_lock)
        {
            PlaceGroup? ofAddress = null;
            if (maxOfAddress > 0 && !_addresses.TryGetValue(address, out ofAddress))
            {
                ofAddress = new(maxOfAddress) { Address = address };
            }

            isOfAddress = ofAddress is { IsFull: true };
            asked = isOfAddress ? ofAddress!.FirstToYield : _all.IsFull ? _all.FirstToYield : null;
            if (asked is null && (isOfAddress || _all.IsFull))
            {
                isOfAddress = !(_all.IsFull && _all.FirstToYield is null);
                return null;
            }

            place = new(this, _all, ofAddress);
            asks = Ask(asked);
            Count(place);
        }

        asks?.Post(ConnectionWork.GiveWay);
        return place;
    }

    /// <summary>A place to be told why there is none; null if as many are being told as may be.</summary>
    public IDescriptorPlace? TryTakeToRefuse()
    {
        DescriptorPlace place;
        Connection? asks;
        lock (_lock)
        {
            var asked = _refused.IsFull ? _refused.FirstToYield : null;
            if (asked is null && _refused.IsFull)
            {
                return null;
            }

            place = new(this, _refused, null);
            asks = Ask(asked);
            Count(place);
        }

        asks?.Post(ConnectionWork.GiveWay);
        return place;
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

    internal void Yield(DescriptorPlace place, Connection connection, bool isAllSent)
    {
        lock (_lock)
        {
            if (place.WasAsked)
            {
                return;
            }

            if (place.Yielding is not null)
            {
                RemoveYielding(place);
            }

            (place.Yielding, place.IsAllSent) = (connection, isAllSent);
            place.First.AddYielding(place);
            place.Second?.AddYielding(place);
        }
    }

    internal void Leave(DescriptorPlace place)
    {
        lock (_lock)
        {
            if (place.WasAsked)
            {
                _givingWay--;
                return;
            }

            if (place.Yielding is not null)
            {
                RemoveYielding(place);
            }

            Discount(place);
        }
    }

    /// <summary>Takes somebody's place away; the caller tells it, outside the lock.</summary>
    private Connection? Ask(DescriptorPlace? place)
    {
        if (place is null)
        {
            return null;
        }

        var connection = place.Yielding;
        RemoveYielding(place);
        Discount(place);
        place.WasAsked = true;
        _givingWay++;
        return connection;
    }

    private static void RemoveYielding(DescriptorPlace place)
    {
        place.First.RemoveYielding(place);
        place.Second?.RemoveYielding(place);
        place.Yielding = null;
    }

    private void Count(DescriptorPlace place)
    {
        place.First.Taken++;
        if (place.Second is { } ofAddress && ++ofAddress.Taken == 1)
        {
            _addresses[ofAddress.Address] = ofAddress;
        }
    }

    private void Discount(DescriptorPlace place)
    {
        place.First.Taken--;
        if (place.Second is { } ofAddress && --ofAddress.Taken == 0)
        {
            _addresses.Remove(ofAddress.Address);
        }
    }
}
