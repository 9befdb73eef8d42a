using System.Net;
using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outside;
using MessageDelivery.Hub.Protocols;
using MessageDelivery.Hub.Protocols.Detection;
using MessageDelivery.Hub.Protocols.Http;
using MessageDelivery.Hub.Resuming;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Transport.Layers;
using MessageDelivery.Hub.Users;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Hub.Runtime;

/// <summary>
/// Everything that runs while a hub does: built and started in one go, or not at all. What has been built is given back in the opposite
/// order, when the hub stops as well as when a later part cannot be had; no part that fails then keeps the others. Any thread.
/// </summary>
internal sealed class HubRuntime : ILoopEvents
{
    /// <summary>File descriptors, at least, for everything that is not a connection.</summary>
    private const int OtherDescriptors = 64;

    /// <summary>Those among them that are kept free for what is opened while the hub runs: logs, settings and certificates that are read anew.</summary>
    private const int SpareDescriptors = 16;

    private const int DescriptorsPerLoop = 2;

    /// <summary>Connections beyond the limit that are told so; yet more are closed without a word.</summary>
    private const int MaxRefusals = 32;

    private const int Backlog = 4096;

    private readonly MessageHubOptions _options;
    private readonly ILogger _logger;
    private readonly Action<Exception> _failed;
    private readonly Stack<Action> _releases = new();
    private readonly ConnectionQuota _quota;
    private readonly SessionTable _sessions;
    private readonly IReadOnlyList<EventLoop> _loops;
    private readonly IReadOnlyList<ConnectionHost> _hosts;
    private readonly IReadOnlyList<Listener> _listeners;
    private readonly Acceptor _acceptor;

    /// <param name="failed">Told that a loop has ended for a defect: the hub has to stop.</param>
    public HubRuntime(MessageHubOptions options, Embedder embedder, AuthenticationService authentication, Action<Exception> failed)
    {
        _options = options;
        _logger = embedder.Logger;
        _failed = failed;
        try
        {
            _quota = new(options.MaxConnections ?? DescriptorsForConnections(options), MaxRefusals);
            Pool = Own(new BlockPool(options.MemoryLimitBytes ?? MessageHubOptions.DefaultMemoryLimitBytes, Milliseconds(options.StallTimeout)));
            Pool.CeilingChanged = CeilingChanged;
            var settings = new ConnectionSettings(
                options.QueueLimitBytes, Milliseconds(options.StallTimeout), Milliseconds(options.DrainTimeout), Milliseconds(options.KeepAlive));
            _loops = [.. Enumerable.Range(0, options.EventLoops ?? Environment.ProcessorCount)
                .Select(number => Own(new EventLoop(number, Pool, embedder.Time, this, embedder.Failures), End))];
            var users = new UserRegistry(Pool, options.Limits.Ids == UserIdOrder.Random ? RandomIds.Create() : null);
            var term = new SessionTerm(
                Milliseconds(options.ResumeWindow), options.ResumeRetentionBytes, Milliseconds(options.ConfirmTimeout), _quota.Max);
            _sessions = Own(new SessionTable(users, term, _logger, new(embedder.Audit)), static sessions => sessions.EndAll());
            var clock = new HubClock(embedder.Time, embedder.Failures, wake: null);
            Tls = options.Tls.Mode == HubTlsMode.Off
                ? null
                : Own(new TlsAcceptor(options.Tls, options.Limits.HandshakeTimeout, () => clock.Milliseconds, _logger.ConnectionFailed));
            var limits = new SessionLimits((ushort)options.Heartbeat.TotalSeconds, _quota.Max)
            {
                User = options.Limits,
                FullQueue = options.FullQueue,
                SilentUsers = options.SilentUsers,
            };
            var policy = new HttpPolicy(options.Http, host => Tls?.IsNamed(host) ?? false);
            var gate = new AddressGate(_quota, AddressTable.Of(options.Limits, _quota.Max), _sessions.Limited, peer => policy.IsTrusted(peer));
            var http = new HttpServices(options.Http.Server, policy, new(options.MaxHttpConnections), gate);
            _hosts = [.. _loops.Select(loop => new ConnectionHost(loop, settings))];
            Detector[] detectors = [.. _hosts.Select(host => new Detector(host, _sessions, limits, _logger, authentication, Tls, http))];
            _acceptor = new(_quota, gate, detectors, _logger);
            _listeners = OpenListeners();
            Endpoints = [.. _listeners.Select(listener => listener.Endpoint)];
            Own(new HubMetrics(embedder.Meters, [.. detectors.Select(detector => detector.Shared)], _sessions, http.Quota, Pool, embedder.Failures));
            Start();
        }
        catch
        {
            Release();
            throw;
        }
    }

    /// <summary>Where it listens.</summary>
    public IReadOnlyList<IPEndPoint> Endpoints { get; }

    public BlockPool Pool { get; }

    /// <summary>Null where the hub does not speak TLS.</summary>
    public TlsAcceptor? Tls { get; }

