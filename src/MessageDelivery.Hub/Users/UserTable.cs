namespace MessageDelivery.Hub.Users;

/// <summary>
/// Users by their ids, which are not 0 and are never given twice. Finding takes no lock; adding and removing are for one thread at a time.
/// </summary>
/// <remarks>
/// Open addressing: a user costs one or two places of 8 bytes, and no object. Who leaves is replaced by a mark, which those who look for others pass
/// over, until a user is put there or the table is made anew; who looks meanwhile goes on in the one before.
/// </remarks>
internal sealed class UserTable
{
    // Ids that follow one another stand together, as many as a line of the cache has; their groups do not.
    private const int GroupBits = 3;
    private const ulong Golden = 0x9E37_79B9_7F4A_7C15;
    private const int MinLength = 64;

    private static readonly User s_left = new(0, null!);

    private User?[] _places = new User?[MinLength];
    private int _count;

    // Places that are not empty: those of marks, too.
    private int _used;

    public int Count => Volatile.Read(ref _count);

    /// <summary>Whoever is there from the call on, and perhaps some who come or go meanwhile.</summary>
    public IEnumerable<User> Everybody => Volatile.Read(ref _places).Where(user => user is not null && !ReferenceEquals(user, s_left))!;

    public User? Find(ulong id)
    {
        var places = Volatile.Read(ref _places);
        int mask = places.Length - 1;
        for (int place = First(id, places.Length); places[place & mask] is { } user; place++)
        {
            if (user.Id == id)
            {
                return ReferenceEquals(user, s_left) ? null : user;
            }
        }

        return null;
    }

    public void Add(User user)
    {
        if (_used + 1 > _places.Length / 4 * 3)
        {
            MakeAnew();
        }

        _used += Put(_places, user) ? 1 : 0;
        Volatile.Write(ref _count, _count + 1);
    }

    /// <summary>False if it is not there.</summary>
    public bool Remove(User user)
    {
        int mask = _places.Length - 1;
        for (int place = First(user.Id, _places.Length); _places[place & mask] is { } other; place++)
        {
            if (ReferenceEquals(other, user))
            {
                Volatile.Write(ref _places[place & mask], s_left);
                Volatile.Write(ref _count, _count - 1);
                return true;
            }
        }

        return false;
    }

    private static int First(ulong id, int length) =>
        (int)(((id >> GroupBits) * Golden) >> 32 << GroupBits | (id & ((1 << GroupBits) - 1))) & (length - 1);

    /// <summary>True if the place was empty.</summary>
    private static bool Put(User?[] places, User user)
    {
        int mask = places.Length - 1;
        int place = First(user.Id, places.Length) & mask;
        while (places[place] is { } other && !ReferenceEquals(other, s_left))
        {
            place = (place + 1) & mask;
        }

        bool wasEmpty = places[place] is null;
        Volatile.Write(ref places[place], user);
        return wasEmpty;
    }

    /// <summary>Without marks, and with room: at least as much as there are users, at most three times that.</summary>
    private void MakeAnew()
    {
        int length = MinLength;
        while (length / 2 < _count + 1)
        {
            length *= 2;
        }

        var places = new User?[length];
        foreach (var user in Everybody)
        {
            Put(places, user);
        }

        _used = _count;
        Volatile.Write(ref _places, places);
    }
}
