namespace MessageDelivery.Hub.Limits;

/// <summary>
/// What each address may do, and how fast its connections come. Its memory is bounded whoever comes: it knows their pace by a table of
/// fixed size. How many connections an address has is known by <see cref="ConnectionQuota"/>.
/// </summary>
/// <remarks>
/// Addresses whose hashes are alike share a cell. The hash is salted anew in each process, so that nobody can choose to share a cell with
/// somebody else; only thousands of networks that all connect at the limit could slow down others.
/// </remarks>
/// <param name="others">What each address may do that is not loopback.</param>
/// <param name="loopback">What loopback may do.</param>
internal sealed class AddressTable(AddressShare others, AddressShare loopback)
{
    private const int Cells = 1 << 15;
    private const long SecondMicroseconds = 1_000_000;

    /// <summary>What was said counts for all; what was not, for those who come from elsewhere.</summary>
    /// <param name="maxConnections">Connections of the whole hub.</param>
    public static AddressTable Of(HubLimits limits, int maxConnections) => new(
        new(limits.MaxConnectionsPerAddress ?? Math.Max(HubLimits.MinPerAddress, maxConnections / 4),
            limits.ConnectionsPerSecond ?? HubLimits.DefaultConnectionsPerSecond),
        new(limits.MaxConnectionsPerAddress ?? 0, limits.ConnectionsPerSecond ?? 0));

    // For each cell when its next connection would be in time, in microseconds; a second ahead is the most.
    private long[]? _due;

    /// <summary>What an address may do.</summary>
    public AddressShare ShareOf(NetworkAddress address) => address.IsLoopback ? loopback : others;

    /// <summary>One more connection has come. False if they come too fast. Any thread.</summary>
    public bool IsInTime(NetworkAddress address, long nowMilliseconds)
    {
        int perSecond = ShareOf(address).PerSecond;
        if (perSecond == 0)
        {
            return true;
        }

        LazyInitializer.EnsureInitialized(ref _due, static () => new long[Cells]);
        ref long due = ref _due[address.GetHashCode() & (Cells - 1)];
        long now = nowMilliseconds * 1_000;
        long step = SecondMicroseconds / perSecond;
        while (true)
        {
            long seen = Volatile.Read(ref due);
            if (seen - now > SecondMicroseconds - step)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref due, Math.Max(seen, now) + step, seen) == seen)
            {
                return true;
            }
        }
    }
}

/// <summary>What one address may do.</summary>
/// <param name="MaxConnections">Connections at one time; 0 is no limit.</param>
/// <param name="PerSecond">New connections in a second, up to 1,000,000; 0 is no limit.</param>
internal readonly record struct AddressShare(int MaxConnections, int PerSecond);
