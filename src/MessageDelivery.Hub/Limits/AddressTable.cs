using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Limits;

/// <summary>
/// How many connections each address has, and how fast they come. Its memory is bounded whoever comes: it knows the addresses that have
/// connections, of which there are no more than those, and the pace of all others by a table of fixed size.
/// </summary>
/// <remarks>
/// In that table addresses that fall on one place share it. Where they fall is salted anew in each process, so that nobody can choose
/// to share with somebody else, and only thousands of networks that all come at the limit could slow down others.
/// </remarks>
/// <param name="others">What each address may do that is not loopback.</param>
/// <param name="loopback">What loopback may do.</param>
internal sealed class AddressTable(AddressShare others, AddressShare loopback)
{
    private const int Places = 1 << 15;
    private const long SecondMicroseconds = 1_000_000;

    private readonly Dictionary<NetworkAddress, int> _open = [];
    private readonly Lock _lock = new();

    // For each place when its next connection would be in time, in microseconds; a second ahead is the most.
    private long[]? _due;

    /// <summary>Addresses that have connections.</summary>
    public int Addresses
    {
        get
        {
            lock (_lock)
            {
                return _open.Count;
            }
        }
    }

    /// <summary>What an address may do.</summary>
    public AddressShare ShareOf(NetworkAddress address) => address.IsLoopback ? loopback : others;

    /// <summary>One more connection has come. False if they come too fast. The accepting thread.</summary>
    public bool IsInTime(NetworkAddress address, long nowMilliseconds)
    {
        int perSecond = ShareOf(address).PerSecond;
        if (perSecond == 0)
        {
            return true;
        }

        _due ??= new long[Places];
        ref long due = ref _due[address.GetHashCode() & (Places - 1)];
        long now = nowMilliseconds * 1_000;
        long step = SecondMicroseconds / perSecond;
        if (due - now > SecondMicroseconds - step)
        {
            return false;
        }

        due = Math.Max(due, now) + step;
        return true;
    }

    /// <summary>A place among the connections of an address; null if it has as many as it may. Any thread.</summary>
    /// <param name="inner">The connection's place in the hub, which is left with it.</param>
    public IPlace? TryEnter(NetworkAddress address, IPlace inner)
    {
        int most = ShareOf(address).Most;
        if (most == 0)
        {
            return inner;
        }

        lock (_lock)
        {
            ref int open = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_open, address, out _);
            if (open >= most)
            {
                return null;
            }

            open++;
            return new AddressPlace(this, address, inner);
        }
    }

    private void Leave(NetworkAddress address)
    {
        lock (_lock)
        {
            if (_open[address] == 1)
            {
                _open.Remove(address);
            }
            else
            {
                _open[address]--;
            }
        }
    }

    private sealed class AddressPlace(AddressTable table, NetworkAddress address, IPlace inner) : IPlace
    {
        public void Leave()
        {
            table.Leave(address);
            inner.Leave();
        }
    }
}

/// <summary>What one address may do.</summary>
/// <param name="Most">Connections at one time; 0 is no limit.</param>
/// <param name="PerSecond">New connections in a second, up to 1,000,000; 0 is no limit.</param>
internal readonly record struct AddressShare(int Most, int PerSecond);
