using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Users;

/// <summary>
/// The ids of the users of each group, for those who are shown only theirs. A group is there while it has users, under a number that
/// no other is given. Guarded by the registry's lock.
/// </summary>
internal sealed class UserGroups(BlockPool pool)
{
    private readonly Dictionary<string, Group> _groups = new(StringComparer.Ordinal);
    private int _lastNumber;

    /// <summary>Adds a user, whose id must be above all others; returns the number of its group.</summary>
    public int Add(string name, ulong id)
    {
        if (!_groups.TryGetValue(name, out var group))
        {
            group = new(++_lastNumber, new UserIds(pool));
            _groups[name] = group;
        }

        group.Ids.Add(id);
        return group.Number;
    }

    /// <summary>Takes out a user, who must be there.</summary>
    public void Remove(string name, ulong id)
    {
        var group = _groups[name];
        group.Ids.Remove(id);
        if (group.Ids.Count == 0)
        {
            _groups.Remove(name);
        }
    }

    /// <summary>Adds all ids of a group but one to a list, in pieces with a reference each.</summary>
    public void CopyTo(SegmentList list, string name, ulong without)
    {
        if (_groups.TryGetValue(name, out var group))
        {
            group.Ids.CopyTo(list, without);
        }
    }

    private sealed record Group(int Number, UserIds Ids);
}
