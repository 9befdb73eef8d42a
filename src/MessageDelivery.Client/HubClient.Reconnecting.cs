using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <content>From one connection to the next.</content>
public sealed partial class HubClient
{
    // Connections in a row that the hub has ended for their token.
    private int _refusedTokens;

    // The thread on which a handler runs; 0 while none does.
    private volatile int _handlerThread;

    // Who is closing waits for a session to go on where calls need it, but not for a hub that has said goodbye itself.
    private bool MayReconnect(HubConnectionException reason, int attempts) =>
        _options.Reconnect is { } policy && (!IsClosing || (_session.NeedsConnection && _session.Shutdown is null))
        && (policy.MaxAttempts is not { } most || attempts < most)
        && (reason.ReconnectAdvice is ReconnectAdvice.Yes or ReconnectAdvice.AfterPause
            || (reason.ReconnectAdvice == ReconnectAdvice.WithToken && _options.TokenProvider is not null && _refusedTokens == 0));

    /// <summary>Goes from connection to connection, and closes the client at the end, whatever that is.</summary>
    private async Task RunAsync(Connection connection)
    {
        HubConnectionException reason;
        try
        {
            reason = await ReplaceConnectionsAsync(connection).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            reason = new(ProtocolCode.Normal, $"the client cannot go on: {error.Message}", error);
            _connection!.Close(reason);
            await _connection.Completion.ConfigureAwait(false);
        }

        Finish(reason);
    }

    /// <summary>There will be no further connection.</summary>
    private void Finish(HubConnectionException reason)
    {
        _closeReason = reason;
        bool isClosedHere = reason.Code == ProtocolCode.Normal && IsClosing;
        try
        {
            _session.End(reason, isClosedHere);
        }
        finally
        {
            _deliveries.Complete(isClosedHere ? null : reason);
            _closed.TrySetResult();
            Volatile.Read(ref _changed).TrySetResult();
        }

        TellState(ConnectionState.Closed, reason);
    }

    /// <summary>Returns why there is no further connection.</summary>
    private async Task<HubConnectionException> ReplaceConnectionsAsync(Connection connection)
    {
        int attempts = 0;
        while (true)
        {
            long since = _options.TimeProvider.GetTimestamp();
            await connection.Completion.ConfigureAwait(false);
            HubConnectionException reason = connection.CloseReason!;
            if (_options.Reconnect is { } policy && _options.TimeProvider.GetElapsedTime(since) >= policy.MaxDelay)
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
        long since = _options.TimeProvider.GetTimestamp();
        if (MayReconnect(lost, attempts) && TellState(ConnectionState.Reconnecting, lost) is { } failure)
        {
            return (null, failure, attempts);
        }

        while (MayReconnect(reason, attempts))
        {
            try
            {
                TimeSpan? window = _session.ResumeWindow;
                if (window is { } most && _options.TimeProvider.GetElapsedTime(since) >= most)
                {
                    _session.Expire();
                    continue;
                }

                _refusedTokens += reason is HubAuthenticationException ? 1 : 0;
                TimeSpan pause = _options.Reconnect!.DelayBefore(attempts++, reason.ReconnectAdvice, Random.Shared.NextDouble(), window);
                await Task.Delay(pause, _options.TimeProvider, _stopping.Token).ConfigureAwait(false);
                Connection next = await Connection.OpenAsync(_options, _session, _deliveries, _stopping.Token).ConfigureAwait(false);
                _refusedTokens = 0;
                Replace(next, lost);
                return (next, lost, attempts);
            }
            catch (HubConnectionException error)
            {
                reason = error;
                _telemetry.NoteAttemptFailed(error, isFirst: false);
            }
            catch (OperationCanceledException)
            {
                return (null, HubConnectionException.ClosedHere(), attempts);
            }
        }

        return (null, reason, attempts);
    }

    private void Replace(Connection next, HubConnectionException lost)
    {
        // Told before any call is taken: what is meant to be sent as the old user is not sent as the new one.
        HubConnectionException? failure = TellOpening(next.Link.Opening!, lost);
        if (failure is null)
        {
            _session.Accept(next.Link);
        }

        lock (_gate)
        {
            _connection = next;
            if (_stopping.IsCancellationRequested)
            {
                next.Close(HubConnectionException.ClosedHere());
            }
        }

        Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        failure ??= TellState(ConnectionState.Connected, lost);
        if (failure is not null)
        {
            next.Close(failure);
        }
    }

    private HubConnectionException? TellOpening(SessionOpening opening, HubConnectionException lost)
    {
        _telemetry.NoteOpening(opening);
        return opening.IsResumed
            ? Tell(nameof(SessionResumed), () => SessionResumed?.Invoke(this, new(lost)))
            : Tell(nameof(IdentityChanged), () => IdentityChanged?.Invoke(this, new(opening.OldUserId, opening.UserId, lost, opening.UnknownRelays)));
    }

    private HubConnectionException? TellState(ConnectionState state, HubConnectionException reason)
    {
        (ConnectionState old, _toldState) = (_toldState, state);
        _telemetry.NoteState(old, state, reason);
        return Tell(nameof(ConnectionStateChanged), () => ConnectionStateChanged?.Invoke(this, new(old, state, reason)));
    }

    /// <summary>Raises an event; returns why the client is to be closed if a handler fails.</summary>
    private HubConnectionException? Tell(string name, Action raise)
    {
        Interlocked.Increment(ref _programCalls);
        _handlerThread = Environment.CurrentManagedThreadId;
        try
        {
            raise();
            return null;
        }
        catch (Exception error)
        {
            _telemetry.NoteHandlerFailed(name, error);
            return new(ProtocolCode.Normal, $"a handler of {name} failed: {error.Message}", error);
        }
        finally
        {
            _handlerThread = 0;
            Interlocked.Decrement(ref _programCalls);
        }
    }
}
