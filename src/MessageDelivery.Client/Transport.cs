using System.Net.Sockets;

namespace MessageDelivery.Client;

/// <summary>
/// What a connection reads from and writes to: a TCP socket or the stream that <see cref="HubClientOptions.ConnectCallback"/> gave, and TLS
/// on top where it is configured. One reader and one writer at a time.
/// </summary>
internal sealed class Transport : IAsyncDisposable
{
    // How long a stream may take to end a cancelled read or write before it is disposed of meanwhile.
    private static readonly TimeSpan CancelTimeout = TimeSpan.FromMilliseconds(500);

    private readonly Stream _inner;

    // Null where the program gave the stream.
    private readonly Socket? _socket;

    // Disposing a socket ends its reads and writes. Other streams may need cancellation.
    private readonly CancellationTokenSource? _abort;
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private Stream _stream;
    private Task? _aborted;

    private Transport(Socket socket)
    {
        _socket = socket;
        _inner = _stream = new NetworkStream(socket, ownsSocket: false);
    }

    private Transport(Stream stream)
    {
        _abort = new();
        _inner = _stream = stream;
    }

    /// <summary>Whether there is TLS.</summary>
    public bool IsTls => _stream != _inner;

    /// <exception cref="HubConnectionException">There is no connection, or TLS cannot be agreed on.</exception>
    /// <exception cref="SocketException">There is no connection.</exception>
    public static async Task<Transport> OpenAsync(HubClientOptions options, CancellationToken cancellationToken)
    {
        Transport transport = options.ConnectCallback is { } connect
            ? new(await CallAsync(connect, options, cancellationToken).ConfigureAwait(false))
            : new(await ConnectAsync(options, cancellationToken).ConfigureAwait(false));
        if (options.Tls is not { } tls)
        {
            return transport;
        }

        try
        {
            using var _ = cancellationToken.UnsafeRegister(static transport => ((Transport)transport!).Abort(), transport);
            transport._stream = await TlsHandshake.OpenAsync(transport._inner, options, tls, cancellationToken).ConfigureAwait(false);
            return transport;
        }
        catch
        {
            await transport.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Reads at least one byte; 0 at the end.</summary>
    public ValueTask<int> ReadAsync(Memory<byte> buffer) => _stream.ReadAsync(buffer, _abort?.Token ?? CancellationToken.None);

    /// <summary>Writes all bytes and flushes them.</summary>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes) =>
        _socket is null ? WriteAndFlushAsync(bytes, _abort!.Token) : _stream.WriteAsync(bytes, CancellationToken.None);

    /// <summary>Ends pending reads and writes, and all further ones. Does not block. May be called more than once.</summary>
    public void Abort()
    {
        if (_socket is not null)
        {
            _socket.Dispose();
            return;
        }

        lock (_gate)
        {
            // On the thread pool: this calls the program's code, and the caller may hold a lock.
            _aborted ??= Task.Run(AbortStreamAsync);
        }
    }

    /// <summary>Releases everything. No read or write is pending.</summary>
    public async ValueTask DisposeAsync()
    {
        Abort();
        _idle.TrySetResult();
        await (_aborted ?? Task.CompletedTask).ConfigureAwait(false);
        try
        {
            await _stream.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception)
        {
            // As in AbortStreamAsync.
        }

        _abort?.Dispose();
    }

    private static async Task<Socket> ConnectAsync(HubClientOptions options, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            await socket.ConnectAsync(options.Host, options.Port, cancellationToken).ConfigureAwait(false);
            CheckOtherEnd(socket, options);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// TCP simultaneous open: if nobody listens on an ephemeral port, the system may choose that very port as the source port and connect the
    /// socket to itself. The client would take its own HELLO for an answer, and no hub could listen there any more.
    /// </summary>
    private static void CheckOtherEnd(Socket socket, HubClientOptions options)
    {
        if (socket.LocalEndPoint is { } local && local.Equals(socket.RemoteEndPoint))
        {
            throw new HubConnectionException(
                null, $"no connection to {options.HubName}: nobody listens there, and the client was connected to itself");
        }
    }

    private static async Task<Stream> CallAsync(
        Func<HubConnectContext, CancellationToken, ValueTask<Stream>> connect, HubClientOptions options, CancellationToken cancellationToken)
    {
        Task<Stream>? connecting = null;
        try
        {
            connecting = connect(new(options.Host, options.Port), cancellationToken).AsTask();
            Stream stream = await connecting.WaitAsync(cancellationToken).ConfigureAwait(false)
                ?? throw new InvalidOperationException("it gave no stream");
            return stream is { CanRead: true, CanWrite: true } ? stream
                : throw new InvalidOperationException($"it gave a {stream.GetType().Name} that cannot be both read and written");
        }
        catch (Exception error)
        {
            if (connecting is not null)
            {
                _ = DisposeUnusedAsync(connecting);
            }

            if (error is HubConnectionException)
            {
                throw;
            }

            cancellationToken.ThrowIfCancellationRequested();
            throw new HubConnectionException(null, $"no connection to {options.HubName}: ConnectCallback failed: {error.Message}", error);
        }
    }

    /// <summary>Disposes of a stream that is unusable or comes too late. Nobody awaits this; it catches everything.</summary>
    private static async Task DisposeUnusedAsync(Task<Stream> connecting)
    {
        try
        {
            await (await connecting.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception)
        {
            // The attempt has failed already.
        }
    }

    private async ValueTask WriteAndFlushAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        await _stream.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
        await _stream.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task AbortStreamAsync()
    {
        try
        {
            try
            {
                await _abort!.CancelAsync().ConfigureAwait(false);
                await Task.WhenAny(_idle.Task, Task.Delay(CancelTimeout)).ConfigureAwait(false);
            }
            finally
            {
                await _inner.DisposeAsync().ConfigureAwait(false);
            }
        }
        catch (Exception)
        {
            // The connection is over; a failing Dispose changes nothing.
        }
    }
}
