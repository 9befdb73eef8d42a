using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Loop;

/// <summary>A loop's connections, found by the tag that epoll reports. A tag is not used twice, although places are.</summary>
internal sealed class ConnectionTable
{
    private readonly Stack<int> _free = new();
    private Connection?[] _places = new Connection?[64];
    private uint _generation;
    private int _used;

    public int Count { get; private set; }

    public Connection Add(Func<ulong, Connection> create)
    {
        if (!_free.TryPop(out int index))
        {
            index = _used++;
            if (index == _places.Length)
            {
                Array.Resize(ref _places, index * 2);
            }
        }

        // 31 bits: the highest bit of a tag is not a connection's.
        _generation = (_generation + 1) & int.MaxValue;
        var connection = create(((ulong)_generation << 32) | (uint)index);
        _places[index] = connection;
        Count++;
        return connection;
    }

    public Connection? Find(ulong tag)
    {
        uint index = (uint)tag;
        return index < (uint)_places.Length && _places[index] is { } connection && connection.Tag == tag ? connection : null;
    }

    public void Remove(Connection connection)
    {
        int index = (int)(uint)connection.Tag;
        _places[index] = null;
        _free.Push(index);
        Count--;
    }

    /// <summary>The next connection from a place on, which is moved behind it; null at the end. The table may change between calls.</summary>
    public Connection? Next(ref int place)
    {
        while (place < _places.Length)
        {
            if (_places[place++] is { } connection)
            {
                return connection;
            }
        }

        return null;
    }

    public Enumerator GetEnumerator() => new(_places);

    internal struct Enumerator(Connection?[] places)
    {
        private int _index = -1;

        public readonly Connection Current => places[_index]!;

        public bool MoveNext()
        {
            while (++_index < places.Length)
            {
                if (places[_index] is not null)
                {
                    return true;
                }
            }

            return false;
        }
    }
}
