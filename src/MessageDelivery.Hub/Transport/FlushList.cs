namespace MessageDelivery.Hub.Transport;

/// <summary>
/// Connections that have something to send when the turn ends, linked through themselves. A connection is in one loop's list
/// at most, which its queue sees to. One thread.
/// </summary>
internal struct FlushList
{
    private Connection? _last;

    public readonly bool IsEmpty => _last is null;

    public int Count { get; private set; }

    public void Add(Connection connection)
    {
        connection.NextToFlush = _last;
        _last = connection;
        Count++;
    }

    /// <summary>Takes the connection that was added last; null if there is none.</summary>
    public Connection? Take()
    {
        var connection = _last;
        if (connection is not null)
        {
            _last = connection.NextToFlush;
            connection.NextToFlush = null;
            Count--;
        }

        return connection;
    }
}
