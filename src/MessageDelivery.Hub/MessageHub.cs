using System.Diagnostics.Metrics;
using System.Net;
using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outside;
using MessageDelivery.Hub.Protocols;
using MessageDelivery.Hub.Protocols.Detection;
using MessageDelivery.Hub.Resuming;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Transport.Layers;
using MessageDelivery.Hub.Users;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MessageDelivery.Hub;

/// <summary>
/// A hub: listens, gives each connection a user id, and relays messages among them, on threads of its own. Runs on Linux.
/// Members are safe to call from any thread; it is started and stopped once.
/// </summary>
public sealed partial class MessageHub : IAsyncDisposable, IListenerEvents, ILoopEvents
{
    /// <summary>File descriptors, at least, for everything that is not a connection.</summary>
    private const int OtherDescriptors = 64;

    /// <summary>Those among them that are kept free for what is opened while the hub runs: logs, settings and certificates that are read anew.</summary>
    private const int SpareDescriptors = 16;

    private const int DescriptorsPerLoop = 2;

    /// <summary>Connections beyond the limit that are told so; yet more are closed without a word.</summary>
    private const int MaxRefusals = 32;

    private const int Backlog = 4096;
    private const long QuietMilliseconds = 1_000;

    /// <summary>How long those that are told what happens may take at the end for what they have not taken yet.</summary>
    private static readonly TimeSpan LastCallsPatience = TimeSpan.FromSeconds(1);

