using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MessageDelivery.Hub.Outside;

/// <summary>What a hub was given by the program it runs in. Whatever fails of it, the hub goes on without.</summary>
internal sealed class Embedder
{
    /// <summary>How long those that are told what happens may take at the end for what they have not taken yet.</summary>
    private static readonly TimeSpan LastCallsPatience = TimeSpan.FromSeconds(1);

    private readonly CalledLogger? _called;

    public Embedder(ILoggerFactory? loggers, IMeterFactory? meters, IHubAudit? audit, TimeProvider? time)
    {
        _called = loggers is null ? null : new(loggers.CreateLogger<MessageHub>());
        Logger = _called ?? (ILogger)NullLogger.Instance;
        Failures = new(Logger);
        Audit = audit is null ? null : new(audit, Failures);
        Meters = meters;
        Time = time ?? TimeProvider.System;
    }

    public ILogger Logger { get; }

    public OutsideFailures Failures { get; }

    /// <summary>Null without an audit.</summary>
    public CalledAudit? Audit { get; }

    /// <summary>Null where the hub makes a meter of its own.</summary>
    public IMeterFactory? Meters { get; }

    public TimeProvider Time { get; }

    /// <summary>Tells the audit and the log what waits for them, for a moment, and nothing after that.</summary>
    public void Stop()
    {
        Audit?.Stop(LastCallsPatience);
        _called?.Stop(LastCallsPatience);
    }
}
