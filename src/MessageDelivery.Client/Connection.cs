using System.Net.Sockets;
using System.Text;
using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>
/// A transport to the hub with its receive loop and send loop. It always ends the same way: the session detaches from it, the transport is
/// aborted, both loops end, then <see cref="Completion"/> completes.
/// </summary>
internal sealed class Connection : IAsyncDisposable
{
    private readonly Transport _transport;
    private readonly DeliveryQueue _deliveries;
    private readonly TimeProvider _time;
    private readonly Session _session;
    private readonly string _token;
    private readonly SessionLink _link = new();
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _completion;
    private volatile Heartbeat? _heartbeat;

    private Connection(Transport transport, TimeProvider time, Session session, DeliveryQueue deliveries, string token)
    {
        _transport = transport;
        _deliveries = deliveries;
        _time = time;
        _session = session;
        _token = token;
        _completion = RunAsync();
    }

    /// <summary>Its part in the session.</summary>
    public SessionLink Link => _link;

    /// <summary>Why it has ended; null while it is open.</summary>
    public HubConnectionException? CloseReason => _link.CloseReason;

    /// <summary>Whether the client has stopped reading until there is room for deliveries.</summary>
    public bool IsReceivePaused => _heartbeat is { IsSuspended: true };

    /// <summary>Completes when everything has ended and all memory is released; never fails.</summary>
    public Task Completion => _completion;

