using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Loop;

/// <summary>Which of a connection's links a mailbox uses: a connection may be in one of each kind.</summary>
internal interface IConnectionLink
{
    static abstract ref Connection? Next(Connection connection);
}

/// <summary>The link of those for which there is work.</summary>
internal readonly struct PostedLink : IConnectionLink
{
    public static ref Connection? Next(Connection connection) => ref connection.NextPosted;
}

/// <summary>The link of those that keep small pieces of what was received.</summary>
internal readonly struct UntidyLink : IConnectionLink
{
    public static ref Connection? Next(Connection connection) => ref connection.NextUntidy;
}

/// <summary>Connections left for a loop, linked through themselves. Any thread puts, the loop takes; no lock.</summary>
internal struct Mailbox<TLink>
    where TLink : struct, IConnectionLink
{
    private Connection? _last;

    public bool IsEmpty => Volatile.Read(ref _last) is null;

    /// <summary>Puts a connection that is in no mailbox of this kind. True if it was empty.</summary>
    public bool Put(Connection connection)
    {
        var last = Volatile.Read(ref _last);
        while (true)
        {
            TLink.Next(connection) = last;
            var seen = Interlocked.CompareExchange(ref _last, connection, last);
            if (ReferenceEquals(seen, last))
            {
                return last is null;
            }

            last = seen;
        }
    }

    /// <summary>Empties it; <see cref="TakeFirst"/> takes them from what this returns.</summary>
    public Connection? TakeAll()
    {
        Connection? first = null;
        for (var connection = Interlocked.Exchange(ref _last, null); connection is not null;)
        {
            var putBefore = TLink.Next(connection);
            TLink.Next(connection) = first;
            first = connection;
            connection = putBefore;
        }

        return first;
    }

    /// <summary>Takes the connection that was put first; from then on it may be put again. Null if there is none.</summary>
    public static Connection? TakeFirst(ref Connection? taken)
    {
        var first = taken;
        if (first is not null)
        {
            taken = TLink.Next(first);
            TLink.Next(first) = null;
        }

        return first;
    }
}
