using Microsoft.Extensions.Logging;

namespace MessageDelivery.Hub.Access;

/// <summary>
/// Who is let in: the authenticator, and the tokens that wait for it. It works on threads of the pool, a few tokens at a time;
/// what waits is bounded, so that a flood of tokens costs no more than that. Any thread.
/// </summary>
internal sealed class Admission
{
    /// <summary>Tokens that may wait for the authenticator; one more is answered <c>overloaded</c>.</summary>
    public const int MostWaiting = 1_024;

    private const long QuietMilliseconds = 1_000;

    private readonly Lock _lock = new();
    private readonly Queue<TokenCheck> _waiting = new();
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly int _mostRunning;
    private volatile IAuthenticator? _authenticator;
    private int _running;
    private long _refused;
    private int _failed;
    private long _quietUntil;

    /// <param name="authenticator">Who knows the tokens; null lets everybody in.</param>
    /// <param name="mostRunning">Tokens that are looked at at one time.</param>
    public Admission(IAuthenticator? authenticator, TimeProvider time, ILogger logger, int? mostRunning = null)
    {
        _authenticator = authenticator;
        _time = time;
        _logger = logger;
        _mostRunning = mostRunning ?? 2 * Environment.ProcessorCount;
        IsDemanded = authenticator is not null;
    }

    /// <summary>Whether nobody is let in without a token. It never changes.</summary>
    public bool IsDemanded { get; }

    /// <summary>Whether somebody whom this authenticator let in may be let in still.</summary>
    public bool Stands(Identity identity, IAuthenticator by) => _authenticator is { } now && (ReferenceEquals(now, by) || now.MayStay(identity));

    /// <summary>Asks another authenticator from now on.</summary>
    public void Use(IAuthenticator authenticator)
    {
        _authenticator = authenticator;
        Volatile.Write(ref _failed, 0);
    }

    /// <summary>Looks at a token as soon as there is a place. False if too many wait.</summary>
    public bool TryBegin(TokenCheck check)
    {
        lock (_lock)
        {
            if (_running == _mostRunning)
            {
                if (_waiting.Count == MostWaiting)
                {
                    DropWithdrawn();
                }

                if (_waiting.Count == MostWaiting)
                {
                    return false;
                }

                _waiting.Enqueue(check);
                return true;
            }

            _running++;
        }

        ThreadPool.UnsafeQueueUserWorkItem(static state => _ = state.Item1.RunAsync(state.check), (this, check), preferLocal: false);
        return true;
    }

    /// <summary>When somebody with this expiry has to go, in the milliseconds of a loop's clock.</summary>
    /// <param name="now">What that clock says now.</param>
    public long EndOf(Identity? identity, long now) =>
        identity?.Expires is { } expires ? now + Math.Max(0, (long)Math.Ceiling((expires - _time.GetUtcNow()).TotalMilliseconds)) : long.MaxValue;

    /// <summary>Logs that somebody was refused; at most once a second, with how many since.</summary>
    /// <param name="peer">Who; written out only if it is logged.</param>
    public void NoteRefused<TPeer>(TPeer peer, string why)
        where TPeer : struct
    {
        long refused;
        lock (_lock)
        {
            _refused++;
            long now = _time.GetTimestamp() / (_time.TimestampFrequency / 1_000);
            if (now < _quietUntil)
            {
                return;
            }

            _quietUntil = now + QuietMilliseconds;
            (refused, _refused) = (_refused, 0);
        }

        _logger.Refused(peer.ToString()!, why, refused);
    }

    private async Task RunAsync(TokenCheck? check)
    {
        while (check is not null)
        {
            if (await check.RunAsync(_authenticator!).ConfigureAwait(false) is { } defect && Interlocked.Exchange(ref _failed, 1) == 0)
            {
                // Its text is the authenticator's, who knows the token. Once: whoever makes it fail can do so as often as he likes.
                _logger.AuthenticatorFailed(defect.GetType().Name);
            }

            check = Next();
        }
    }

    private TokenCheck? Next()
    {
        lock (_lock)
        {
            while (_waiting.TryDequeue(out var next))
            {
                if (!next.IsWithdrawn)
                {
                    return next;
                }
            }

            _running--;
            return null;
        }
    }

    private void DropWithdrawn()
    {
        for (int i = _waiting.Count; i > 0; i--)
        {
            if (_waiting.Dequeue() is { IsWithdrawn: false } check)
            {
                _waiting.Enqueue(check);
            }
        }
    }
}
