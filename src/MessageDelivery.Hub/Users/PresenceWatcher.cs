using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Users;

/// <summary>
/// Somebody who watches who comes and goes, and how far it has been told. It is never told of itself: it came before its
/// first list, and its watch ends before it goes.
/// </summary>
internal abstract class PresenceWatcher(User user)
{
    public const int NotWatching = -1;

    /// <summary>What the watcher may not do; null if it may do everything.</summary>
    public Rights? Rights => User.Rights;

    /// <summary>The number of the only group of which it is told; 0 for everybody.</summary>
    public int Group => Rights is { IsNarrow: true } ? User.GroupNumber : 0;

    /// <summary>The position of the first event that it has not been told.</summary>
    public long Position { get; set; }

    /// <summary>Its index among the watchers of its loop.</summary>
    public int Index { get; set; } = NotWatching;

    /// <summary>While it does not read what it was sent, it is told nothing more, and catches up later.</summary>
    public abstract bool HasRoom { get; }

    protected User User { get; } = user;

    /// <summary>Sends it who is there.</summary>
    /// <returns>The position of the list among the events that are kept for watchers.</returns>
    public abstract long SendList();

    /// <summary>Sends what an <see cref="IPresenceWriter"/> has written.</summary>
    public abstract void Send(ReadOnlySpan<Segment> batch);

    /// <summary>It is further behind than events are kept.</summary>
    public abstract void CutOff();

    /// <summary>It could not be told.</summary>
    public abstract void Fail(Exception exception);
}

/// <summary>Writes what happened in a while as watchers receive it.</summary>
internal interface IPresenceWriter
{
    /// <summary>What was written; nothing if whoever came has gone again. Borrowed until the next batch, or <see cref="Clear"/>.</summary>
    ReadOnlySpan<Segment> Batch { get; }

    /// <summary>Writes events in the order in which they happened, at most <see cref="PresenceLog.MaxEvents"/>.</summary>
    void Write(ReadOnlySpan<PresenceEvent> events);

    /// <summary>Lets go of what was written.</summary>
    void Clear();
}
