using System.Text;
using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Protocol;
using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Hub.Protocols.Text;

/// <content>What it may not do, or not so fast (docs/adr/0012).</content>
internal sealed partial class TextSession
{
    // People take their time over what they type; what nobody types has to go on.
    private const int MinWatchedBytes = 16 << 10;

    private Pace? _pace;
    private PaceRates? _ownRates;
    private Identity? _ratesOf;
    private long _paceDue = long.MaxValue;
    private ErrorCount _errors;
    private Progress _progress;
    private int _bodies;

    private PaceRates Rates
    {
        get
        {
            if (_user?.Identity is not { } identity)
            {
                return _services.Limits.Rates;
            }

            if (!ReferenceEquals(identity, _ratesOf))
            {
                (_ratesOf, _ownRates) = (identity, _services.Limits.Rates.With(identity.RelaysPerSecond, identity.BytesPerSecond));
            }

            return _ownRates!;
        }
    }

    private Pace Pace
    {
        get
        {
            // Another token may have brought other rates.
            var rates = Rates;
            return _pace is { } pace && pace.Rates == rates ? pace : _pace = new(rates, _connection.Loop.Now, _pace?.Due ?? 0);
        }
    }

    private long ProgressDue => _progress.Due == 0 || _connection.IsPaused || _connection.Input.IsStarved ? long.MaxValue : _progress.Due;

    private bool OwesTime => _paceDue != long.MaxValue && _connection.Loop.Now < _paceDue;

    /// <summary>Refuses a relay, or an echo, that would have to wait for too long.</summary>
    private bool IsRefused(long bytes, int receivers)
    {
        long rate = Rates.Bytes;
        if (rate == 0 || !Pace.IsTooMuch(bytes * receivers, _connection.Loop.Now))
        {
            return false;
        }

        ServerLines.Error(_services.Lines, ProtocolCode.RateLimited, Encoding.ASCII.GetBytes(RateText.TooMuch(bytes, receivers, rate)));
        _connection.SendLines(_services.Lines);
        CountError(ProtocolCode.RateLimited);
        return true;
    }

    private void CountRelay(long bytes, int receivers)
    {
        if (_services.Limits.LimitRelays(Rates))
        {
            WaitIf(Pace.CountRelays(1, bytes * receivers, _connection.Loop.Now));
        }
    }

    private void CountList() => WaitIf(Pace.CountList(_connection.Loop.Now));

    private void CountEcho(long bytes) => WaitIf(Pace.CountEcho(bytes, _connection.Loop.Now));

    /// <summary>What was carried out is more than its share: the next request is read when that is made up for.</summary>
    private void WaitIf(bool owes)
    {
        if (owes)
        {
            _paceDue = Pace.Due;
            _services.Limited.Waits(Pace.Met, _user!.Id, _connection.Loop);
            _connection.Pause();
        }
    }

    private void EndWaitIfDue()
    {
        if (_connection.Loop.Now >= _paceDue)
        {
            _paceDue = long.MaxValue;
            _connection.Resume();
        }
    }

    private void CountError(ProtocolCode code)
    {
        _services.Limited.Refused(code);
        int most = _services.Limits.User.MaxErrorsPerMinute;
        if (_connection.IsOpen && _errors.IsOneTooMany(most, _connection.Loop.Now))
        {
            _services.Limited.Met(LimitKind.Errors, _connection.Peer, _connection.Loop);
            _connection.SendTextError(ProtocolCode.RateLimited, RateText.TooManyErrors(most));
            _connection.Close(CloseReason.RateLimited);
        }
    }

    /// <summary>Sees that a long body that is unfinished goes on.</summary>
    private void WatchProgress()
    {
        if (_body.Bytes <= MinWatchedBytes)
        {
            _progress.End();
        }
        else
        {
            _progress.Watch(_bodies, _connection.Input.ReceivedBytes, _connection.Loop.Now);
        }
    }

    private void EndIfStopped()
    {
        int least = _services.Limits.User.MinProgressBytes;
        if (ProgressDue != long.MaxValue && _progress.HasStopped(least, _connection.Input.ReceivedBytes, _connection.Input.HeldUpUntil, _connection.Loop.Now))
        {
            _services.Limited.Met(LimitKind.Progress, _connection.Peer, _connection.Loop);
            _connection.SendTextError(ProtocolCode.HeartbeatTimeout, RateText.NoProgress("body", least));
            _connection.Close(CloseReason.HeartbeatTimeout);
        }
    }
}
