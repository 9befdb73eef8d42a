using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Users;

/// <summary>That a user came, or went. A user does either once: ids are not given twice.</summary>
internal readonly struct PresenceEvent(ulong id, PresenceChange change, int group = 0)
{
    // Ids stay below 2^53.
    private readonly ulong _bits = (id << 1) | (change == PresenceChange.Left ? 1UL : 0);

    public ulong Id => _bits >> 1;

    /// <summary>The number of the user's group; 0 without one.</summary>
    public int Group { get; } = group;

    public PresenceChange Change => (_bits & 1) == 0 ? PresenceChange.Joined : PresenceChange.Left;
}
