using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <content>From one connection to the next, and the end.</content>
public sealed partial class HubClient
{
    private readonly HubClientOptions _options;
    private readonly DeliveryQueue _deliveries;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile Connection _connection = null!;
    private Task _run = Task.CompletedTask;
    private volatile Task? _close;
    private Task? _dispose;
    private volatile HubConnectionException? _closeReason;
    private volatile bool _isDisposed;

    private HubClient(HubClientOptions options)
    {
        _options = options;
        _deliveries = new(options.ReceiveBufferBytes);
    }

    /// <summary>
    /// Raised when the connection is lost and the client is going to connect again, before the first attempt. Handlers must not
    /// block; one that throws closes the client.
    /// </summary>
    public event EventHandler<HubClientConnectionLostEventArgs>? ConnectionLost;

    /// <summary>
    /// Raised after a lost connection was replaced: the id has changed, and calls that were pending have failed. Handlers run
    /// one after another before the next loss is dealt with; one that throws closes the client.
    /// </summary>
    public event EventHandler<HubClientReconnectedEventArgs>? Reconnected;

    /// <summary>
    /// Raised when the hub answers a relay without a receipt with an error. Handlers hold up what arrives behind it and must not
    /// block; one that throws ends the connection.
    /// </summary>
    public event EventHandler<HubRelayRejectedEventArgs>? RelayRejected;

    /// <summary>This user's id, as the hub's welcome said; another one after a reconnection.</summary>
    public ulong UserId => _connection.Welcome.UserId;

    /// <summary>The most bytes a relay's body may have.</summary>
    public int MaxBodyBytes => (int)_connection.Welcome.MaxBodyBytes;

    /// <summary>The most receivers a relay may list.</summary>
    public int MaxReceivers => _connection.Welcome.MaxReceivers;

    /// <summary>What the client is doing.</summary>
    public HubClientState State
    {
        get
        {
            if (_closed.Task.IsCompleted)
            {
                return HubClientState.Closed;
            }

            return _connection.Session.CloseReason is not { } reason ? HubClientState.Connected
                : MayReconnect(reason, attempts: 0) ? HubClientState.Reconnecting
                : HubClientState.Closed;
        }
    }

    /// <summary>Completes when the client is closed for good, whoever closed it; never fails. <see cref="CloseReason"/> says why.</summary>
    public Task Closed => _closed.Task;

    /// <summary>Why the client is closed for good; null while it is not. The code is <c>normal</c> if it was closed here.</summary>
    public HubConnectionException? CloseReason => _closeReason;

    /// <summary>Completes when the client is connected: at once, or after the reconnection that is under way.</summary>
    /// <exception cref="HubConnectionException">The client is closed for good.</exception>
    public async ValueTask WaitUntilConnectedAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            Task changed = Volatile.Read(ref _changed).Task;
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (_closeReason is { } reason)
            {
                throw reason;
            }

            if (_connection.Session.CloseReason is null)
            {
                return;
            }

            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Says goodbye: sends everything the client has taken before, and waits until the hub has carried it out and answered with
    /// its own goodbye, behind which nothing comes. Calls made from now on fail. Messages still arriving go to the reader; if
    /// there is none, those beyond <see cref="HubClientOptions.ReceiveBufferBytes"/> are thrown away. More than once does no harm.
    /// </summary>
    /// <param name="cancellationToken">Stops waiting and cuts the connection.</param>
    /// <exception cref="HubConnectionException">The connection ended before the hub's goodbye, so some of it may be lost.</exception>
    public async ValueTask CloseAsync(CancellationToken cancellationToken = default)
    {
        Task close;
        lock (_gate)
        {
            close = _close ??= CloseCoreAsync();
        }

        try
        {
            await close.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _connection.Close(ClosedHere());
            await _closed.Task.ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Closes like <see cref="CloseAsync"/>, for at most <see cref="HubClientOptions.CloseTimeout"/> and without an error, and
    /// gives back the memory of messages that nobody has received.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        Task dispose;
        lock (_gate)
        {
            dispose = _dispose ??= DisposeCoreAsync();
        }

        await dispose.ConfigureAwait(false);
    }

    /// <summary>Bytes that wait for the reader, for tests.</summary>
    internal long PendingDeliveryBytes => _deliveries.PendingBytes;

    internal bool IsReceivePaused => _connection.IsReceivePaused;

    internal bool IsSendIdle => _connection.Session.IsSendIdle;

    private static HubConnectionException ClosedHere() => new(ProtocolCode.Normal, "the client was closed");

    private static HubConnectionException HandlerFailed(string name, Exception error) =>
        new(ProtocolCode.Normal, $"a handler of {name} failed: {error.Message}", error);

    private Connection Live()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return _connection;
    }

