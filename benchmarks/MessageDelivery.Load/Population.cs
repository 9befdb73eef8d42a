using MessageDelivery.Load.Protocols;

namespace MessageDelivery.Load;

/// <summary>All connections of a run, logged in, and what their senders have prepared.</summary>
internal sealed class Population : IDisposable
{
    /// <summary>Fewer would leave the same few users to each other where bodies are large.</summary>
    private const int MinMeshMessages = 4;

    private readonly LoadSettings _settings;
    private readonly WireProtocol _protocol;
    private readonly ReachedServer _server;
    private readonly List<Batch> _batches = [];
    private readonly List<Connection> _connections = [];
    private readonly List<Sender> _senders = [];
    private readonly List<Receiver> _receivers = [];
    private readonly List<StoppedPair> _stoppedPairs = [];
    private readonly Pace? _pace;

    public Population(LoadSettings settings, WireProtocol protocol, ReachedServer server)
    {
        _settings = settings;
        _protocol = protocol;
        _server = server;
        int senders = settings.Mode is Mode.FanOut or Mode.Spread ? 1 : settings.Count;
        _pace = settings.Rate is double rate ? new(rate, senders) : null;
        try
        {
            Connect(senders);
            ConnectStoppedPairs();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public IReadOnlyList<Connection> Connections => _connections;

    public Sender[] Senders => [.. _senders];

    public Receiver[] Receivers => [.. _receivers];

    public IReadOnlyList<StoppedPair> StoppedPairs => _stoppedPairs;

    public Pace? Pace => _pace;

    private bool SharesChannel => _settings.Mode == Mode.FanOut && !_protocol.ListsReceivers && _settings.Addressing == Addressing.Shared;

    public void Dispose()
    {
        _connections.ForEach(connection => connection.Dispose());
        _batches.ForEach(batch => batch.Dispose());
    }

    private void Connect(int senders)
    {
        ulong[] addresses = new ulong[_settings.Mode == Mode.FanIn ? 1 : _settings.Count];
        for (int i = 0; i < addresses.Length; i++)
        {
            var connection = Open();
            addresses[i] = _protocol.LogIn(connection, SharesChannel ? 0 : i);
            connection.Receiver = new(i);
            _receivers.Add(connection.Receiver);
        }

        for (int i = 0; i < senders; i++)
        {
            bool receives = _settings.Mode == Mode.Mesh && _protocol.PublishesWhereItReceives;
            var connection = receives ? _connections[i] : Open();
            if (!receives)
            {
                _protocol.LogIn(connection, null);
            }

            connection.Sender = new(i, connection, Prepare(i, addresses), _pace);
            _senders.Add(connection.Sender);
        }

        if (_settings.Mode is Mode.Pairs or Mode.Spread)
        {
            _receivers.ForEach(receiver => receiver.Sender = _senders[receiver.Number % senders]);
        }
    }

    private void ConnectStoppedPairs()
    {
        for (int i = 0; i < _settings.Stopped; i++)
        {
            var receiving = Open();
            ulong address = _protocol.LogIn(receiving, _settings.Count + i);
            var sending = Open();
            _protocol.LogIn(sending, null);
            sending.Sender = new(i, sending, Prepare([[address]], 1, 1, int.MaxValue, null), null);
            receiving.StoppedPair = sending.StoppedPair = new() { Sender = sending.Sender };
            _stoppedPairs.Add(sending.StoppedPair);
        }
    }

    private Batch Prepare(int sender, ulong[] addresses)
    {
        int maxMessages = _settings.Rate is null ? _settings.Window : int.MaxValue;
        int? number = _settings.NumbersSenders ? sender : null;
        ulong[][] each = [.. addresses.Select(address => new[] { address })];
        return _settings.Mode switch
        {
            Mode.FanOut when _protocol.ListsReceivers => Prepare([addresses], 1, 1, maxMessages, number),
            Mode.FanOut when !SharesChannel => Prepare(each, each.Length, 1, maxMessages, number),
            Mode.FanOut or Mode.FanIn => Prepare([each[0]], 1, 1, maxMessages, number),
            Mode.Pairs => Prepare([each[sender]], 1, 1, maxMessages, number),
            Mode.Spread => Prepare(each, 1, each.Length, int.MaxValue, number),
            _ => Prepare(
                [.. Shuffled(each.Length).Select(distance => each[(sender + distance) % each.Length])],
                1, Math.Min(MinMeshMessages, each.Length - 1), int.MaxValue, number),
        };
    }

    private Batch Prepare(ulong[][] publishes, int publishesPerMessage, int minMessages, int maxMessages, int? number)
    {
        var batch = Batch.Create(
            _protocol, publishes, publishesPerMessage, minMessages, maxMessages, number, _settings.WebSocket ? _settings.MessagesPerFrame : null);
        _batches.Add(batch);
        return batch;
    }

    /// <summary>The same order of the others for everyone: at each step, every user is somebody's receiver.</summary>
    private static int[] Shuffled(int users)
    {
        int[] distances = [.. Enumerable.Range(1, users - 1)];
        new Random(users).Shuffle(distances);
        return distances;
    }

    private Connection Open()
    {
        var connection = _server.Open();
        _connections.Add(connection);
        return connection;
    }
}
