using System.Net.Sockets;
using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>
/// A socket to the hub, the loop that receives and the loop that sends. However it ends, it ends in one way: the session closes,
/// the socket closes, both loops end, the memory goes back; then <see cref="Completion"/> is done.
/// </summary>
internal sealed class Connection : IAsyncDisposable
{
    private readonly Socket _socket;
    private readonly DeliveryQueue _deliveries;
    private readonly TimeProvider _time;
    private readonly TaskCompletionSource<WelcomePayload> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _completion;
    private volatile Heartbeat? _heartbeat;

    private Connection(Socket socket, HubClientOptions options, DeliveryQueue deliveries, Action<HubRequestException> relayRejected)
    {
        _socket = socket;
        _deliveries = deliveries;
        _time = options.TimeProvider;
        Session = new(options, deliveries, relayRejected);
        Session.SendHello();
        _completion = RunAsync();
    }

    public Session Session { get; }

    /// <summary>The id and limits of this connection.</summary>
    public WelcomePayload Welcome { get; private set; }

    /// <summary>Whether the client has stopped reading until there is room for deliveries.</summary>
    public bool IsReceivePaused => _heartbeat is { IsPaused: true };

    /// <summary>Completes when everything has ended and all memory is back; never fails.</summary>
    public Task Completion => _completion;

    /// <summary>Connects, says HELLO and waits for WELCOME.</summary>
    /// <exception cref="HubConnectionException">There is no hub, it refuses, or it takes too long.</exception>
    public static async Task<Connection> OpenAsync(
        HubClientOptions options, DeliveryQueue deliveries, Action<HubRequestException> relayRejected, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(options.ConnectTimeout, options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Connection? connection = null;
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            await socket.ConnectAsync(options.Host, options.Port, either.Token).ConfigureAwait(false);
            connection = new(socket, options, deliveries, relayRejected);
            connection.Welcome = await connection._opened.Task.WaitAsync(either.Token).ConfigureAwait(false);
            return connection;
        }
        catch (Exception error)
        {
            HubConnectionException reason = error switch
            {
                HubConnectionException known => known,
                OperationCanceledException => new(
                    null, $"{options.Host}:{options.Port} did not answer within {options.ConnectTimeout.TotalSeconds:0.###} s", new TimeoutException()),
                _ => new(null, $"no connection to {options.Host}:{options.Port}: {error.Message}", error),
            };
            if (connection is null)
            {
                socket.Dispose();
            }
            else
            {
                connection.Close(reason);
                await connection.Completion.ConfigureAwait(false);
            }

            cancellationToken.ThrowIfCancellationRequested();
            throw reason;
        }
    }

    /// <summary>Ends the connection now, whatever waits to be sent; the first reason stays.</summary>
    public void Close(HubConnectionException reason)
    {
        if (Session.Close(reason) && _opened.TrySetException(reason))
        {
            // Looked at, as nobody may be waiting for it any more.
            _ = _opened.Task.Exception;
        }

        _socket.Dispose();
        _deliveries.WakeProducer();
    }

    public async ValueTask DisposeAsync()
    {
        Close(new(ProtocolCode.Normal, "the client was closed"));
        await _completion.ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        await Task.WhenAll(SendLoopAsync(), ReceiveLoopAsync()).ConfigureAwait(false);
        Session.Release();
        if (_heartbeat is { } heartbeat)
        {
            await heartbeat.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task SendLoopAsync()
    {
        while (Session.CloseReason is null)
        {
            if (!Session.TryTakeOutbound(out ArraySegment<byte> batch))
            {
                await Session.Outbound.WaitAsync().ConfigureAwait(false);
                continue;
            }

            try
            {
                ReadOnlyMemory<byte> rest = batch;
                while (!rest.IsEmpty)
                {
                    rest = rest[await _socket.SendAsync(rest, SocketFlags.None, CancellationToken.None).ConfigureAwait(false)..];
                }

                _heartbeat?.NoteSent();
            }
            catch (Exception error)
            {
                // Before the bytes are reported: a call that waits for their room is to fail, not to be taken.
                Close(Lost(error));
            }

            Session.Sent(batch);
        }
    }

    private async Task ReceiveLoopAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var reader = new FrameReader();
        HubConnectionException? reason = null;
        try
        {
            while (reason is null)
            {
                ReadStatus status = reader.TryRead(out Frame frame);
                if (status == ReadStatus.Frame)
                {
                    reason = Session.Receive(frame);
                    if (frame.Header.Type == FrameType.Welcome && reason is null)
                    {
                        Open(Session.Welcome!.Value);
                    }
                    else if (frame.Header.Type == FrameType.HeartbeatReply)
                    {
                        _heartbeat?.NoteAnswered();
                    }
                    else if (frame.Header.Type == FrameType.Delivery && !_deliveries.HasRoom)
                    {
                        await WaitForRoomAsync().ConfigureAwait(false);
                    }
                }
                else if (status == ReadStatus.TooLarge)
                {
                    reason = Session.TooLarge(frame.Header);
                }
                else
                {
                    int bytes = await _socket.ReceiveAsync(reader.GetSpace(), SocketFlags.None, CancellationToken.None).ConfigureAwait(false);
                    reader.Advance(bytes);
                    _heartbeat?.NoteReceived();
                    if (bytes == 0)
                    {
                        reason = new(null, reader.HasPartialFrame
                            ? "the connection ended in the middle of a frame" : "the hub ended the connection without a GOODBYE");
                    }
                }
            }
        }
        catch (Exception error)
        {
            reason = Lost(error);
        }

        Close(reason);
        reader.Release();
    }

    private void Open(WelcomePayload welcome)
    {
        if (welcome.HeartbeatSeconds > 0)
        {
            _heartbeat = new(Session, TimeSpan.FromSeconds(welcome.HeartbeatSeconds), _time, Close);
        }

        _opened.TrySetResult(welcome);
    }

    private async ValueTask WaitForRoomAsync()
    {
        _heartbeat?.Pause();
        while (!_deliveries.HasRoom && Session.CloseReason is null)
        {
            await _deliveries.WaitForRoomAsync().ConfigureAwait(false);
        }

        _heartbeat?.Resume();
    }

    private static HubConnectionException Lost(Exception error) => new(
        null, error is SocketException or ObjectDisposedException ? $"the connection was lost: {error.Message}" : error.Message, error);
}
