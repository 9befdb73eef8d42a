using System.Diagnostics.Metrics;
using System.Net;
using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Outside;
using MessageDelivery.Hub.Runtime;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Hub;

/// <summary>
/// A hub: listens, gives each connection a user id, and relays messages among them, on threads of its own. Runs on Linux.
/// Members are safe to call from any thread; it is started and stopped once.
/// </summary>
public sealed class MessageHub : IAsyncDisposable
{
    private readonly Embedder _embedder;
    private readonly AuthenticationService _authentication;
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _stopLock = new();
    private HubRuntime? _runtime;
    private Task? _stopped;

    /// <summary>Creates a hub that does nothing until <see cref="StartAsync"/>.</summary>
    /// <param name="options">How it runs.</param>
    /// <param name="loggers">Where it logs; null is nowhere.</param>
    /// <param name="meters">Who makes its meter, <c>MessageDelivery.Hub</c>; null makes one of its own.</param>
    /// <param name="time">The clock of its deadlines; null is the machine's.</param>
    /// <exception cref="ArgumentException">An option is impossible; the message names it, its value and the limit.</exception>
    public MessageHub(MessageHubOptions options, ILoggerFactory? loggers = null, IMeterFactory? meters = null, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        Options = options;
        _embedder = new(loggers, meters, options.Audit, time);
        _authentication = new(options.Authenticator, _embedder.Time, _embedder.Logger, failures: _embedder.Failures);
    }

    /// <summary>The options it was created with.</summary>
    public MessageHubOptions Options { get; }

    /// <summary>Where it listens, with the ports it was given, once started.</summary>
    public IReadOnlyList<IPEndPoint> Endpoints => _runtime?.Endpoints ?? [];

    /// <summary>Completes when the hub has stopped; fails if it had to for a defect.</summary>
    public Task Completion => _completion.Task;

    /// <summary>
    /// How it is now. It costs the hub's threads nothing: they note when they begin a turn, and this compares. Any thread.
    /// <see cref="RespondAsync"/> asks them instead.
    /// </summary>
    public HubHealth Health => _runtime?.Health(isDraining: Volatile.Read(ref _stopped) is not null) ?? default;

    /// <summary>Its meter, once started, for what serves the figures of this hub and of no other one in the process. Null where none could be made.</summary>
    public Meter? Meter => _runtime?.Meter;

    /// <summary>Blocks of message memory in use. After <see cref="StopAsync"/>, none.</summary>
    internal int OutstandingBlocks => Pool?.OutstandingBlocks ?? 0;

    internal BlockPool? Pool => _runtime?.Pool;

    /// <summary>Starts listening; completes when connections are accepted.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">An address cannot be listened on.</exception>
    /// <exception cref="ArgumentException">A socket that was passed does not listen, or others can reach it and there is no authentication.</exception>
    /// <exception cref="PlatformNotSupportedException">This is not Linux.</exception>
    public Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new PlatformNotSupportedException("The hub runs on Linux; its clients run anywhere.");
        }

        if (_runtime is not null)
        {
            throw new InvalidOperationException("The hub was started before.");
        }

        cancellationToken.ThrowIfCancellationRequested();
        _runtime = new(Options, _embedder, _authentication, failure => _completion.TrySetException(failure));
        return Task.CompletedTask;
    }

    /// <summary>
    /// Connects from within the process, without a socket: what is written to the stream is received by the hub as from any other
    /// connection, with the same protocols, limits and backpressure. It has no address, so that limits for one address do not apply.
    /// Disposing of the stream ends the connection. A refusal is told as to others, or the stream ends without a word. Any thread.
    /// </summary>
    /// <returns>A stream for one reader and one writer at a time, which holds about 64 KiB in each direction; the caller's to dispose of.</returns>
    /// <exception cref="InvalidOperationException">The hub does not run.</exception>
    public Stream ConnectInProcess() => _runtime is { } runtime && Volatile.Read(ref _stopped) is null
        ? runtime.Connect()
        : throw new InvalidOperationException("The hub does not run.");

    /// <summary>
    /// Stops: accepts no more, says goodbye, sends what is queued for at most <see cref="MessageHubOptions.DrainTimeout"/>, and
    /// closes everything. Cancelling drops what is still queued.
    /// </summary>
    public Task StopAsync(CancellationToken cancellationToken = default)
    {
        lock (_stopLock)
        {
            return _stopped ??= StopCoreAsync(cancellationToken);
        }
    }

    /// <summary>Stops, if that has not been done.</summary>
    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(false);

    /// <summary>
    /// Completes once each of the hub's threads has taken a turn: a hub that hangs does not. For health checks and watchdogs; give it a
    /// time limit.
    /// </summary>
    /// <exception cref="InvalidOperationException">The hub does not run, or one of its threads has ended.</exception>
    public Task RespondAsync() => _runtime is { } runtime && Volatile.Read(ref _stopped) is null
        ? runtime.RespondAsync()
        : throw new InvalidOperationException("The hub does not run.");

    /// <summary>
    /// Asks another authenticator from now on, for instance because its file has changed. Users whom it does not let stay
    /// (<see cref="IAuthenticator.MayStay"/>) are told <c>removed</c> and lose their sessions, also those who are away. All others go on
    /// with the rights they came with until they show a token again, or theirs expires. Any thread.
    /// </summary>
    /// <returns>How many users are removed.</returns>
    /// <exception cref="InvalidOperationException">The hub was created without an authenticator: it stays open.</exception>
    public int UseAuthenticator(IAuthenticator authenticator)
    {
        ArgumentNullException.ThrowIfNull(authenticator);
        if (!_authentication.IsDemanded)
        {
            throw new InvalidOperationException("The hub was created without an authenticator; whether it demands tokens cannot change while it runs.");
        }

        _authentication.Use(authenticator);
        int removed = _runtime?.RemoveUsers(identity => !_authentication.MayStay(authenticator, identity)) ?? 0;
        _embedder.Logger.AuthenticatorReplaced(removed);
        return removed;
    }

    /// <summary>
    /// Shows other certificates from now on, and checks clients' by other authorities. Connections that stand go on as they are;
    /// sessions of TLS that began under the old ones are not resumed.
    /// </summary>
    /// <param name="certificates">The new ones; all or nothing.</param>
    /// <exception cref="ArgumentException">They cannot be used; the message says why, and the old ones stay.</exception>
    /// <exception cref="InvalidOperationException">The hub was not started with TLS.</exception>
    public void UseCertificates(HubCertificates certificates)
    {
        ArgumentNullException.ThrowIfNull(certificates);
        if (_runtime?.Tls is not { } tls)
        {
            throw new InvalidOperationException("The hub was not started with TLS.");
        }

        tls.Use(certificates);
        _embedder.Logger.CertificatesInUse(certificates.Certificate.Subject, certificates.Certificate.NotAfter.ToUniversalTime());
    }

    private async Task StopCoreAsync(CancellationToken cancellationToken)
    {
        if (_runtime is { } runtime)
        {
            await runtime.StopAsync(cancellationToken).ConfigureAwait(false);
        }

        _embedder.Stop();
        _completion.TrySetResult();
    }
}
