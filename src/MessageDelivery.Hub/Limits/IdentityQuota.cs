using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Limits;

/// <summary>How many connections each identity may have. It knows those that have some, and no others. Any thread.</summary>
/// <param name="max">Connections of one identity; 0 is no limit.</param>
internal sealed class IdentityQuota(int max)
{
    private readonly Dictionary<string, int> _open = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

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

    /// <summary>A slot for one more connection; null if the identity has as many as it may.</summary>
    public ISlot? TryTake(string identity) => Take(identity, mayExceed: false);

    /// <summary>A slot for a connection that comes instead of one that is about to end, and still has its own.</summary>
    public ISlot TakeInstead(string identity) => Take(identity, mayExceed: true)!;

    private Slot? Take(string identity, bool mayExceed)
    {
        if (max > 0)
        {
            lock (_lock)
            {
                int open = _open.GetValueOrDefault(identity);
                if (open >= max && !mayExceed)
                {
                    return null;
                }

                _open[identity] = open + 1;
            }
        }

        return new(this, identity);
    }

    private void Release(string identity)
    {
        if (max > 0)
        {
            lock (_lock)
            {
                if (--_open[identity] == 0)
                {
                    _open.Remove(identity);
                }
            }
        }
    }

    private sealed class Slot(IdentityQuota quota, string identity) : ISlot
    {
        public void Release() => quota.Release(identity);
    }
}
