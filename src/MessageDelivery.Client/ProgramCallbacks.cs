using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>
/// The program's code that a client calls: handlers of its events, token providers and connect callbacks. It may throw, block, or close
/// the client that calls it.
/// </summary>
internal sealed class ProgramCallbacks(HubClient client, ClientTelemetry telemetry)
{
    private int _running;

    // 0 while no handler runs.
    private volatile int _handlerThread;
    private ConnectionState _toldState;

    public event EventHandler<ConnectionStateChangedEventArgs>? ConnectionStateChanged;

    public event EventHandler<SessionResumedEventArgs>? SessionResumed;

    public event EventHandler<IdentityChangedEventArgs>? IdentityChanged;

    public event EventHandler<HubRelayRejectedEventArgs>? RelayRejected;

    /// <summary>Whether some of it runs now.</summary>
    public bool AreRunning => Volatile.Read(ref _running) > 0;

    /// <summary>Whether the caller is a handler.</summary>
    public bool IsHandlerCalling => _handlerThread == Environment.CurrentManagedThreadId;

    /// <summary>These options, with their callbacks counted here.</summary>
    public HubClientOptions Count(HubClientOptions options) => options with
    {
        TokenProvider = options.TokenProvider is { } provider ? token => Call(() => provider(token)) : null,
        ConnectCallback = options.ConnectCallback is { } connect ? (context, token) => Call(() => connect(context, token)) : null,
    };

    /// <summary>The client connects in the background: handlers are told of its first connection, too.</summary>
    public void BeginConnecting() => _toldState = ConnectionState.Connecting;

    /// <summary>Raises an event. What a handler throws is for the caller.</summary>
    public void RaiseRelayRejected(HubRequestException error)
    {
        telemetry.NoteRelayRejected(error);
        Interlocked.Increment(ref _running);
        try
        {
            RelayRejected?.Invoke(client, new(error));
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    /// <summary>Raises <see cref="SessionResumed"/> or <see cref="IdentityChanged"/>; returns why the client is to be closed if a handler fails.</summary>
    public HubConnectionException? RaiseReconnected(SessionStart start, HubConnectionException lost)
    {
        telemetry.NoteStart(start);
        return start.IsResumed
            ? Raise(nameof(SessionResumed), () => SessionResumed?.Invoke(client, new(lost)))
            : Raise(nameof(IdentityChanged), () => IdentityChanged?.Invoke(client, new(start.OldUserId, start.UserId, lost, start.UnknownRelays)));
    }

    /// <summary>Raises <see cref="ConnectionStateChanged"/>; returns why the client is to be closed if a handler fails.</summary>
    public HubConnectionException? RaiseState(ConnectionState state, HubConnectionException reason)
    {
        (ConnectionState old, _toldState) = (_toldState, state);
        telemetry.NoteState(old, state, reason);
        return Raise(nameof(ConnectionStateChanged), () => ConnectionStateChanged?.Invoke(client, new(old, state, reason)));
    }

    private HubConnectionException? Raise(string name, Action raise)
    {
        Interlocked.Increment(ref _running);
        _handlerThread = Environment.CurrentManagedThreadId;
        try
        {
            raise();
            return null;
        }
        catch (Exception error)
        {
            telemetry.NoteHandlerFailed(name, error);
            return new(ProtocolCode.Normal, $"a handler of {name} failed: {error.Message}", error);
        }
        finally
        {
            _handlerThread = 0;
            Interlocked.Decrement(ref _running);
        }
    }

    // Counted until it returns its task: only blocking delays others.
    private ValueTask<T> Call<T>(Func<ValueTask<T>> call)
    {
        Interlocked.Increment(ref _running);
        try
        {
            return call();
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }
}
