using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Resuming;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Protocols;

/// <summary>
/// What a user may not do, or not so fast, on one connection: rates, errors, and unfinished requests that do not go on
/// (docs/adr/0012). The same in every protocol.
/// </summary>
internal sealed class SessionPace
{
    private readonly LoopServices _services;
    private readonly Connection _connection;
    private readonly ResumableSession? _session;
    private Pace? _pace;
    private long _waitsUntil = long.MaxValue;
    private ErrorCount? _errors;
    private Progress? _progress;

    /// <param name="session">What outlives the connection, and the pace with it; null if nothing does.</param>
    public SessionPace(LoopServices services, Connection connection, Identity? identity, ResumableSession? session = null)
    {
        _services = services;
        _connection = connection;
        _session = session;
        _pace = session?.Pace;
        Rates = _services.Limits.Rates;
        Use(identity);
        if (_pace is { } pace && pace.Due > Now)
        {
            _waitsUntil = pace.Due;
        }
    }

    /// <summary>How fast the user may be.</summary>
    public PaceRates Rates { get; private set; }

    /// <summary>Whether a relay that is as the protocol wants it may still be refused, or has to be counted.</summary>
    public bool LimitsRelays { get; private set; }

    /// <summary>When to look again: at a wait that ends, or at progress. <see cref="long.MaxValue"/> for never.</summary>
    public long Due => Math.Min(_waitsUntil, ProgressDue);

    /// <summary>Whether the next request has to wait for what those before it took.</summary>
    public bool MustWait => _waitsUntil != long.MaxValue && Now < _waitsUntil;

    private long ProgressDue => _progress is null or { Due: 0 } || _connection.IsPaused || _connection.Input.IsStarved ? long.MaxValue : _progress.Due;

    private long Now => _connection.Loop.Now;

    /// <summary>The user has shown another token, which may bring other rates.</summary>
    public void Use(Identity? identity)
    {
        Rates = _services.Limits.RatesOf(identity);
        LimitsRelays = _services.Limits.LimitRelays(Rates);
    }

    /// <summary>Whether so many bytes, once for each receiver, would have to wait too long, so that they are refused.</summary>
    public bool IsTooMuch(long bytes, int receivers) => Rates.Bytes > 0 && Current().IsTooMuch(bytes * receivers, Now);

    /// <summary>Tells why that is.</summary>
    public string TooMuchText(long bytes, int receivers) =>
        RateText.TooMuch(bytes, receivers, Rates.Bytes);

    /// <summary>Counts a request that was carried out. True if the next one has to wait; the caller pauses the connection.</summary>
    /// <param name="rate">The limit on how many there may be.</param>
    /// <param name="bytes">Its bytes, once for each receiver; 0 if they are not limited.</param>
    public bool MustWaitAfter(User user, LimitKind rate, long bytes)
    {
        if (!Current().Count(rate, bytes, Now))
        {
            return false;
        }

        _waitsUntil = _pace!.Due;
        _services.Limited.Waits(_pace.Met, user.Id, _connection.Loop);
        return true;
    }

    /// <summary>Goes on with the connection if what it had to wait for is over.</summary>
    public void EndWaitIfDue()
    {
        if (Now >= _waitsUntil)
        {
            _waitsUntil = long.MaxValue;
            _connection.Resume();
        }
    }

    /// <summary>Counts a request that was answered by an error; returns how the connection ends if that is one too many.</summary>
    public Ending? CountError(ProtocolCode code)
    {
        _services.Limited.Refused(code);
        int most = _services.Limits.User.MaxErrorsPerMinute;
        return (_errors ??= new()).IsOneTooMany(most, Now) ? Met(LimitKind.Errors, Ending.TooManyErrors(most)) : null;
    }

    /// <summary>Counts what was sent and brings nothing, as errors are; returns how the connection ends if that is too much.</summary>
    public Ending? CountIdle(int frames)
    {
        int most = _services.Limits.User.MaxErrorsPerMinute;
        return (_errors ??= new()).IsOneTooMany(most, Now, frames) ? Met(LimitKind.Errors, Ending.TooManyIdle(most)) : null;
    }

    /// <summary>A request is unfinished, and has to go on.</summary>
    /// <param name="what">Tells it from what was unfinished before.</param>
    public void WatchProgress(long what) => (_progress ??= new()).Watch(what, _connection.Input.ReceivedBytes, Now);

    /// <summary>Nothing is unfinished.</summary>
    public void EndProgress() => _progress?.End();

    /// <summary>How the connection ends if what is unfinished does not go on; null if it does.</summary>
    /// <param name="what">What is unfinished.</param>
    public Ending? EndIfStopped(string what)
    {
        int least = _services.Limits.User.MinProgressBytes;
        return ProgressDue != long.MaxValue && _progress!.HasStopped(least, _connection.Input.ReceivedBytes, _connection.Input.HeldUpUntil, Now)
            ? Met(LimitKind.Progress, Ending.NoProgress(what, least))
            : null;
    }

    private Ending Met(LimitKind kind, Ending ending)
    {
        _services.Limited.Met(kind, _connection.Peer, _connection.Loop);
        return ending;
    }

    private Pace Current()
    {
        if (_pace is null || _pace.Rates != Rates)
        {
            _pace = new(Rates, Now, _pace?.Due ?? 0);
            if (_session is not null)
            {
                _session.Pace = _pace;
            }
        }

        return _pace;
    }
}
