using System.Runtime.CompilerServices;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Protocols.Binary;

/// <content>What it may not do, or not so fast (docs/adr/0012).</content>
internal sealed partial class BinarySession
{
    private readonly PaceRates _rates;
    private readonly bool _limitsRelays;
    private Pace? _pace;
    private long _paceDue = long.MaxValue;
    private ErrorCount _errors;
    private Progress _progress;

    /// <summary>What the user has done of late; it outlives the connection where the session does.</summary>
    private Pace Pace
    {
        get
        {
            if (_resumable is not null)
            {
                _pace ??= _resumable.Pace;
            }

            // Another token may have brought other rates.
            if (_pace is null || _pace.Rates != _rates)
            {
                _pace = new(_rates, _connection.Loop.Now, _pace?.Due ?? 0);
                if (_resumable is not null)
                {
                    _resumable.Pace = _pace;
                }
            }

            return _pace;
        }
    }

    private long ProgressDue => _progress.Due == 0 || _connection.IsPaused || _connection.Input.IsStarved ? long.MaxValue : _progress.Due;

    private bool OwesTime => _paceDue != long.MaxValue && _connection.Loop.Now < _paceDue;

    /// <summary>Like <see cref="TryRun"/>, but for a relay that may be refused and has to be counted.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryTakeLimitedRelay(ProtocolCode code, in FrameHeader header, in RelayLayout layout, in Segment frame)
    {
        if (code != ProtocolCode.Normal || !KeepsToLimits(layout))
        {
            return TryTakeOther(header, frame, frame.Length);
        }

        if (!TryRun(frame, layout))
        {
            return false;
        }

        CountRelay(layout);
        return true;
    }

    /// <summary>A whole relay as the protocol wants it: whether it also keeps to this hub's limits.</summary>
    private bool KeepsToLimits(in RelayLayout layout) =>
        _user.Rights is not { MaySend: false }
        && layout.BodyBytes <= _services.Limits.MaxBodyBytes
        && layout.ReceiverCount <= _services.Limits.MaxReceivers
        && !IsTooMuch((long)layout.BodyBytes * layout.ReceiverCount);

    /// <summary><see cref="ProtocolCode.Normal"/>, or why a frame as the protocol wants it is refused.</summary>
    private ProtocolCode LimitRefusal(in FrameHeader header, in RelayLayout layout, ref string text)
    {
        var limits = _services.Limits;
        switch (header.Type)
        {
            case FrameType.Relay when layout.BodyBytes > limits.MaxBodyBytes:
                text = $"a body of {layout.BodyBytes} bytes; the limit is {limits.MaxBodyBytes}";
                return ProtocolCode.FrameTooLarge;
            case FrameType.Relay when layout.ReceiverCount > limits.MaxReceivers:
                text = $"{layout.ReceiverCount} receivers; a relay lists 1 to {limits.MaxReceivers}";
                return ProtocolCode.InvalidReceivers;
            case FrameType.Relay when IsTooMuch((long)layout.BodyBytes * layout.ReceiverCount):
                text = RateText.TooMuch(layout.BodyBytes, layout.ReceiverCount, _rates.Bytes);
                return ProtocolCode.RateLimited;
            case FrameType.Echo when IsTooMuch(header.Length):
                text = RateText.TooMuch(header.Length, 1, _rates.Bytes);
                return ProtocolCode.RateLimited;
            default:
                return ProtocolCode.Normal;
        }
    }

    private bool IsTooMuch(long bytes) => _rates.Bytes > 0 && Pace.IsTooMuch(bytes, _connection.Loop.Now);

    private void CountRelay(in RelayLayout layout)
    {
        if (_limitsRelays)
        {
            WaitIf(Pace.CountRelays(1, (long)layout.BodyBytes * layout.ReceiverCount, _connection.Loop.Now));
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
            _services.Limited.Waits(Pace.Met, _user.Id, _connection.Loop);
            Pause();
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

    /// <summary>A request was answered by an error.</summary>
    private void CountError(ProtocolCode code)
    {
        _services.Limited.Refused(code);
        int most = _services.Limits.User.MaxErrorsPerMinute;
        if (_errors.IsOneTooMany(most, _connection.Loop.Now))
        {
            _services.Limited.Met(LimitKind.Errors, _connection.Peer, _connection.Loop);
            Refuse(ProtocolCode.RateLimited, CloseReason.RateLimited, RateText.TooManyErrors(most));
        }
    }

    /// <summary>Sees that a frame that is unfinished goes on.</summary>
    /// <param name="left">Bytes in front of it that it could not use yet.</param>
    private void WatchProgress(int left)
    {
        if (left == 0 && IsBetweenFrames)
        {
            _progress.End();
            return;
        }

        // The place in the stream where the frame ends, or where that is not known begins, tells it from others.
        long missing = _refused?.Missing ?? (_assembly is { IsUnderWay: true } ? _assembly.Missing : -left);
        _progress.Watch(_connection.Input.ReceivedBytes + missing, _connection.Input.ReceivedBytes, _connection.Loop.Now);
    }

    private void EndIfStopped()
    {
        int least = _services.Limits.User.MinProgressBytes;
        if (ProgressDue != long.MaxValue && _progress.HasStopped(least, _connection.Input.ReceivedBytes, _connection.Input.HeldUpUntil, _connection.Loop.Now))
        {
            _services.Limited.Met(LimitKind.Progress, _connection.Peer, _connection.Loop);
            _connection.CloseWithGoodbye(CloseReason.HeartbeatTimeout, ProtocolCode.HeartbeatTimeout, RateText.NoProgress("frame", least));
        }
    }
}
