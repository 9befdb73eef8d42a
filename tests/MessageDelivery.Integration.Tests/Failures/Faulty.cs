using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using MessageDelivery.Hub;
using MessageDelivery.Hub.Access;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Integration.Tests.Failures;

/// <summary>A log whose lines, or whose answers whether a level is wanted, fail.</summary>
internal sealed class FaultyLog(Fault? log, Fault? isEnabled, Fault? create = null) : ILoggerFactory, ILogger
{
    public ILogger CreateLogger(string categoryName)
    {
        create?.Call();
        return this;
    }

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel)
    {
        isEnabled?.Call();
        return true;
    }

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        log?.Call();

    public void Dispose()
    {
    }
}

/// <summary>A host that fails when it is told to stop.</summary>
internal sealed class FaultyLifetime(Fault fault) : IHostApplicationLifetime, IDisposable
{
    private readonly CancellationTokenSource _never = new();

    public CancellationToken ApplicationStarted => _never.Token;

    public CancellationToken ApplicationStopping => _never.Token;

    public CancellationToken ApplicationStopped => _never.Token;

    public void StopApplication() => fault.Call();

    public void Dispose() => _never.Dispose();
}

internal sealed class FaultyAudit(Fault fault) : IHubAudit
{
    public void Record(in AuditEvent auditEvent) => fault.Call();
}

/// <summary>Lets everybody in under the name that is the token, if it does not fail; it ignores that it is told to give up.</summary>
internal sealed class FaultyAuthenticator(Fault? authenticate, Fault? mayStay) : IAuthenticator
{
    public async ValueTask<AuthenticationResult> AuthenticateAsync(
        ReadOnlyMemory<byte> token, AuthenticationContext context, CancellationToken cancellationToken)
    {
        string name = System.Text.Encoding.UTF8.GetString(token.Span);
        if (name != "alice" && name != "bob")
        {
            authenticate?.Call();
        }

        await Task.Yield();
        return AuthenticationResult.Success(new(name));
    }

    public bool MayStay(Identity identity)
    {
        mayStay?.Call();
        return true;
    }
}

/// <summary>A clock that is another one's, and fails.</summary>
internal sealed class FaultyTime(TimeProvider time, Fault? read, Fault? timer) : TimeProvider
{
    public override long TimestampFrequency => time.TimestampFrequency;

    public override long GetTimestamp()
    {
        read?.Call();
        return time.GetTimestamp();
    }

    public override DateTimeOffset GetUtcNow()
    {
        read?.Call();
        return time.GetUtcNow();
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        timer?.Call();
        return new FaultyTimer(time.CreateTimer(callback, state, dueTime, period), timer);
    }

    private sealed class FaultyTimer(ITimer inner, Fault? fault) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            fault?.Call();
            return inner.Change(dueTime, period);
        }

        public void Dispose()
        {
            inner.Dispose();
            fault?.Call();
        }

        public async ValueTask DisposeAsync()
        {
            await inner.DisposeAsync();
            fault?.Call();
        }
    }
}

/// <summary>
/// Makes meters, or, where it is to fail at their end, leaves that to the hub; and listens to them: what listeners do is done inside the
/// calls that make and end instruments.
/// </summary>
internal sealed class FaultyMeters : IMeterFactory
{
    private readonly AsyncLocal<bool> _isStarting = new();
    private readonly ConcurrentDictionary<Meter, bool> _meters = new();
    private readonly MeterListener _listener;
    private readonly Fault? _create;
    private volatile bool _isOver;

    public FaultyMeters(Fault? create, Fault? end)
    {
        _create = create;
        _listener = new()
        {
            InstrumentPublished = (instrument, listener) =>
            {
                // Other tests have hubs, too.
                if (_isStarting.Value && instrument.Meter.Name == HubMetrics.MeterName)
                {
                    _meters[instrument.Meter] = true;
                    create?.Call();
                    listener.EnableMeasurementEvents(instrument);
                }
            },
            MeasurementsCompleted = (instrument, _) =>
            {
                if (!_isOver && _meters.ContainsKey(instrument.Meter))
                {
                    end?.Call();
                }
            },
        };
        _listener.Start();
        // Meters that are made from here on in this test's own flow are its hub's.
        _isStarting.Value = true;
    }

    public Meter Create(MeterOptions options)
    {
        _create?.Call();
        var meter = new Meter(options);
        _meters[meter] = true;
        return meter;
    }

    public void Dispose()
    {
        _isOver = true;
        foreach (var meter in _meters.Keys)
        {
            meter.Dispose();
        }

        _listener.Dispose();
    }
}