    /// <summary>Connects, sends HELLO and waits for WELCOME. The previous connection has completed.</summary>
    /// <exception cref="HubConnectionException">There is no hub, it refuses, or it takes too long.</exception>
    public static async Task<Connection> OpenAsync(
        HubClientOptions options, Session session, DeliveryQueue deliveries, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(options.ConnectTimeout, options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        Connection? connection = null;
        try
        {
            string token = await TokenAsync(options, either.Token).ConfigureAwait(false);
            Transport transport = await Transport.OpenAsync(options, either.Token).ConfigureAwait(false);
            connection = new(transport, options.TimeProvider, session, deliveries, token);
            await connection._opened.Task.WaitAsync(either.Token).ConfigureAwait(false);
            return connection;
        }
        catch (Exception error)
        {
            HubConnectionException reason = error switch
            {
                HubConnectionException known => known,
                OperationCanceledException => new(
                    null, $"{options.HubName} did not answer within {options.ConnectTimeout.TotalSeconds:0.###} s", new TimeoutException()),
                _ => new(null, $"no connection to {options.HubName}: {error.Message}", error),
            };
            if (connection is not null)
            {
                connection.Close(reason);
                await connection.Completion.ConfigureAwait(false);
            }

            cancellationToken.ThrowIfCancellationRequested();
            throw reason;
        }
    }

    private static async ValueTask<string> TokenAsync(HubClientOptions options, CancellationToken cancellationToken)
    {
        if (options.TokenProvider is not { } provider)
        {
            return options.Token ?? "";
        }

        try
        {
            string token = await provider(cancellationToken).AsTask().WaitAsync(cancellationToken).ConfigureAwait(false);
            int bytes = Encoding.UTF8.GetByteCount(token);
            return bytes <= ProtocolLimits.MaxTokenBytes ? token
                : throw new HubConnectionException(null, $"the token provider gave {bytes} bytes; at most {ProtocolLimits.MaxTokenBytes} are possible");
        }
        catch (Exception error) when (error is not HubConnectionException && !cancellationToken.IsCancellationRequested)
        {
            throw new HubConnectionException(null, $"the token provider failed: {error.Message}", error);
        }
    }

    /// <summary>Ends the connection now and drops what is not sent. The first reason is kept.</summary>
    public void Close(HubConnectionException reason)
    {
        if (_session.Detach(_link, reason) && _opened.TrySetException(reason))
        {
            // Marks the exception as observed: nobody may be waiting for it any more.
            _ = _opened.Task.Exception;
        }

        _transport.Abort();
        _deliveries.WakeProducer();
    }

    public async ValueTask DisposeAsync()
    {
        Close(HubConnectionException.ClosedHere());
        await _completion.ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        await Task.WhenAll(GuardAsync(SendLoopAsync()), GuardAsync(ReceiveLoopAsync())).ConfigureAwait(false);
        await GuardAsync(ReleaseAsync()).ConfigureAwait(false);
    }

    /// <summary>Ends the connection if one of its parts fails: the others would wait for it for ever.</summary>
    private async Task GuardAsync(Task part)
    {
        try
        {
            await part.ConfigureAwait(false);
        }
        catch (Exception error)
        {
            Close(new(null, error.Message, error));
        }
    }

    private async Task ReleaseAsync()
    {
        if (_heartbeat is { } heartbeat)
        {
            await heartbeat.DisposeAsync().ConfigureAwait(false);
        }

        await _transport.DisposeAsync().ConfigureAwait(false);
    }

    private async Task SendLoopAsync()
    {
        // Nothing is sent before WELCOME, which says from where a resumed session continues.
        await TrySendAsync(_session.CreateHello(_link, _token)).ConfigureAwait(false);
        while (CloseReason is null)
        {
            if (_session.TryTakeOutbound(_link, out ArraySegment<byte> batch))
            {
                await TrySendAsync(batch).ConfigureAwait(false);
                _session.NoteSent(batch);
            }
            else
            {
                await _session.Outbound.WaitAsync().ConfigureAwait(false);
            }
        }
    }

    private async ValueTask TrySendAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await _transport.WriteAsync(bytes).ConfigureAwait(false);
            _heartbeat?.NoteSent();
        }
        catch (Exception error)
        {
            // Before the bytes are reported as sent: calls that wait for room must fail.
            Close(Lost(error));
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
                    reason = _session.Receive(_link, frame);
                    if (frame.Header.Type == FrameType.Welcome && reason is null && _link.Start is { } start)
                    {
                        Open(start);
                    }
                    else if (frame.Header.Type == FrameType.HeartbeatReply)
                    {
                        _heartbeat?.NoteAnswered();
                    }

                    // Also after WELCOME: deliveries of the previous connection may fill the queue.
                    if (frame.Header.Type is FrameType.Delivery or FrameType.Welcome && reason is null && !_deliveries.HasRoom)
                    {
                        await WaitForRoomAsync().ConfigureAwait(false);

                        // The connection has ended instead. The rest of its input is replayed if the session resumes.
                        reason = _deliveries.HasRoom ? null : CloseReason;
                    }
                }
                else if (status == ReadStatus.TooLarge)
                {
                    reason = ProtocolViolation.TooLarge(_link, frame.Header);
                }
                else
                {
                    _session.AcknowledgeIfDue();
                    int bytes;
                    try
                    {
                        bytes = await _transport.ReadAsync(reader.GetSpace()).ConfigureAwait(false);
                    }
                    catch (Exception error)
                    {
                        reason = Lost(error);
                        break;
                    }

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
            // For example a handler of the program.
            reason = new(null, error.Message, error);
        }

        Close(reason);
        reader.Release();
    }

    private void Open(SessionStart start)
    {
        if (start.HeartbeatSeconds > 0)
        {
            _heartbeat = new(_session, _link, TimeSpan.FromSeconds(start.HeartbeatSeconds), _time, Close);
        }

        _opened.TrySetResult();
    }

    private async ValueTask WaitForRoomAsync()
    {
        _session.AcknowledgeIfDue();
        _heartbeat?.Suspend();
        while (!_deliveries.HasRoom && CloseReason is null)
        {
            await _deliveries.WaitForRoomAsync().ConfigureAwait(false);
        }

        _heartbeat?.Restart();
    }

    /// <summary>The close reason for a failed read or write.</summary>
    private HubConnectionException Lost(Exception error)
    {
        // In TLS 1.3 the hub checks the client's certificate after the client's handshake is complete.
        if (_transport.IsTls && !_opened.Task.IsCompleted && TlsHandshake.IsRefusal(error))
        {
            return new HubTlsException($"the hub ended TLS, perhaps for want of a certificate that it trusts: {error.InnerException?.Message ?? error.Message}", error);
        }

        // The stream of a socket only repeats the socket's error.
        Exception cause = error is IOException { InnerException: SocketException socketError } ? socketError : error;
        return new(null, $"the connection was lost: {cause.Message}", cause);
    }
}