    /// <summary>Removes users of whom this is true; returns how many.</summary>
    public int RemoveUsers(Func<Identity, bool> isUnwelcome)
    {
        int removed = 0;
        foreach (var user in _sessions.Users.Everybody)
        {
            if (user.Identity is { } identity && isUnwelcome(identity))
            {
                user.Receiver.Remove();
                removed++;
            }
        }

        return removed;
    }

    /// <summary>A connection without a socket; returns the other end.</summary>
    public Stream Connect()
    {
        var layer = MemoryLayer.Create(out var otherEnd);
        bool isCalled = _loops[0].Call(() =>
        {
            try
            {
                _acceptor.Accepted(layer, default);
            }
            catch
            {
                layer.Close();
                throw;
            }
        });
        if (!isCalled)
        {
            // The hub has stopped meanwhile.
            layer.Close();
        }

        return otherEnd;
    }

    /// <summary>Completes once each loop has taken a turn; fails if one has ended.</summary>
    public Task RespondAsync() => Task.WhenAll(_loops.Select(static loop => loop.RespondAsync()));

    /// <summary>Ends it all, with time for what is queued. Cancelling drops that. Called once.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _logger.Stopping(_quota.Taken, _options.DrainTimeout);
        await Task.WhenAll(_listeners.Select(listener => listener.StopAsync())).ConfigureAwait(false);
        ForEachHost(static host => host.ShutDown());
        await using (cancellationToken.Register(() => ForEachHost(static host => host.AbortAll())))
        {
            await Task.WhenAll(_loops.Select(loop => loop.Ended)).ConfigureAwait(false);
        }

        Release();
        _logger.Stopped();
    }

    void ILoopEvents.ConnectionFailed(Exception exception) => _logger.ConnectionFailed(exception);

    void ILoopEvents.LoopFailed(Exception exception)
    {
        _logger.LoopFailed(exception);
        _failed(exception);
    }

    private static long Milliseconds(TimeSpan time) => (long)time.TotalMilliseconds;

    private static int DescriptorsForConnections(MessageHubOptions options)
    {
        int loops = options.EventLoops ?? Environment.ProcessorCount;
        int others = OpenFiles.Count() + (loops * DescriptorsPerLoop) + ConnectionQuota.MaxGivingWay + SpareDescriptors;
        return (int)Math.Max(1, OpenFiles.RaiseLimit() - Math.Max(OtherDescriptors, others) - MaxRefusals);
    }

    /// <summary>Ends a loop, whose thread may not have been started.</summary>
    private static void End(EventLoop loop)
    {
        if (loop.IsStarted)
        {
            loop.Call(loop.Stop);
            loop.Ended.Wait();
        }

        loop.Dispose();
    }

    private List<Listener> OpenListeners()
    {
        var keepAlive = KeepAlive.Within(_options.KeepAlive);
        var listeners = new List<Listener>();
        foreach (var socket in _options.ListeningSockets)
        {
            var listener = Own(new Listener(_loops[0], socket, _options.SendBufferBytes, keepAlive, _acceptor));
            listeners.Add(listener);
            if (_options.IsOpenToStrangers(listener.Endpoint))
            {
                throw new ArgumentException(
                    $"A socket that was passed listens on {listener.Endpoint}, which others can reach, and there is no authentication; Authenticator demands one, AllowAnonymous allows that.");
            }
        }

        foreach (var endpoint in _options.ListeningSockets.Count == 0 ? _options.Listen : [])
        {
            listeners.Add(Own(new Listener(_loops[0], endpoint, Backlog, _options.SendBufferBytes, keepAlive, _acceptor)));
        }

        return listeners;
    }

    private void Start()
    {
        foreach (var loop in _loops)
        {
            loop.Start();
        }

        _logger.Limits(new(Pool.LimitBytes), Pool.LimitBytes, _quota.Max, _loops.Count);
        foreach (var listener in _listeners)
        {
            listener.Listen();
            _logger.Listening(listener.Endpoint);
        }
    }

    private void ForEachHost(Action<ConnectionHost> action)
    {
        foreach (var host in _hosts)
        {
            host.Loop.Call(() => action(host));
        }
    }

    private void CeilingChanged(long ceiling)
    {
        if (ceiling < Pool.LimitBytes / BlockSizes.LargeBytes * BlockSizes.LargeBytes)
        {
            _logger.MemoryRefused(ceiling, Pool.LimitBytes);
        }
        else
        {
            _logger.MemoryGiven(Pool.LimitBytes);
        }
    }

    private T Own<T>(T part)
        where T : IDisposable => Own(part, static part => part.Dispose());

    private T Own<T>(T part, Action<T> release)
    {
        _releases.Push(() => release(part));
        return part;
    }

    private void Release()
    {
        while (_releases.TryPop(out var release))
        {
            try
            {
                release();
            }
            catch (Exception exception)
            {
                _logger.ConnectionFailed(exception);
            }
        }
    }
}
