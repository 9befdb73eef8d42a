using System.Collections.Concurrent;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Users;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Hub.Resuming;

/// <summary>The sessions of a hub that can be resumed, by their keys. Any thread.</summary>
internal sealed class SessionTable(UserRegistry users, SessionTerm term, ILogger logger, AuditTrail? audit = null)
{
    private readonly ConcurrentDictionary<SessionKey, ResumableSession> _sessions = new();
    private int _away;
    private long _resumed;

    /// <summary>Users who are away and may come back.</summary>
    public int Away => Volatile.Read(ref _away);

    /// <summary>Sessions that went on with another connection.</summary>
    public long Resumed => Volatile.Read(ref _resumed);

    public UserRegistry Users { get; } = users;

    public SessionTerm Term { get; } = term;

    public ILogger Log { get; } = logger;

    public AuditTrail Audit { get; } = audit ?? new(null);

    /// <summary>Tells that limits are met.</summary>
    public LimitLog Limited { get; } = new(logger);

    public ResumableSession? Find(SessionKey key) => _sessions.GetValueOrDefault(key);

    /// <summary>Gives a session a new key.</summary>
    public SessionKey Issue(ResumableSession session)
    {
        var key = SessionKey.Random();
        _sessions[key] = session;
        return key;
    }

    public void Revoke(SessionKey key) => _sessions.TryRemove(key, out _);

    /// <summary>Whether one more user may be away: each costs memory, though no descriptor.</summary>
    /// <param name="mayExceed">For one who will not be away for long.</param>
    public bool TryCountAway(bool mayExceed)
    {
        if (Interlocked.Increment(ref _away) <= Term.MaxAway || mayExceed)
        {
            return true;
        }

        CountBack();
        return false;
    }

    public void CountBack() => Interlocked.Decrement(ref _away);

    public void CountResumed() => Interlocked.Increment(ref _resumed);

    /// <summary>Ends all sessions, once no loop runs any more.</summary>
    public void EndAll()
    {
        foreach (var session in _sessions.Values)
        {
            try
            {
                session.End(SessionEnd.ShuttingDown);
            }
            catch (Exception exception)
            {
                Log.ConnectionFailed(exception);
            }
        }
    }
}

/// <summary>How sessions outlive their connections.</summary>
/// <param name="WindowMilliseconds">How long a user may be away; 0 offers no such sessions.</param>
/// <param name="RetentionBytes">Bytes kept for a user who is away, beside what was unacknowledged.</param>
/// <param name="ConfirmMilliseconds">How long a receipt waits for receivers to acknowledge.</param>
/// <param name="MaxAway">Users who may be away at one time.</param>
internal sealed record SessionTerm(long WindowMilliseconds, long RetentionBytes, long ConfirmMilliseconds, int MaxAway);
