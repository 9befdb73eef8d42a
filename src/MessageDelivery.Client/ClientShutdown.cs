using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>Ends a client: a goodbye first, then the connection is cut. Closing and disposing happen once, however often they are called.</summary>
internal sealed class ClientShutdown(
    HubClientOptions options, Session session, DeliveryQueue deliveries, ConnectionSupervisor supervisor, ProgramCallbacks callbacks)
{
    // After the connection was cut, only the program's own code can delay the end. It gets this long.
    private static readonly TimeSpan HandlerPatience = TimeSpan.FromMilliseconds(500);

    private readonly Lock _gate = new();
    private Task? _close;
    private Task? _dispose;
    private Task _release = Task.CompletedTask;
    private volatile bool _isDisposed;

    public bool IsDisposed => _isDisposed;

    /// <inheritdoc cref="HubClient.CloseAsync"/>
    public async ValueTask CloseAsync(CancellationToken cancellationToken)
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
            await supervisor.CutAsync().ConfigureAwait(false);
            await EndsSoonAsync(supervisor.Closed).ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc cref="HubClient.DisposeAsync"/>
    public async ValueTask DisposeAsync()
    {
        bool isInHandler = callbacks.IsHandlerCalling;
        Task dispose;
        lock (_gate)
        {
            dispose = _dispose ??= DisposeCoreAsync();
        }

        // The client is not closed before its handlers have returned, but its connection may be.
        await (isInHandler ? Task.WhenAny(dispose, supervisor.Connection?.Completion ?? Task.CompletedTask) : dispose).ConfigureAwait(false);
    }

    private async Task CloseCoreAsync()
    {
        // Yields at once: the caller holds the lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        deliveries.BeginClose();
        bool isNeeded = session.BeginClose();
        HubConnectionException? shutdown = session.Shutdown;
        if (!isNeeded || shutdown is not null)
        {
            await supervisor.StopAsync().ConfigureAwait(false);
        }

        await supervisor.Closed.ConfigureAwait(false);
        if (isNeeded && (supervisor.CloseReason is { Code: not ProtocolCode.Normal } reason ? reason : shutdown) is { } lost)
        {
            throw lost;
        }
    }

    private async Task DisposeCoreAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        _isDisposed = true;
        using (var timeout = new CancellationTokenSource(options.CloseTimeout, options.TimeProvider))
        {
            try
            {
                await CloseAsync(timeout.Token).ConfigureAwait(false);
            }
            catch (Exception error) when (error is HubConnectionException or OperationCanceledException)
            {
                // Disposing does not throw; CloseReason tells.
            }
        }

        _release = ReleaseAsync();
        await EndsSoonAsync(_release).ConfigureAwait(false);
    }

    private async Task ReleaseAsync()
    {
        await supervisor.Completion.ConfigureAwait(false);
        session.Dispose();
        deliveries.Discard();
        supervisor.Dispose();
    }

    /// <summary>Waits for a task, but not for the program's own code.</summary>
    private async Task EndsSoonAsync(Task task)
    {
        bool isBlocked = false;
        while (!task.IsCompleted && !isBlocked)
        {
            await Task.WhenAny(task, Task.Delay(HandlerPatience)).ConfigureAwait(false);
            isBlocked = callbacks.AreRunning;
        }

        if (task.IsCompleted)
        {
            await task.ConfigureAwait(false);
        }
    }
}
