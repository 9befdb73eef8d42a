using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Loop;

/// <summary>
/// Connections that have something to send when the turn ends, linked through themselves, in the order in which they were touched. A
/// connection is in one loop's list at most, which its queue sees to. One thread.
/// </summary>
internal struct FlushList
{
    private Connection? _first;
    private Connection? _last;

    public readonly bool IsEmpty => _first is null;

    public int Count { get; private set; }

    public void Add(Connection connection)
    {
        if (_last is null)
        {
            _first = connection;
        }
        else
        {
            _last.NextToFlush = connection;
        }

        _last = connection;
        Count++;
    }

    /// <summary>Takes the connection that was added first; null if there is none.</summary>
    public Connection? Take()
    {
        var connection = _first;
        if (connection is not null)
        {
            _first = connection.NextToFlush;
            _last = _first is null ? null : _last;
            connection.NextToFlush = null;
            Count--;
        }

        return connection;
    }
}
