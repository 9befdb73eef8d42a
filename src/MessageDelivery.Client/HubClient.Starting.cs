using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <content>The first connection, made in the background.</content>
public sealed partial class HubClient
{
    // Set with the first call, or by whoever wants it connected; null where the program waited for the first connection.
    private TaskCompletionSource? _begin;

    /// <summary>
    /// Creates a client that makes its first connection as it makes those after a loss: in the background, and again and again, from
    /// <see cref="Begin"/> or the first call on. Calls made before it is connected wait. It is closed for good if the hub refuses in a
    /// way that would come again, or by the policy.
    /// </summary>
    internal static HubClient Create(HubClientOptions options)
    {
        options.Validate();
        var client = new HubClient(options)
        {
            _toldState = ConnectionState.Connecting,
            _begin = new(TaskCreationOptions.RunContinuationsAsynchronously),
        };
        client._run = client.ConnectAndRunAsync();
        return client;
    }

    /// <summary>Connects from now on. More than once does no harm.</summary>
    internal void Begin() => _begin?.TrySetResult();

    /// <summary>Where it connects to, in words.</summary>
    internal string HubName => _options.HubName;

    /// <summary>Why it is not connected; null while it is, and before the first attempt has failed.</summary>
    internal HubConnectionException? Trouble => _closeReason ?? _connection?.CloseReason ?? (_connection is null ? _telemetry.LastFailure : null);

    private async Task ConnectAndRunAsync()
    {
        // Continues on another thread: who begins may hold a lock, as containers do, and the token provider is called under none.
        try
        {
            await _begin!.Task.WaitAsync(_stopping.Token).ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
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
            reason = new(ProtocolCode.Normal, $"the client cannot go on: {error.Message}", error);
        }

        if (connection is null)
        {
            Finish(reason);
            return;
        }

        lock (_gate)
        {
            _connection = connection;
            if (_stopping.IsCancellationRequested)
            {
                connection.Close(HubConnectionException.ClosedHere());
            }
        }

        Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        _telemetry.NoteOpening(connection.Link.Opening!);
        if (TellState(ConnectionState.Connected, new(null, "there was no connection before")) is { } failure)
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
                Connection connection = await Connection.OpenAsync(_options, _session, _deliveries, _stopping.Token).ConfigureAwait(false);
                _refusedTokens = 0;
                return (connection, HubConnectionException.ClosedHere());
            }
            catch (HubConnectionException error) when (MayReconnect(error, attempts))
            {
                _telemetry.NoteAttemptFailed(error, isFirst: attempts == 0);
                _refusedTokens += error is HubAuthenticationException ? 1 : 0;
                TimeSpan pause = _options.Reconnect!.DelayBefore(attempts, error.ReconnectAdvice, Random.Shared.NextDouble());
                try
                {
                    await Task.Delay(pause, _options.TimeProvider, _stopping.Token).ConfigureAwait(false);
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
}
