using System.Collections.Concurrent;

namespace MessageDelivery.Hub.Routing;

/// <summary>
/// Who is connected. Ids count up from 1 and are never given twice. Finding a user takes no lock; coming, going and listing
/// take one, a leaf.
/// </summary>
internal sealed class UserRegistry
{
    // Ids stay below 2^53, so that there is room for a mark.
    private const ulong Gone = 1UL << 63;

    private readonly ConcurrentDictionary<ulong, User> _users = new();
    private readonly Lock _lock = new();

    // Ascending, since ids are given under the lock; who has gone leaves a hole until there are more holes than users.
    private readonly List<ulong> _ids = [];
    private int _holes;
    private ulong _lastId;
    private ulong[]? _snapshot = [];

    public int Count => _users.Count;

    /// <summary>Gives the next id and lists its user.</summary>
    public User Add(IReceiver receiver)
    {
        lock (_lock)
        {
            var user = new User(++_lastId, receiver);
            _users[user.Id] = user;
            _ids.Add(user.Id);
            _snapshot = null;
            return user;
        }
    }

    public User? Find(ulong id) => _users.GetValueOrDefault(id);

    public void Remove(User user)
    {
        lock (_lock)
        {
            if (!_users.TryRemove(new(user.Id, user)))
            {
                return;
            }

            _ids[Place(user.Id)] |= Gone;
            _snapshot = null;
            if (++_holes > _users.Count)
            {
                _ids.RemoveAll(id => (id & Gone) != 0);
                _holes = 0;
            }
        }
    }

    /// <summary>All ids, ascending. Shared by all who ask until somebody comes or goes; not to be changed.</summary>
    public ReadOnlySpan<ulong> Snapshot()
    {
        lock (_lock)
        {
            return _snapshot ??= _holes == 0 ? [.. _ids] : [.. _ids.Where(id => (id & Gone) == 0)];
        }
    }

    private int Place(ulong id)
    {
        int low = 0;
        int high = _ids.Count - 1;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if ((_ids[middle] & ~Gone) < id)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
