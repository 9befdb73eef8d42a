using MessageDelivery.Hub.Outside;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Hub.Access;

/// <summary>
/// Has the authenticator verify tokens on threads of the pool, a few at a time. The line of tokens that wait is bounded, so that a flood of
/// them costs no more than that. Any thread.
/// </summary>
internal sealed class AuthenticationService
{
    /// <summary>Tokens that may wait for the authenticator; one more is answered <c>overloaded</c>.</summary>
    public const int MaxWaiting = 1_024;

    /// <summary>How long a call counts against the maximum.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>The most late calls of an authenticator: those that have not returned and do not count against the maximum any more.</summary>
    public const int MaxLate = 256;

    private readonly Lock _lock = new();
    private readonly Queue<TokenCheck> _waiting = new();
    private readonly HubClock _clock;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly OutsideFailures? _failures;
    private readonly int _maxRunning;
    private volatile AuthenticatorCalls? _calls;
    private long _refused;
    private int _failed;
    private LogThrottle _refusals;
    private LogThrottle _late;

    /// <param name="authenticator">Verifies the tokens; null requires none.</param>
    /// <param name="maxRunning">Tokens that are verified at one time.</param>
    public AuthenticationService(IAuthenticator? authenticator, TimeProvider time, ILogger logger, int? maxRunning = null, OutsideFailures? failures = null)
    {
        _calls = authenticator is null ? null : new(authenticator);
        _time = time;
        _clock = new(time, failures, wake: null);
        _logger = logger;
        _maxRunning = maxRunning ?? 2 * Environment.ProcessorCount;
        _failures = failures;
        IsDemanded = authenticator is not null;
    }

    /// <summary>Whether a token is required. It never changes.</summary>
    public bool IsDemanded { get; }

    /// <summary>
    /// If the authenticator that accepted an identity was replaced meanwhile, asks the new one, on a thread of the pool, whether it may stay.
    /// </summary>
    /// <param name="remove">Called if not, on any thread.</param>
    public void AskIfReplaced(Identity identity, IAuthenticator by, Action remove)
    {
        if (_calls is not { Authenticator: var now } || ReferenceEquals(now, by))
        {
            return;
        }

        ThreadPool.UnsafeQueueUserWorkItem(
            static state =>
            {
                if (!state.Authentication.MayStay(state.Now, state.Identity))
                {
                    state.Remove();
                }
            },
            (Authentication: this, Now: now, Identity: identity, Remove: remove),
            preferLocal: false);
    }

    /// <summary>Whether an authenticator lets an identity stay; one that throws does not.</summary>
    public bool MayStay(IAuthenticator authenticator, Identity identity)
    {
        try
        {
            return authenticator.MayStay(identity);
        }
        catch (Exception defect)
        {
            NoteFailed(defect);
            return false;
        }
    }

    /// <summary>Asks another authenticator from now on. Late calls of the previous one do not count against it.</summary>
    public void Use(IAuthenticator authenticator)
    {
        lock (_lock)
        {
            _calls = new(authenticator);
        }

        Volatile.Write(ref _failed, 0);
        BeginWaiting();
    }

    /// <summary>Verifies a token as soon as fewer than the maximum are being verified. False if too many wait.</summary>
    public bool TryBegin(TokenCheck check)
    {
        lock (_lock)
        {
            if (_waiting.Count == MaxWaiting)
            {
                DropWithdrawn();
            }

            if (_waiting.Count == MaxWaiting)
            {
                return false;
            }

            _waiting.Enqueue(check);
        }

        BeginWaiting();
        return true;
    }

    /// <summary>When an identity expires, in the milliseconds of a loop's clock; <see cref="long.MaxValue"/> if it does not.</summary>
    /// <param name="now">What that clock says now.</param>
    public long EndOf(Identity? identity, long now) =>
        identity?.Expires is { } expires ? now + Math.Max(0, (long)Math.Ceiling((expires - _clock.UtcNow).TotalMilliseconds)) : long.MaxValue;

    /// <summary>Logs that a token was refused; at most once a second, with how many since.</summary>
    /// <param name="peer">Who; written out only if it is logged.</param>
    public void NoteRefused<TPeer>(TPeer peer, string why)
        where TPeer : struct
    {
        Interlocked.Increment(ref _refused);
        if (_refusals.TryPass(_clock.Milliseconds))
        {
            _logger.Refused(peer.ToString()!, why, Interlocked.Exchange(ref _refused, 0));
        }
    }

    /// <summary>Begins calls for tokens that wait, up to the maximum.</summary>
    private void BeginWaiting()
    {
        while (TryTakeNext() is { } call)
        {
            ThreadPool.UnsafeQueueUserWorkItem(
                static state => _ = state.Authentication.RunAsync(state.Call), (Authentication: this, Call: call), preferLocal: false);
        }
    }

    private AuthenticatorCall? TryTakeNext()
    {
        lock (_lock)
        {
            var calls = _calls!;
            while (calls.Running < _maxRunning && _waiting.TryDequeue(out var next))
            {
                if (!next.IsWithdrawn)
                {
                    calls.Running++;
                    return new(calls, next);
                }
            }

            return null;
        }
    }

    /// <summary>One call, on a thread of the pool, which it may hold for good.</summary>
    private async Task RunAsync(AuthenticatorCall call)
    {
        ITimer? patience = null;
        try
        {
            patience = StartPatience(call);
            if (await call.Check.RunAsync(call.Calls.Authenticator).ConfigureAwait(false) is { } defect)
            {
                NoteFailed(defect);
            }
        }
        finally
        {
            End(call);
            Stop(patience);
            BeginWaiting();
        }
    }

    private void End(AuthenticatorCall call)
    {
        lock (_lock)
        {
            call.IsOver = true;
            call.Calls.Late -= call.IsLate ? 1 : 0;
            call.Calls.Running -= call.IsLate ? 0 : 1;
        }
    }

    private void Stop(ITimer? patience)
    {
        try
        {
            patience?.Dispose();
        }
        catch (Exception exception)
        {
            _failures?.Failed(OutsideCall.ClockTimer, exception);
        }
    }

    private ITimer StartPatience(AuthenticatorCall call)
    {
        try
        {
            return _time.CreateTimer(LosePlace, call, Patience, Timeout.InfiniteTimeSpan);
        }
        catch (Exception exception)
        {
            _failures?.Failed(OutsideCall.ClockTimer, exception);
            return TimeProvider.System.CreateTimer(LosePlace, call, Patience, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>The call is late: it goes on, but does not count against the maximum any more.</summary>
    private void LosePlace(object? state)
    {
        var call = (AuthenticatorCall)state!;
        int late;
        lock (_lock)
        {
            if (call.IsOver || call.IsLate || call.Calls.Late >= MaxLate)
            {
                return;
            }

            call.IsLate = true;
            call.Calls.Running--;
            late = ++call.Calls.Late;
        }

        if (_late.TryPass(_clock.Milliseconds))
        {
            _logger.AuthenticatorIsLate(late, Patience);
        }

        BeginWaiting();
    }

    private void NoteFailed(Exception defect)
    {
        if (Interlocked.Exchange(ref _failed, 1) == 0)
        {
            // Without its text, which may hold the token; and once, since a peer may make it fail as often as it likes.
            _logger.AuthenticatorFailed(defect.GetType().Name);
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
