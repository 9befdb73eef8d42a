using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Limits;

/// <summary>How many connections each identity has. It knows those that have some, and no others. Any thread.</summary>
/// <param name="maxPerIdentity">The most that one may have; 0 is as many as there are.</param>
internal sealed class IdentityTable(int maxPerIdentity)
{
    private readonly Dictionary<string, int> _open = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    public int MaxPerIdentity { get; } = maxPerIdentity;

    /// <summary>Identities that have connections.</summary>
    public int Identities
    {
        get
        {
            lock (_lock)
            {
                return _open.Count;
            }
        }
    }

    /// <summary>A place for one more connection; null if it has as many as it may.</summary>
    public IPlace? TryHold(string identity) => TryEnter(identity) ? new IdentityPlace(this, identity) : null;

    /// <summary>A place for a connection that comes instead of one that is about to end, and still has its own.</summary>
    public IPlace HoldInstead(string identity)
    {
        if (MaxPerIdentity > 0)
        {
            lock (_lock)
            {
                _open[identity] = _open.GetValueOrDefault(identity) + 1;
            }
        }

        return new IdentityPlace(this, identity);
    }

    /// <summary>Counts one more connection. False, and nothing is counted, if it has as many as it may.</summary>
    public bool TryEnter(string identity)
    {
        if (MaxPerIdentity == 0)
        {
            return true;
        }

        lock (_lock)
        {
            int open = _open.GetValueOrDefault(identity);
            if (open >= MaxPerIdentity)
            {
                return false;
            }

            _open[identity] = open + 1;
            return true;
        }
    }

    /// <summary>A connection that was counted is over.</summary>
    public void Leave(string identity)
    {
        if (MaxPerIdentity == 0)
        {
            return;
        }

        lock (_lock)
        {
            if (_open[identity] == 1)
            {
                _open.Remove(identity);
            }
            else
            {
                _open[identity]--;
            }
        }
    }

    private sealed class IdentityPlace(IdentityTable table, string identity) : IPlace
    {
        public void Leave() => table.Leave(identity);
    }
}
