using MessageDelivery.Hub.Loop;
using MessageDelivery.Protocol;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Hub.Limits;

/// <summary>Counts how often limits are met, and tells the log: of each one a line in a second at most, with how many were left out. Any thread.</summary>
internal sealed class LimitLog(ILogger logger)
{
    private readonly LogThrottle[] _throttles = new LogThrottle[Limit.All.Count];
    private readonly long[] _leftOut = new long[Limit.All.Count];
    private readonly long[] _met = new long[Limit.All.Count];

    /// <summary>How often a limit was met.</summary>
    public long CountOf(LimitKind kind) => Volatile.Read(ref _met[(int)kind]);

    /// <summary>A limit was met that is told elsewhere.</summary>
    public void Count(LimitKind kind) => Interlocked.Increment(ref _met[(int)kind]);

    /// <summary>A request was answered by an error, possibly for a limit's sake.</summary>
    public void Refused(ProtocolCode code)
    {
        LimitKind? kind = code switch
        {
            ProtocolCode.FrameTooLarge => LimitKind.Body,
            ProtocolCode.InvalidReceivers => LimitKind.Receivers,
            ProtocolCode.RateLimited => LimitKind.ByteRate,
            _ => null,
        };
        if (kind is { } met)
        {
            Count(met);
        }
    }

    /// <summary>Somebody was refused, or cut off.</summary>
    public void Met<T>(LimitKind kind, T peer, EventLoop loop)
    {
        Count(kind);
        if (logger.IsEnabled(LogLevel.Warning) && MayTell(kind, loop.Now, out long leftOut))
        {
            var limit = Limit.Of(kind);
            logger.LimitMet(limit.Name, peer?.ToString() ?? "", limit.Setting ?? "", leftOut);
        }
    }

    /// <summary>Somebody was made to wait.</summary>
    public void Waits(LimitKind kind, ulong userId, EventLoop loop)
    {
        Count(kind);
        if (logger.IsEnabled(LogLevel.Debug) && MayTell(kind, loop.Now, out long leftOut))
        {
            logger.LimitWaits(userId, Limit.Of(kind).Name, leftOut);
        }
    }

    private bool MayTell(LimitKind kind, long now, out long leftOut)
    {
        bool mayTell = _throttles[(int)kind].TryPass(now);
        leftOut = mayTell ? Interlocked.Exchange(ref _leftOut[(int)kind], 0) : Interlocked.Increment(ref _leftOut[(int)kind]);
        return mayTell;
    }
}
