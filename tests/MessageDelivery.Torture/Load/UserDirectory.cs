namespace MessageDelivery.Torture.Load;

/// <summary>A user who can be written to.</summary>
internal readonly record struct KnownUser(ulong Id, bool IsText);

/// <summary>Who is there, for whoever chooses receivers, and who was. Any thread may use it.</summary>
internal sealed class UserDirectory
{
    private const int MaxGone = 64;

    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, KnownUser> _users = [];
    private readonly Queue<ulong> _gone = new();
    private volatile KnownUser[] _snapshot = [];
    private volatile ulong[] _goneSnapshot = [];

    public KnownUser[] Users => _snapshot;

    /// <summary>Ids that nobody has any more.</summary>
    public ulong[] Gone => _goneSnapshot;

    public void Add(KnownUser user)
    {
        lock (_gate)
        {
            _users[user.Id] = user;
            _snapshot = [.. _users.Values];
        }
    }

    public void Remove(ulong id)
    {
        lock (_gate)
        {
            if (_users.Remove(id))
            {
                _gone.Enqueue(id);
                if (_gone.Count > MaxGone)
                {
                    _gone.Dequeue();
                }

                _snapshot = [.. _users.Values];
                _goneSnapshot = [.. _gone];
            }
        }
    }

    /// <summary>Takes over what another process knows.</summary>
    public void Replace(KnownUser[] users, ulong[] gone)
    {
        lock (_gate)
        {
            _snapshot = users;
            _goneSnapshot = gone;
        }
    }
}
