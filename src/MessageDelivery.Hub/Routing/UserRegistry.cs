using System.Collections.Concurrent;
using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Routing;

/// <summary>
/// Who is connected. Ids count up from 1 and are never given twice. Finding a user takes no lock; coming, going and listing
/// take one, inside which only the pool's is taken.
/// </summary>
internal sealed class UserRegistry(BlockPool pool)
{
    private readonly ConcurrentDictionary<ulong, User> _users = new();
    private readonly Lock _lock = new();
    private readonly UserIds _ids = new(pool);
    private ulong _lastId;

    public int Count => _users.Count;

    /// <summary>Gives the next id and lists its user.</summary>
    public User Add(IReceiver receiver)
    {
        lock (_lock)
        {
            var user = new User(++_lastId, receiver);
            _ids.Append(user.Id);
            _users[user.Id] = user;
            return user;
        }
    }

    public User? Find(ulong id) => _users.GetValueOrDefault(id);

    public void Remove(User user)
    {
        lock (_lock)
        {
            if (_users.TryRemove(new(user.Id, user)))
            {
                _ids.Remove(user.Id);
            }
        }
    }

    /// <summary>
    /// Adds the ids of all users but one to a list: ascending, 8 bytes each in the machine's order, in pieces of message memory
    /// with a reference each. They are of one moment, and stay as they are until they are released.
    /// </summary>
    public void List(SegmentList ids, ulong without)
    {
        lock (_lock)
        {
            _ids.CopyTo(ids, without);
        }
    }
}
