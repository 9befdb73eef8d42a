using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <content>What it is doing, and the end.</content>
public sealed partial class HubClient
{
    // When the connection has been cut, everything ends at once but what the program's own code holds up; that gets this long.
    private static readonly TimeSpan HandlerPatience = TimeSpan.FromMilliseconds(500);

    private readonly HubClientOptions _options;
    private readonly DeliveryQueue _deliveries;
    private readonly Session _session;
    private readonly ClientTelemetry _telemetry;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile Connection? _connection;
    private Task _run = Task.CompletedTask;
    private volatile Task? _close;
    private Task? _dispose;
    private Task _release = Task.CompletedTask;
    private volatile HubConnectionException? _closeReason;
    private volatile bool _isDisposed;
    private ConnectionState _toldState;

    // Handlers, token providers and connect callbacks that are running.
    private int _programCalls;

    private HubClient(HubClientOptions options)
    {
        _options = options with
        {
            TokenProvider = options.TokenProvider is { } provider ? token => CallProgram(() => provider(token)) : null,
            ConnectCallback = options.ConnectCallback is { } connect ? (context, token) => CallProgram(() => connect(context, token)) : null,
        };
        _deliveries = new(options.ReceiveBufferBytes);
        _telemetry = new(options);
        _session = new(options, _deliveries, OnRelayRejected, _telemetry);
    }

    /// <summary>
    /// Raised when <see cref="ConnectionState"/> has changed: for a lost connection before the first attempt to replace it, for a new
    /// one behind the event that says what it is. Handlers run one after another and hold up what follows; one that throws closes
    /// the client.
    /// </summary>
    public event EventHandler<ConnectionStateChangedEventArgs>? ConnectionStateChanged;

    /// <summary>
    /// Raised when a lost connection was replaced and the session goes on: same id, nothing lost. Handlers run one after another
    /// before the next loss is dealt with; one that throws closes the client.
    /// </summary>
    public event EventHandler<SessionResumedEventArgs>? SessionResumed;

    /// <summary>
    /// Raised when a lost connection was replaced but the session could not be resumed: the id has changed, and calls that were
    /// pending have failed. Nothing is sent as the new user before the handlers have returned: calls made before that fail, too;
    /// <see cref="WaitUntilConnectedAsync"/> or <see cref="ConnectionStateChanged"/> tell when they no longer do. Handlers run as
    /// those of <see cref="SessionResumed"/> do.
    /// </summary>
    public event EventHandler<IdentityChangedEventArgs>? IdentityChanged;

    /// <summary>
    /// Raised when the hub answers a relay without a receipt with an error. Handlers hold up what arrives behind it and must not
    /// block; one that throws ends the connection.
    /// </summary>
    public event EventHandler<HubRelayRejectedEventArgs>? RelayRejected;

    /// <summary>This user's id, as the hub's welcome said; another one after <see cref="IdentityChanged"/>. 0 before the first connection.</summary>
    public ulong UserId => _session.Welcome.UserId;

    /// <summary>The most bytes a relay's body may have; before the first connection what the protocol allows.</summary>
    public int MaxBodyBytes => (int)_session.Welcome.MaxBodyBytes;

    /// <summary>The most receivers a relay may list; before the first connection what the protocol allows.</summary>
    public int MaxReceivers => _session.Welcome.MaxReceivers;

    /// <summary>What the client is doing.</summary>
    public ConnectionState ConnectionState =>
        _closed.Task.IsCompleted ? ConnectionState.Closed
        : _connection is not { } connection ? ConnectionState.Connecting
        : connection.CloseReason is not { } reason ? ConnectionState.Connected
        : MayReconnect(reason, attempts: 0) ? ConnectionState.Reconnecting
        : ConnectionState.Closed;

    /// <summary>Completes when the client is closed for good, whoever closed it; never fails. <see cref="CloseReason"/> says why.</summary>
    public Task Closed => _closed.Task;

    /// <summary>Why the client is closed for good; null while it is not. The code is <c>normal</c> if it was closed here.</summary>
    public HubConnectionException? CloseReason => _closeReason;

