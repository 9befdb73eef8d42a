namespace MessageDelivery.Client;

/// <summary>Who has come and gone since the update before. Immutable.</summary>
public sealed class PresenceUpdate
{
    internal PresenceUpdate(bool isSnapshot, IReadOnlyList<ulong> joined, IReadOnlyList<ulong> left) =>
        (IsSnapshot, Joined, Left) = (isSnapshot, joined, left);

    /// <summary>Whether this is the first update, which names everybody who is there.</summary>
    public bool IsSnapshot { get; }

    /// <summary>Ids of those who came, ascending, possibly none.</summary>
    public IReadOnlyList<ulong> Joined { get; }

    /// <summary>Ids of those who went, ascending, possibly none.</summary>
    public IReadOnlyList<ulong> Left { get; }

    /// <summary>Brings a set of users up to date that has had every update before.</summary>
    public void ApplyTo(ISet<ulong> users)
    {
        ArgumentNullException.ThrowIfNull(users);
        users.ExceptWith(Left);
        users.UnionWith(Joined);
    }
}
