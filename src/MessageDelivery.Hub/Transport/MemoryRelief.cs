namespace MessageDelivery.Hub.Transport;

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
    public static void Seek(ConnectionHost host, long shortMilliseconds)
    {
        if (shortMilliseconds >= host.Settings.StallMilliseconds)
        {
            DropBacklogs(host);
        }

        var holders = new List<(long Bytes, Connection Connection)>();
        foreach (var connection in host.Connections)
        {
            connection.Reschedule();
            long bytes = HeldBytes(connection);
            if (bytes > 0)
            {
                holders.Add((bytes, connection));
            }
        }

        holders.Sort((one, other) => other.Bytes.CompareTo(one.Bytes));
        CloseUnfinished(host, holders);
        CloseLargest(host, holders);
    }

    private static void DropBacklogs(ConnectionHost host)
    {
        foreach (var backlog in host.Backlogs.Where(backlog => backlog.HeldBytes > 0).OrderByDescending(backlog => backlog.HeldBytes).ToList())
        {
            if (!host.Loop.Pool.IsShort)
            {
                return;
            }

            backlog.GiveUp();
        }
    }

    private static void CloseUnfinished(ConnectionHost host, List<(long Bytes, Connection Connection)> holders)
    {
        bool isLong = host.Loop.Pool.HasWaitedSince(host.Loop.Now - (2 * host.Settings.StallMilliseconds));
        foreach (var (_, connection) in holders)
        {
            if (host.Loop.Pool.IsShort && (IsIdle(connection, host) || (isLong && TakesTooLong(connection, host))))
            {
                host.Loop.Failures.Call(connection, () => connection.Handler.End(CloseReason.Overloaded));
            }
        }
    }

    /// <summary>Whether it has begun something, is not kept from going on, and has sent nothing for the stall limit.</summary>
    private static bool IsIdle(Connection connection, ConnectionHost host) =>
        IsAtUnfinished(connection) && host.Loop.Now - connection.Input.LastReceived >= host.Settings.StallMilliseconds;

    /// <summary>Whether it has been at one request for twice the stall limit, whatever it sends.</summary>
    private static bool TakesTooLong(Connection connection, ConnectionHost host) =>
        IsAtUnfinished(connection) && host.Loop.Now - connection.Input.AdmittedAt >= 2 * host.Settings.StallMilliseconds;

    private static bool IsAtUnfinished(Connection connection) =>
        connection.IsOpen && !connection.IsPaused && !connection.Input.IsStarved && connection.Input.KeptBytes > 0;

    private static void CloseLargest(ConnectionHost host, List<(long Bytes, Connection Connection)> holders)
    {
        holders.RemoveAll(holder => HeldBytes(holder.Connection) == 0);
        long most = holders.Count == 0 ? 0 : holders[0].Bytes;
        if (!host.Loop.Pool.TryClaimRelief(host.Loop.Now, 2 * host.Settings.StallMilliseconds, most))
        {
            return;
        }

        for (int i = 0; i < holders.Count && host.Loop.Pool.IsStuck; i++)
        {
            host.Loop.Failures.Call(holders[i].Connection, holders[i].Connection.GiveUp);
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

        long unfinished = connection.IsOpen && !connection.IsPaused ? connection.Input.KeptBytes : 0;
        long input = connection.Input.IsStarved ? Math.Min(unfinished, 1) : unfinished + connection.Input.ClaimedBytes;
        return Math.Max(input, connection.Outbound.HeldBytes);
    }
}