    /// <summary>Completes when the client is connected: at once, or after the first connection or the reconnection that is under way.</summary>
    /// <exception cref="HubConnectionException">The client is closed for good.</exception>
    public async ValueTask WaitUntilConnectedAsync(CancellationToken cancellationToken = default)
    {
        Begin();
        while (true)
        {
            Task changed = Volatile.Read(ref _changed).Task;
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (_closeReason is { } reason)
            {
                throw reason;
            }

            if (_connection is { CloseReason: null })
            {
                return;
            }

            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Says goodbye: sends everything the client has taken before, and waits until the hub has carried it out and answered with
    /// its own goodbye, behind which nothing comes. Calls made from now on fail. While there is no connection but calls taken
    /// before need one, it first waits for the session to be resumed, unless the hub had said that it is shutting down. Messages still
    /// arriving go to the reader; if there is none, those beyond <see cref="HubClientOptions.ReceiveBufferBytes"/> are thrown away.
    /// More than once does no harm. A handler of this client's events must not block until it has completed.
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
            await _stopping.CancelAsync().ConfigureAwait(false);
            Connection? connection;
            lock (_gate)
            {
                connection = _connection;
            }

            connection?.Close(HubConnectionException.ClosedHere());
            await EndsSoonAsync(_closed.Task).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Closes like <see cref="CloseAsync"/>, for at most <see cref="HubClientOptions.CloseTimeout"/> and without an error, and
    /// gives back the memory of messages that nobody has received. A handler that still runs then is waited for about a second
    /// longer, and not at all if it is the caller, which may block on this.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        bool isInHandler = _handlerThread == Environment.CurrentManagedThreadId;
        Task dispose;
        Connection? connection;
        lock (_gate)
        {
            dispose = _dispose ??= DisposeCoreAsync();
            connection = _connection;
        }

        // The client is not closed before its handlers have returned, but its connection may be.
        await (isInHandler ? Task.WhenAny(dispose, connection?.Completion ?? Task.CompletedTask) : dispose).ConfigureAwait(false);
    }

    /// <summary>Bytes that wait for the reader, for tests.</summary>
    internal long PendingDeliveryBytes => _deliveries.PendingBytes;

    internal bool IsReceivePaused => _connection is { IsReceivePaused: true };

    /// <summary>Bytes that wait to be sent or acknowledged, for tests.</summary>
    internal long PendingSendBytes => _session.PendingBytes;

    internal bool IsSendIdle => _session.IsSendIdle;

    private Session Live()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        Begin();
        return _session;
    }

    private bool IsClosing => _close is not null;

    private void OnRelayRejected(HubRequestException error)
    {
        _telemetry.NoteRelayRejected(error);
        Interlocked.Increment(ref _programCalls);
        try
        {
            RelayRejected?.Invoke(this, new(error));
        }
        finally
        {
            Interlocked.Decrement(ref _programCalls);
        }
    }

    private ValueTask<T> CallProgram<T>(Func<ValueTask<T>> call)
    {
        Interlocked.Increment(ref _programCalls);
        try
        {
            return call();
        }
        finally
        {
            Interlocked.Decrement(ref _programCalls);
        }
    }

    private async Task CloseCoreAsync()
    {
        // Left at once, so that whoever calls holds the lock only for a moment, and _close is set when the rest runs.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        _deliveries.BeginClose();
        bool isNeeded = _session.BeginClose() || _session.NeedsConnection;
        HubConnectionException? farewell = _session.Shutdown;
        if (!isNeeded || farewell is not null)
        {
            await _stopping.CancelAsync().ConfigureAwait(false);
        }

        await _closed.Task.ConfigureAwait(false);
        if (isNeeded && (_closeReason is { Code: not ProtocolCode.Normal } reason ? reason : farewell) is { } lost)
        {
            throw lost;
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

        _release = ReleaseAsync();
        await EndsSoonAsync(_release).ConfigureAwait(false);
    }

    private async Task ReleaseAsync()
    {
        await _run.ConfigureAwait(false);
        _session.Dispose();
        _deliveries.Discard();
        _stopping.Dispose();
    }

    /// <summary>Waits for what ends by itself, unless the program's own code holds it up.</summary>
    private async Task EndsSoonAsync(Task task)
    {
        bool isHeldUp = false;
        while (!task.IsCompleted && !isHeldUp)
        {
            await Task.WhenAny(task, Task.Delay(HandlerPatience)).ConfigureAwait(false);
            isHeldUp = Volatile.Read(ref _programCalls) > 0;
        }

        if (task.IsCompleted)
        {
            await task.ConfigureAwait(false);
        }
    }
}