    private readonly CalledLogger? _called;
    private readonly ILogger _logger;
    private readonly OutsideFailures _failures;
    private readonly CalledAudit? _audit;
    private readonly TimeProvider _time;
    private readonly IMeterFactory? _meters;
    private readonly Admission _admission;
    private readonly List<Listener> _listeners = [];
    private readonly ConnectionPlaces _places;
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _stopLock = new();
    private BlockPool? _pool;
    private EventLoop[] _loops = [];
    private Detector[] _detectors = [];
    private SessionTable? _sessions;
    private HubMetrics? _metrics;
    private int _nextLoop;
    private long _accepted;
    private long _quietUntil;
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
        _called = loggers is null ? null : new(loggers.CreateLogger<MessageHub>());
        _logger = _called ?? (ILogger)NullLogger.Instance;
        _failures = new(_logger);
        _audit = options.Audit is null ? null : new(options.Audit, _failures);
        _meters = meters;
        _time = time ?? TimeProvider.System;
        _admission = new(options.Authenticator, _time, _logger, failures: _failures);
        _places = new(options.MaxConnections ?? DescriptorsForConnections(options), MaxRefusals);
    }

    /// <summary>The options it was created with.</summary>
    public MessageHubOptions Options { get; }

    /// <summary>Where it listens, with the ports it was given, once started.</summary>
    public IReadOnlyList<IPEndPoint> Endpoints => [.. _listeners.Select(listener => listener.Endpoint)];

    /// <summary>Completes when the hub has stopped; fails if it had to for a defect.</summary>
    public Task Completion => _completion.Task;

    /// <summary>Blocks of message memory in use. After <see cref="StopAsync"/>, none.</summary>
    internal int OutstandingBlocks => _pool?.OutstandingBlocks ?? 0;

    internal BlockPool? Pool => _pool;

    /// <summary>Starts listening; completes when connections are accepted.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">An address cannot be listened on.</exception>
    /// <exception cref="ArgumentException">A socket that was passed is none that listens, or is open to strangers.</exception>
    /// <exception cref="PlatformNotSupportedException">This is not Linux.</exception>
    public Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new PlatformNotSupportedException("The hub runs on Linux; its clients run anywhere.");
        }

        if (_pool is not null)
        {
            throw new InvalidOperationException("The hub was started before.");
        }

        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            _pool = new BlockPool(
                Options.MemoryLimitBytes ?? MessageHubOptions.DefaultMemoryLimitBytes, (long)Options.StallTimeout.TotalMilliseconds);
            _pool.CeilingChanged = TellCeiling;
            StartLoops(_pool);
        }
        catch
        {
            Abandon();
            throw;
        }

        _logger.Limits(new(_pool.LimitBytes), _pool.LimitBytes, _places.Most, _loops.Length);
        foreach (var listener in _listeners)
        {
            listener.Listen();
            _logger.Listening(listener.Endpoint);
        }

        return Task.CompletedTask;
    }

    /// <summary>
    /// Stops: accepts nobody, says goodbye, sends what is queued for at most <see cref="MessageHubOptions.DrainTimeout"/>, and
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

    void IListenerEvents.Accepted(int socket, in PeerAddress peer)
    {
        var place = TryAdmit(peer, out var refusal);
        place ??= _places.TryTakeToRefuse();
        if (place is null)
        {
            TurnAway(peer, refusal!);
            Libc.Close(socket);
            return;
        }

        int index = _nextLoop;
        _nextLoop = (index + 1) % _loops.Length;
        var detector = _detectors[index];
        long order = ++_accepted;
        refusal ??= _pool!.IsLow || _pool.HasWaitedSince(_loops[0].Now - QuietMilliseconds) ? Ending.Overloaded : null;
        try
        {
            detector.Host.Adopt(new SocketLayer(socket), place, peer, connection => detector.Open(connection, refusal, order));
        }
        catch
        {
            // The listener closes it.
            place.Leave();
            throw;
        }
    }

    void IListenerEvents.TurnedAway(in PeerAddress peer)
    {
        NoteTurnedAway(peer, CloseReason.TooManyConnections);
        if (_loops[0].Now >= _quietUntil)
        {
            _quietUntil = _loops[0].Now + QuietMilliseconds;
            _logger.TooManyConnections(_places.Most);
        }
    }

    void IListenerEvents.AcceptFailed(IPEndPoint endpoint, int error) => _logger.AcceptFailed(endpoint, error);

    /// <summary>
    /// Completes once each of the hub's threads has taken a turn: a hub that hangs does not. For health checks and watchdogs; give it a
    /// time limit.
    /// </summary>
    /// <exception cref="InvalidOperationException">The hub does not run.</exception>
    public Task RespondAsync()
    {
        if (_loops.Length == 0 || Volatile.Read(ref _stopped) is not null)
        {
            throw new InvalidOperationException("The hub does not run.");
        }

        return Task.WhenAll(_loops.Select(static loop =>
        {
            var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            loop.Call(turn.SetResult);
            return turn.Task;
        }));
    }

    private static int DescriptorsForConnections(MessageHubOptions options)
    {
        int loops = options.EventLoops ?? Environment.ProcessorCount;
        int others = OpenFiles.Count() + (loops * DescriptorsPerLoop) + ConnectionPlaces.MaxGivingWay + SpareDescriptors;
        return (int)Math.Max(1, OpenFiles.RaiseLimit() - Math.Max(OtherDescriptors, others) - MaxRefusals);
    }

    private void OpenListeners()
    {
        var keepAlive = KeepAlive.Within(Options.KeepAlive);
        foreach (var socket in Options.ListeningSockets)
        {
            var listener = new Listener(_loops[0], socket, Options.SendBufferBytes, keepAlive, this);
            _listeners.Add(listener);
            if (Options.IsOpenToStrangers(listener.Endpoint))
            {
                throw new ArgumentException(
                    $"A socket that was passed listens on {listener.Endpoint}, which others can reach, and there is no authentication; Authenticator demands one, AllowAnonymous allows that.");
            }
        }

        if (Options.ListeningSockets.Count == 0)
        {
            foreach (var endpoint in Options.Listen)
            {
                _listeners.Add(new Listener(_loops[0], endpoint, Backlog, Options.SendBufferBytes, keepAlive, this));
            }
        }
    }

    private void StartLoops(BlockPool pool)
    {
        var settings = new ConnectionSettings(
            Options.QueueLimitBytes,
            (long)Options.StallTimeout.TotalMilliseconds,
            (long)Options.DrainTimeout.TotalMilliseconds,
            (long)Options.KeepAlive.TotalMilliseconds);
        var limits = new SessionLimits((ushort)Options.Heartbeat.TotalSeconds, _places.Most) { User = Options.Limits, FullQueue = Options.FullQueue };
        var users = new UserRegistry(pool, Options.Limits.Ids == UserIdOrder.Random ? RandomIds.Create() : null);
        var term = new SessionTerm(
            (long)Options.ResumeWindow.TotalMilliseconds, Options.ResumeRetentionBytes, (long)Options.ConfirmTimeout.TotalMilliseconds, _places.Most);
        _sessions = new(users, term, _logger, new AuditTrail(_audit));
        _limited = _sessions.Limited;
        _addresses = CreateAddressTable();
        int count = Options.EventLoops ?? Environment.ProcessorCount;
        _loops = [.. Enumerable.Range(0, count).Select(number => new EventLoop(number, pool, _time, this, _failures))];
        OpenListeners();
        _tls = Options.Tls.Mode == HubTlsMode.Off ? null : new(Options.Tls, _logger.ConnectionFailed);
        _detectors = [.. _loops.Select(loop => new Detector(new(loop, settings), _sessions, limits, _logger, _admission, _tls))];
        _metrics = new(_meters, _loops, _sessions, pool, _failures);
        foreach (var loop in _loops)
        {
            loop.Start();
        }
    }

    void ILoopEvents.ConnectionFailed(Exception exception) => _logger.ConnectionFailed(exception);

    void ILoopEvents.LoopFailed(Exception exception)
    {
        _logger.LoopFailed(exception);
        _completion.TrySetException(exception);
    }

    private async Task StopCoreAsync(CancellationToken cancellationToken)
    {
        if (_pool is null)
        {
            _completion.TrySetResult();
            return;
        }

        _logger.Stopping(_places.Taken, Options.DrainTimeout);
        await Task.WhenAll(_listeners.Select(listener => listener.StopAsync())).ConfigureAwait(false);
        foreach (var detector in _detectors)
        {
            detector.Host.Loop.Call(detector.Host.ShutDown);
        }

        await using (cancellationToken.Register(() => Array.ForEach(_detectors, detector => detector.Host.Loop.Call(detector.Host.AbortAll))))
        {
            await Task.WhenAll(_loops.Select(loop => loop.Ended)).ConfigureAwait(false);
        }

        LetGo(_tls is null ? null : _tls.Dispose);
        LetGo(_sessions is null ? null : _sessions.EndAll);
        _listeners.ForEach(listener => LetGo(listener.Dispose));
        Array.ForEach(_loops, loop => LetGo(loop.Dispose));
        LetGo(_metrics is null ? null : _metrics.Dispose);
        LetGo(_pool.Dispose);
        _logger.Stopped();
        _audit?.Stop(LastCallsPatience);
        _called?.Stop(LastCallsPatience);
        _completion.TrySetResult();
    }

    private void TellCeiling(long ceiling)
    {
        if (ceiling < _pool!.LimitBytes / BlockSizes.LargeBytes * BlockSizes.LargeBytes)
        {
            _logger.MemoryRefused(ceiling, _pool.LimitBytes);
        }
        else
        {
            _logger.MemoryGiven(_pool.LimitBytes);
        }
    }

    /// <summary>One step of stopping; the others are taken all the same.</summary>
    private void LetGo(Action? step)
    {
        try
        {
            step?.Invoke();
        }
        catch (Exception exception)
        {
            _logger.ConnectionFailed(exception);
        }
    }

    /// <summary>Starting has failed half-way.</summary>
    private void Abandon()
    {
        foreach (var loop in _loops)
        {
            if (loop.IsStarted)
            {
                loop.Call(loop.Stop);
                loop.Ended.Wait();
            }

            LetGo(loop.Dispose);
        }

        LetGo(_tls is null ? null : _tls.Dispose);
        LetGo(_metrics is null ? null : _metrics.Dispose);
        _listeners.ForEach(listener => LetGo(listener.Dispose));
        _listeners.Clear();
        _loops = [];
        _pool?.Dispose();
        _pool = null;
    }
}
