using System.Net;

namespace MessageDelivery.Hub;

/// <summary>
/// A connection of a hub's port on which HTTP is spoken. It counts among the hub's connections until it is closed, and among those of HTTP until
/// this is disposed of.
/// </summary>
public sealed class HttpConnection : IAsyncDisposable
{
    private readonly Action _released;
    private int _isDisposed;

    internal HttpConnection(Stream stream, IPEndPoint remote, IPEndPoint local, bool isEncrypted, HttpPolicy policy, Action released, CancellationToken closing)
    {
        _released = released;
        Stream = stream;
        RemoteEndPoint = remote;
        LocalEndPoint = local;
        IsEncrypted = isEncrypted;
        Policy = policy;
        Closing = closing;
    }

    /// <summary>
    /// Its bytes in both directions, decrypted, from the first one on. About 64 KiB wait in each direction. An end of what is read is the peer's
    /// half-close; disposing of it sends what was written, and closes the connection.
    /// </summary>
    public Stream Stream { get; }

    /// <summary>The peer's address and port: a reverse proxy's, where there is one. Of a connection from within the process, loopback and port 0.</summary>
    public IPEndPoint RemoteEndPoint { get; }

    /// <summary>The hub's address and port.</summary>
    public IPEndPoint LocalEndPoint { get; }

    /// <summary>Whether what passes is encrypted, or does not leave the process.</summary>
    public bool IsEncrypted { get; }

    /// <summary>
    /// Cancelled, on a thread of the pool, when the hub stops or the connection is gone. A stopping hub leaves it
    /// <see cref="MessageHubOptions.DrainTimeout"/> to end.
    /// </summary>
    public CancellationToken Closing { get; }

    /// <summary>Who may ask for what.</summary>
    public HttpPolicy Policy { get; }

    /// <summary>Disposes of the stream, and gives the place among the connections of HTTP back. May be called more than once. Any thread.</summary>
    public ValueTask DisposeAsync()
    {
        Close();
        return ValueTask.CompletedTask;
    }

    internal void Close()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            try
            {
                Stream.Dispose();
            }
            finally
            {
                _released();
            }
        }
    }
}
