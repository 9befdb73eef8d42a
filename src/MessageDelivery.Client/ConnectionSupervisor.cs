using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>
/// Keeps a client connected: makes its first connection and replaces each that is lost, by the policy, until the client is closed for
/// good. One task does so and raises the events in order.
/// </summary>
internal sealed class ConnectionSupervisor(
    HubClientOptions options, Session session, DeliveryQueue deliveries, ClientTelemetry telemetry, ProgramCallbacks callbacks) : IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile Connection? _connection;
    private volatile HubConnectionException? _closeReason;

    // Completed when a client in the background may connect; null for one whose program waited for the first connection.
    private TaskCompletionSource? _begin;

    // Consecutive attempts that the hub refused for their token.
    private int _refusedTokens;

    public ConnectionState State =>
        _closed.Task.IsCompleted ? ConnectionState.Closed
        : _connection is not { } connection ? ConnectionState.Connecting
        : connection.CloseReason is not { } reason ? ConnectionState.Connected
        : MayReconnect(reason, attempts: 0) ? ConnectionState.Reconnecting
        : ConnectionState.Closed;

    /// <summary>Completes when the client is closed for good; never fails.</summary>
    public Task Closed => _closed.Task;

    /// <summary>Why the client is closed for good; null while it is not.</summary>
    public HubConnectionException? CloseReason => _closeReason;

    /// <summary>Why it is not connected; null while it is, and before an attempt has failed.</summary>
    public HubConnectionException? Trouble => _closeReason ?? _connection?.CloseReason ?? (_connection is null ? telemetry.LastFailure : null);

    /// <summary>The last connection; null before the first.</summary>
    public Connection? Connection => _connection;

    /// <summary>Completes at the next connection or when the client is closed for good.</summary>
    public Task Changed => Volatile.Read(ref _changed).Task;

    /// <summary>Completes when everything has ended; never fails.</summary>
    public Task Completion { get; private set; } = Task.CompletedTask;

    /// <summary>Makes the first connection, with one attempt, and replaces it from then on.</summary>
    /// <exception cref="HubConnectionException">The attempt failed.</exception>
    public async Task ConnectAsync(CancellationToken cancellationToken)
    {
        Connection connection = await Connection.OpenAsync(options, session, deliveries, cancellationToken).ConfigureAwait(false);
        _connection = connection;
        telemetry.NoteFirst(connection.Link.Start!);
        Completion = RunAsync(connection);
    }

    /// <summary>Makes the first connection in the background, from <see cref="Begin"/> on.</summary>
    public void Start()
    {
        callbacks.BeginConnecting();
        _begin = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Completion = ConnectAndRunAsync(_begin.Task);
    }

    /// <summary>Connects from now on, if it was to wait for this. More than once does no harm.</summary>
    public void Begin() => _begin?.TrySetResult();

    /// <summary>Makes no further connection.</summary>
    public Task StopAsync() => _stopping.CancelAsync();

    /// <summary>Makes no further connection, and cuts the one there is.</summary>
    public async Task CutAsync()
    {
        session.BeginClose();
        await _stopping.CancelAsync().ConfigureAwait(false);
        Connection? connection;
        lock (_gate)
        {
            connection = _connection;
        }

        connection?.Close(HubConnectionException.ClosedHere());
    }

    /// <summary>After <see cref="Completion"/>.</summary>
    public void Dispose() => _stopping.Dispose();

    // A client that is closing reconnects only for pending calls, and not to a hub that is shutting down.
    private bool MayReconnect(HubConnectionException reason, int attempts) =>
        PolicyAllows(reason, attempts) && (!session.IsClosing || (session.NeedsConnection && session.Shutdown is null));

    private bool PolicyAllows(HubConnectionException reason, int attempts) =>
        options.Reconnect is { } policy && (policy.MaxAttempts is not { } max || attempts < max)
        && (reason.ReconnectAdvice is ReconnectAdvice.Yes or ReconnectAdvice.AfterPause
            || (reason.ReconnectAdvice == ReconnectAdvice.WithToken && options.TokenProvider is not null && _refusedTokens == 0));

    private async Task ConnectAndRunAsync(Task begin)
    {
        // Continues on another thread: the caller of Begin may hold a lock, as containers do.
        try
        {
            await begin.WaitAsync(_stopping.Token).ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        }
        catch (OperationCanceledException)
        {
            Finish(HubConnectionException.ClosedHere());
            return;
        }

        Connection? connection = null;
        HubConnectionException reason;
        try
        {
            (connection, reason) = await ConnectFirstAsync().ConfigureAwait(false);
        }
        catch (Exception error)
        {
            reason = Failed(error);
        }

        if (connection is null)
        {
            Finish(reason);
            return;
        }

        Publish(connection);
        telemetry.NoteStart(connection.Link.Start!);
        if (callbacks.RaiseState(ConnectionState.Connected, new(null, "there was no connection before")) is { } failure)
        {
            connection.Close(failure);
        }

        await RunAsync(connection).ConfigureAwait(false);
    }

    private async Task<(Connection? Connection, HubConnectionException Reason)> ConnectFirstAsync()
    {
        for (int attempts = 0; ; attempts++)
        {
            try
            {
                Connection connection = await Connection.OpenAsync(options, session, deliveries, _stopping.Token).ConfigureAwait(false);
                _refusedTokens = 0;
                return (connection, HubConnectionException.ClosedHere());
            }
            catch (HubConnectionException error) when (MayReconnect(error, attempts))
            {
                telemetry.NoteAttemptFailed(error, isFirst: attempts == 0);
                _refusedTokens += error is HubAuthenticationException ? 1 : 0;
                TimeSpan pause = options.Reconnect!.DelayBefore(attempts, error.ReconnectAdvice, Random.Shared.NextDouble());
                try
                {
                    await Task.Delay(pause, options.TimeProvider, _stopping.Token).ConfigureAwait(false);
                }
                catch (OperationCanceledException)
                {
                    return (null, HubConnectionException.ClosedHere());
                }
            }
            catch (HubConnectionException error)
            {
                return (null, error);
            }
            catch (OperationCanceledException)
            {
                return (null, HubConnectionException.ClosedHere());
            }
        }
    }

    /// <summary>Replaces connections, and closes the client at the end, whatever the reason.</summary>
    private async Task RunAsync(Connection connection)
    {
        HubConnectionException reason;
        try
        {
            reason = await ReplaceConnectionsAsync(connection).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            reason = Failed(error);
            _connection!.Close(reason);
            await _connection.Completion.ConfigureAwait(false);
        }

        Finish(reason);
    }

    /// <summary>Returns why there is no further connection.</summary>
    private async Task<HubConnectionException> ReplaceConnectionsAsync(Connection connection)
    {
        int attempts = 0;
        while (true)
        {
            long since = options.TimeProvider.GetTimestamp();
            await connection.Completion.ConfigureAwait(false);
            HubConnectionException reason = connection.CloseReason!;
            if (options.Reconnect is { } policy && options.TimeProvider.GetElapsedTime(since) >= policy.MaxDelay)
            {
                attempts = 0;
            }

            (Connection? next, reason, attempts) = await ReconnectAsync(reason, attempts).ConfigureAwait(false);
            if (next is null)
            {
                return reason;
            }

            connection = next;
        }
    }

    private async Task<(Connection? Next, HubConnectionException Reason, int Attempts)> ReconnectAsync(HubConnectionException reason, int attempts)
    {
        HubConnectionException lost = reason;
        bool isTried = false;
        long since = options.TimeProvider.GetTimestamp();
        if (MayReconnect(lost, attempts) && callbacks.RaiseState(ConnectionState.Reconnecting, lost) is { } failure)
        {
            return (null, failure, attempts);
        }

        while (MayReconnect(reason, attempts))
        {
            isTried = true;
            try
            {
                TimeSpan? window = session.ResumeWindow;
                if (window is { } max && options.TimeProvider.GetElapsedTime(since) >= max)
                {
                    session.Expire();
                    continue;
                }

                _refusedTokens += reason is HubAuthenticationException ? 1 : 0;
                TimeSpan pause = options.Reconnect!.DelayBefore(attempts++, reason.ReconnectAdvice, Random.Shared.NextDouble(), window);
                await Task.Delay(pause, options.TimeProvider, _stopping.Token).ConfigureAwait(false);
                Connection next = await Connection.OpenAsync(options, session, deliveries, _stopping.Token).ConfigureAwait(false);
                _refusedTokens = 0;
                Replace(next, lost);
                return (next, lost, attempts);
            }
            catch (HubConnectionException error)
            {
                reason = error;
                telemetry.NoteAttemptFailed(error, isFirst: false);
            }
            catch (OperationCanceledException)
            {
                return (null, HubConnectionException.ClosedHere(), attempts);
            }
        }

        // Only the program has prevented it, and no call of its own needs the session.
        bool isClosedHere = !isTried && PolicyAllows(reason, attempts) && !session.WasLostWhileClosing;
        return (null, isClosedHere ? HubConnectionException.ClosedHere() : reason, attempts);
    }

    private void Replace(Connection next, HubConnectionException lost)
    {
        // Before any call is accepted: calls meant for the old user must not be sent as the new one.
        HubConnectionException? failure = callbacks.RaiseReconnected(next.Link.Start!, lost);
        if (failure is null)
        {
            session.Accept(next.Link);
        }

        Publish(next);
        failure ??= callbacks.RaiseState(ConnectionState.Connected, lost);
        if (failure is not null)
        {
            next.Close(failure);
        }
    }

    private void Publish(Connection connection)
    {
        lock (_gate)
        {
            _connection = connection;
            if (_stopping.IsCancellationRequested)
            {
                connection.Close(HubConnectionException.ClosedHere());
            }
        }

        Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    /// <summary>There will be no further connection.</summary>
    private void Finish(HubConnectionException reason)
    {
        _closeReason = reason;
        bool isClosedHere = reason.Code == ProtocolCode.Normal && session.IsClosing;
        try
        {
            session.End(reason, isClosedHere);
        }
        finally
        {
            deliveries.Complete(isClosedHere ? null : reason);
            _closed.TrySetResult();
            Volatile.Read(ref _changed).TrySetResult();
        }

        callbacks.RaiseState(ConnectionState.Closed, reason);
    }

    private static HubConnectionException Failed(Exception error) => new(ProtocolCode.Normal, $"the client cannot go on: {error.Message}", error);
}
