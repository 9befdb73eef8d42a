using MessageDelivery.Load.Protocols;

namespace MessageDelivery.Load;

/// <summary>Connections that are logged in, each subscribed to a channel of its own where there are channels, and do nothing.</summary>
internal sealed class Crowd : IDisposable
{
    private readonly List<Connection> _connections = [];

    public Crowd(WireProtocol protocol, ReachedServer server, int count)
    {
        try
        {
            for (int i = 0; i < count; i++)
            {
                var connection = server.Open();
                _connections.Add(connection);
                protocol.LogIn(connection, channel: i);
            }
        }
        catch (LoadException e)
        {
            Dispose();
            throw new LoadException($"connection {_connections.Count} of {count}: {e.Message}");
        }
    }

    public Connection First => _connections[0];

    public void Dispose() => _connections.ForEach(connection => connection.Dispose());
}
