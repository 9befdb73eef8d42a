using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Users;

/// <summary>
/// A program that watches who comes and goes, and how far it has been told. It is never told of itself: it came before its
/// first list, and its watch ends before it goes.
/// </summary>
internal sealed class PresenceWatcher(Connection connection, User user)
{
    public const int NotWatching = -1;

    public Connection Connection { get; } = connection;

    public ulong UserId => user.Id;

    /// <summary>What the watcher may not do; null if it may do everything.</summary>
    public Rights? Rights => user.Rights;

    /// <summary>The number of the only group of which it is told; 0 for everybody.</summary>
    public int Group => user.Rights is { IsNarrow: true } ? user.GroupNumber : 0;

    /// <summary>The position of the first event that it has not been told.</summary>
    public long Position { get; set; }

    /// <summary>Its place among the watchers of its loop.</summary>
    public int Place { get; set; } = NotWatching;

    /// <summary>While it does not read what it was sent, it is told nothing more, and catches up later.</summary>
    public bool MayBeTold => Connection.Outbound.HasRoomToAnswer;
}
