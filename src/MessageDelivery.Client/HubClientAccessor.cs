namespace MessageDelivery.Client;

/// <summary>Makes the client when it is first asked for, and again when it is closed for good.</summary>
internal sealed class HubClientAccessor(HubClientOptions options) : IHubClientAccessor, IAsyncDisposable, IDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stopping = new();
    private Task<HubClient>? _client;
    private Task? _dispose;

    public async ValueTask<HubClient> GetAsync(CancellationToken cancellationToken)
    {
        Task<HubClient> client;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_dispose is not null, typeof(IHubClientAccessor));
            if (_client is null || _client.IsFaulted || (_client.IsCompletedSuccessfully && _client.Result.Closed.IsCompleted))
            {
                _client = ReplaceAsync(_client);
            }

            client = _client;
        }

        return await client.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        Task dispose;
        lock (_gate)
        {
            dispose = _dispose ??= DisposeCoreAsync(_client);
        }

        await dispose.ConfigureAwait(false);
    }

    /// <summary>For a container that is disposed synchronously: cuts the connection in the background.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _dispose ??= DisposeCoreAsync(_client);
        }
    }

    private async Task<HubClient> ReplaceAsync(Task<HubClient>? closed)
    {
        if (closed is { IsCompletedSuccessfully: true })
        {
            await (await closed.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
        }

        return await HubClient.ConnectAsync(options, _stopping.Token).ConfigureAwait(false);
    }

    private async Task DisposeCoreAsync(Task<HubClient>? client)
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        if (client is not null)
        {
            try
            {
                await (await client.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
            }
            catch (Exception error) when (error is HubConnectionException or OperationCanceledException or ArgumentException)
            {
                // Whoever asked for the client has had the error.
            }
        }

        _stopping.Dispose();
    }
}
