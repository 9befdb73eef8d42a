using MessageDelivery.Fuzz.InProcess;

namespace MessageDelivery.Fuzz.Targets;

/// <summary>
/// Which frames of a resumable session count, as the protocol's text describes it (section 5), and whether what a client says of it
/// in HELLO and ACK is so.
/// </summary>
internal sealed class CountedFrames
{
    private const byte Hello = 1, Ack = 6, Resume = 2, Resumable = 1, Resumed = 2, Confirm = 4, Correlated = 1;
    private const int MaxUnacknowledged = 64;

    private readonly List<(bool IsTaken, bool IsAwaited)> _frames = [];
    private readonly Queue<(int Session, int Index)> _waiting = new();
    private int _session;
    private int _repeats;
    private ulong _told;
    private bool _isResumable;

    // An ACK that was written and not sent when a connection was lost goes out on the next, behind a HELLO that tells as much or more.
    private bool _mayRepeat;

    /// <summary>Frames that count.</summary>
    public ulong Total
    {
        get
        {
            int untaken = _frames.FindIndex(frame => !frame.IsTaken);
            return (ulong)(untaken < 0 ? _frames.Count : untaken);
        }
    }

    /// <summary>A client's frame goes out.</summary>
    public void Send(in PlainFrame frame)
    {
        if (frame.Type == Hello && (frame.Flags & Resume) != 0)
        {
            _told = frame.Number(20);
            Oracle.True(_told == Total, $"HELLO tells {_told} frames, and {Total} count");
            _mayRepeat = true;
        }
        else if (frame.Type == Ack)
        {
            ulong total = frame.Number();
            Oracle.True(_isResumable && (_mayRepeat || total > _told) && total <= Total, $"ACK tells {total} frames after {_told}, and {Total} count");
            _told = Math.Max(_told, total);
            _mayRepeat = false;
        }
    }

    /// <summary>The client has accepted a WELCOME.</summary>
    public void Welcome(byte flags)
    {
        if ((flags & Resumed) != 0)
        {
            _repeats = _frames.Count - (int)_told;
            return;
        }

        _isResumable = (flags & Resumable) != 0;
        _frames.Clear();
        (_repeats, _told) = (0, 0);
        _session++;
    }

    /// <summary>The client has accepted a frame; false if it is one that it had before.</summary>
    public bool Receive(byte type, byte flags, bool isDiscarded)
    {
        if (type is not (PlainFrame.Delivery or PlainFrame.Receipt) && (type != PlainFrame.Error || (flags & Correlated) == 0))
        {
            return true;
        }

        if (_repeats > 0)
        {
            _repeats--;
            return false;
        }

        bool waits = type == PlainFrame.Delivery && !isDiscarded;
        if (waits)
        {
            _waiting.Enqueue((_isResumable ? _session : -1, _frames.Count));
        }

        if (_isResumable)
        {
            _frames.Add((!waits, type == PlainFrame.Delivery && (flags & Confirm) != 0));
        }

        return true;
    }

    /// <summary>The program has taken the next delivery.</summary>
    public void Take()
    {
        var (session, index) = _waiting.Dequeue();
        if (session == _session)
        {
            _frames[index] = _frames[index] with { IsTaken = true };
        }
    }

    /// <summary>The client has sent what it has to send: nothing that is due is missing.</summary>
    public void CheckDue()
    {
        int unacknowledged = (int)(Total - _told);
        Oracle.True(
            !_isResumable || (unacknowledged < MaxUnacknowledged && !_frames.Skip((int)_told).Take(unacknowledged).Any(frame => frame.IsAwaited)),
            $"{unacknowledged} frames count without an ACK that is due");
    }
}
