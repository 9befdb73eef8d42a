using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Loop;

/// <summary>What is kept for a peer that has no connection at the moment.</summary>
internal interface IBacklog
{
    long HeldBytes { get; }

    /// <summary>Drops it, for the memory it holds.</summary>
    void GiveUp();
}

/// <summary>
/// What loops do while somebody waits for memory. After the stall limit, what is kept for peers that are away is dropped, the most first:
/// nobody can make them take it. Receivers that take nothing are cut off after the stall limit, which for now
/// holds for every queue with something in it. So are senders that have begun something and send nothing for that long; once
/// somebody has waited for twice the stall limit, also those that have been at one request for as long. Of these, all that are in the
/// way are closed, those that hold most first. If none of it helps for twice the stall limit, the connections that hold most of the
/// memory are closed, whatever they do, until it does. So a full hub cannot stand still.
/// </summary>
internal static class MemoryRelief
{
    /// <param name="shortMilliseconds">For how long memory has been short without a break.</param>
    public static void Seek(EventLoop loop, ConnectionTable connections, long shortMilliseconds)
    {
        if (shortMilliseconds >= loop.StallMilliseconds)
        {
            DropBacklogs(loop);
        }

        var holders = new List<(long Bytes, Connection Connection)>();
        foreach (var connection in connections)
        {
            connection.Reschedule();
            long bytes = HeldBytes(connection);
            if (bytes > 0)
            {
                holders.Add((bytes, connection));
            }
        }

        holders.Sort((one, other) => other.Bytes.CompareTo(one.Bytes));
        CloseUnfinished(loop, holders);
        CloseLargest(loop, holders);
    }

    private static void DropBacklogs(EventLoop loop)
    {
        foreach (var backlog in loop.Backlogs.Where(backlog => backlog.HeldBytes > 0).OrderByDescending(backlog => backlog.HeldBytes).ToList())
        {
            if (!loop.Pool.IsShort)
            {
                return;
            }

            backlog.GiveUp();
        }
    }

    private static void CloseUnfinished(EventLoop loop, List<(long Bytes, Connection Connection)> holders)
    {
        bool isLong = loop.Pool.HasWaitedSince(loop.Now - (2 * loop.StallMilliseconds));
        foreach (var (_, connection) in holders)
        {
            if (loop.Pool.IsShort && (connection.HasLeftUnfinished || (isLong && connection.TakesTooLong)))
            {
                loop.Attend(connection, () => connection.Handler.End(CloseReason.Overloaded));
            }
        }
    }

    private static void CloseLargest(EventLoop loop, List<(long Bytes, Connection Connection)> holders)
    {
        holders.RemoveAll(holder => HeldBytes(holder.Connection) == 0);
        long most = holders.Count == 0 ? 0 : holders[0].Bytes;
        if (!loop.Pool.TryClaimRelief(loop.Now, 2 * loop.StallMilliseconds, most))
        {
            return;
        }

        for (int i = 0; i < holders.Count && loop.Pool.IsStuck; i++)
        {
            loop.Attend(holders[i].Connection, holders[i].Connection.GiveUp);
        }
    }

    /// <summary>
    /// What it holds of the memory that others wait for. What a paused sender has in hand is not its doing, but the receiver's that
    /// it waits for; and one that is not read for want of memory is the last to be blamed.
    /// </summary>
    private static long HeldBytes(Connection connection)
    {
        if (connection.IsClosed)
        {
            return 0;
        }

        long unfinished = connection.IsOpen && !connection.IsPaused ? connection.UnfinishedInputBytes : 0;
        long input = connection.IsStarved ? Math.Min(unfinished, 1) : unfinished + connection.ClaimedBytes;
        return Math.Max(input, connection.Outbound.HeldBytes);
    }
}