    private bool IsClosing => _close is not null;

    private bool MayReconnect(HubConnectionException reason, int attempts) =>
        _options.Reconnect is { } policy && !IsClosing && (policy.MaxAttempts is not { } most || attempts < most)
        && reason.ReconnectAdvice is ReconnectAdvice.Yes or ReconnectAdvice.AfterPause;

    private void OnRelayRejected(HubRequestException error) => RelayRejected?.Invoke(this, new(error));

    private async Task CloseCoreAsync()
    {
        // Left at once, so that whoever calls holds the lock only for a moment, and _close is set when the rest runs.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        Connection connection;
        lock (_gate)
        {
            connection = _connection;
        }

        await _stopping.CancelAsync().ConfigureAwait(false);
        _deliveries.BeginClose();
        bool hadConnection = connection.Session.TrySendGoodbye();
        await _closed.Task.ConfigureAwait(false);
        if (hadConnection && connection.Session.CloseReason is { Code: not ProtocolCode.Normal } reason)
        {
            throw reason;
        }
    }

    private async Task DisposeCoreAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        _isDisposed = true;
        using (var timeout = new CancellationTokenSource(_options.CloseTimeout, _options.TimeProvider))
        {
            try
            {
                await CloseAsync(timeout.Token).ConfigureAwait(false);
            }
            catch (Exception error) when (error is HubConnectionException or OperationCanceledException)
            {
                // Disposing says nothing; CloseReason does.
            }
        }

        await _run.ConfigureAwait(false);
        _deliveries.Discard();
        _stopping.Dispose();
    }

    private async Task RunAsync(Connection connection)
    {
        HubConnectionException reason;
        int attempts = 0;
        while (true)
        {
            long since = _options.TimeProvider.GetTimestamp();
            await connection.Completion.ConfigureAwait(false);
            reason = connection.Session.CloseReason!;
            if (_options.Reconnect is { } policy && _options.TimeProvider.GetElapsedTime(since) >= policy.MaxDelay)
            {
                attempts = 0;
            }

            (Connection? next, reason, attempts) = await ReconnectAsync(reason, attempts).ConfigureAwait(false);
            if (next is null)
            {
                break;
            }

            connection = next;
        }

        _closeReason = reason;
        _deliveries.Complete(reason.Code == ProtocolCode.Normal && IsClosing ? null : reason);
        _closed.TrySetResult();
        Volatile.Read(ref _changed).TrySetResult();
    }

    private async Task<(Connection? Next, HubConnectionException Reason, int Attempts)> ReconnectAsync(HubConnectionException reason, int attempts)
    {
        HubConnectionException lost = reason;
        if (MayReconnect(lost, attempts))
        {
            try
            {
                ConnectionLost?.Invoke(this, new(lost));
            }
            catch (Exception error)
            {
                return (null, HandlerFailed(nameof(ConnectionLost), error), attempts);
            }
        }

        while (MayReconnect(reason, attempts))
        {
            try
            {
                TimeSpan pause = _options.Reconnect!.DelayBefore(attempts++, reason.ReconnectAdvice, Random.Shared.NextDouble());
                await Task.Delay(pause, _options.TimeProvider, _stopping.Token).ConfigureAwait(false);
                Connection next = await Connection.OpenAsync(_options, _deliveries, OnRelayRejected, _stopping.Token).ConfigureAwait(false);
                Replace(next, lost);
                return (next, lost, attempts);
            }
            catch (HubConnectionException error)
            {
                reason = error;
            }
            catch (OperationCanceledException)
            {
                return (null, ClosedHere(), attempts);
            }
        }

        return (null, reason, attempts);
    }

    private void Replace(Connection next, HubConnectionException lost)
    {
        ulong oldId = _connection.Welcome.UserId;
        lock (_gate)
        {
            _connection = next;
            if (IsClosing)
            {
                next.Close(ClosedHere());
            }
        }

        Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        try
        {
            Reconnected?.Invoke(this, new(oldId, next.Welcome.UserId, lost));
        }
        catch (Exception error)
        {
            next.Close(HandlerFailed(nameof(Reconnected), error));
        }
    }
}
