using System.Buffers;
using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Users;

/// <summary>
/// Who is connected. Ids count up from 1, or cannot be guessed, and are never given twice. Finding a user takes no lock; coming, going, listing and
/// reading who came and went take one, inside which only the pool's is taken.
/// </summary>
/// <param name="randomIds">What ids are given; null for 1, 2, 3 and so on.</param>
internal sealed class UserRegistry(BlockPool pool, RandomIds? randomIds = null)
{
    private readonly UserTable _users = new();
    private readonly Lock _lock = new();
    private readonly UserIds _ids = new(pool);
    private readonly UserGroups _groups = new(pool);
    private readonly PresenceLog _presence = new();
    private readonly List<(User User, bool InIds, bool InGroup)> _unlisted = new(1);
    private IPresenceReader[] _readers = [];
    private ulong _given;

    public int Count => _users.Count;

    /// <summary>How many watch who comes and goes.</summary>
    public int Watchers => _presence.Watchers;

    /// <summary>All of them, as they come and go meanwhile; whoever was added before is among them.</summary>
    public IEnumerable<User> Everybody => _users.Everybody;

    /// <summary>Gives the next id and lists its user, without an identity.</summary>
    public User Add(IReceiver receiver) => Add(receiver, null);

    /// <summary>Gives the next id and lists its user.</summary>
    /// <param name="receiver">Where its deliveries go.</param>
    /// <param name="identity">Who it is; null without authentication.</param>
    public User Add(IReceiver receiver, Identity? identity)
    {
        User user;
        bool isWatched;
        lock (_lock)
        {
            ulong number = ++_given;
            ulong id = randomIds?[number] ?? number;
            int group = identity?.Group is { } name ? _groups.Add(name, id) : 0;
            user = new User(id, receiver, identity, group);
            try
            {
                _users.Add(user);
                _ids.Add(id);
            }
            catch
            {
                _users.Remove(user);
                Unlist(user, isInIds: false);
                throw;
            }

            isWatched = _presence.Note(id, PresenceChange.Joined, group);
        }

        TellReaders(isWatched);
        return user;
    }

    public User? Find(ulong id) => _users.Find(id);

    public void Remove(User user)
    {
        bool isWatched = false;
        lock (_lock)
        {
            if (_users.Remove(user))
            {
                Unlist(user, isInIds: true);
                isWatched = _presence.Note(user.Id, PresenceChange.Left, user.GroupNumber);
            }
        }

        TellReaders(isWatched);
    }

    /// <summary>
    /// Adds the ids of all users but one to a list: ascending, 8 bytes each in the machine's order, in pieces of message memory
    /// with a reference each. They are of one moment, and stay as they are until they are released.
    /// </summary>
    /// <param name="rights">Whose list it is: it has only whom those reach. Null reaches everybody.</param>
    /// <returns>The position of that moment among the events that are kept for watchers.</returns>
    public long List(SegmentList ids, ulong without, Rights? rights = null)
    {
        lock (_lock)
        {
            if (rights is not { IsNarrow: true })
            {
                _ids.CopyTo(ids, without);
            }
            else if (!rights.SeesNobody)
            {
                _groups.CopyTo(ids, rights.Group!, without);
            }

            return _presence.End;
        }
    }

    /// <summary>Somebody is to be told when somebody comes or goes. Before the hub begins.</summary>
    public void AddReader(IPresenceReader reader) => _readers = [.. _readers, reader];

    /// <summary>Keeps who comes and goes, for one watcher more.</summary>
    public void BeginWatch()
    {
        lock (_lock)
        {
            _presence.AddWatcher();
        }
    }

    public void EndWatch()
    {
        lock (_lock)
        {
            _presence.RemoveWatcher();
        }
    }

    /// <summary>Adds what happened from a position on, or from the oldest event that is still held, to a buffer.</summary>
    /// <returns>The position of the oldest event still held, and that behind the last.</returns>
    public (long Oldest, long End) ReadPresence(ArrayBufferWriter<PresenceEvent> buffer, long from)
    {
        lock (_lock)
        {
            _presence.CopyTo(buffer, Math.Clamp(from, _presence.Start, _presence.End));
            return (_presence.Start, _presence.End);
        }
    }

    /// <summary>Takes a user who has left off the lists; where there is no memory for that, when the next one leaves.</summary>
    private void Unlist(User user, bool isInIds)
    {
        _unlisted.Add((user, isInIds, user.Group is not null));
        for (int i = _unlisted.Count - 1; i >= 0; i--)
        {
            var (left, inIds, inGroup) = _unlisted[i];
            try
            {
                if (inIds)
                {
                    _ids.Remove(left.Id);
                    _unlisted[i] = (left, false, inGroup);
                }

                if (inGroup)
                {
                    _groups.Remove(left.Group!, left.Id);
                }

                _unlisted.RemoveAt(i);
            }
            catch (Exception exception) when (exception is InsufficientMemoryException or OutOfMemoryException)
            {
                return;
            }
        }
    }

    private void TellReaders(bool isWatched)
    {
        if (isWatched)
        {
            foreach (var reader in _readers)
            {
                reader.PresenceChanged();
            }
        }
    }
}
