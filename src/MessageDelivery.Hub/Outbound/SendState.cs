using System.Diagnostics;

namespace MessageDelivery.Hub.Outbound;

internal enum QueuePhase : byte
{
    Open,
    /// <summary>Nothing is added any more, and what is in it is still sent.</summary>
    Completing,
    /// <summary>There is no connection, but there may be one again.</summary>
    Away,
    Closed,
}

/// <summary>
/// Whether a queue is being sent, on which connection, and if not, why. One thread sends at a time. Guarded by the queue's lock; a mutable
/// struct, so that a queue is one object.
/// </summary>
internal struct SendState
{
    private IOutboundSink? _sendingOn;
    private bool _isScheduled;
    private bool _isBlocked;
    private bool _becameWritable;

    public QueuePhase Phase { get; set; }

    /// <summary>Whether anything was ever put in.</summary>
    public bool IsTouched { get; set; }

    /// <summary>Whether there is a connection to send on.</summary>
    public readonly bool HasConnection => Phase is QueuePhase.Open or QueuePhase.Completing;

    /// <summary>Whether a thread is sending at this moment.</summary>
    public readonly bool IsSending => _sendingOn is not null;

    /// <summary>Whether a loop has its connection in the list of those to flush.</summary>
    public readonly bool IsScheduled => _isScheduled;

    /// <summary>Whether the peer takes no more for now.</summary>
    public readonly bool IsBlocked => _isBlocked;

    /// <summary>Whether everything is kept back until it is known what comes first.</summary>
    public bool IsCorked { get; set; }

    /// <summary>Whether nothing is sent any more, because it is not known what was.</summary>
    public bool IsTorn { get; set; }

    private readonly bool MaySend => HasConnection && !IsSending && !_isBlocked && !IsCorked && !IsTorn;

    public readonly bool IsSendingOn(IOutboundSink sink) => ReferenceEquals(_sendingOn, sink);

    /// <summary>Something was added. True if the caller is to schedule a flush.</summary>
    public bool TrySchedule() => MaySend && !_isScheduled && (_isScheduled = true);

    /// <summary>The flush that was scheduled is there.</summary>
    public void NoteFlush() => _isScheduled = false;

    /// <summary>Whether the caller is to send, as the only one.</summary>
    public bool TryBegin(IOutboundSink sink)
    {
        if (!MaySend)
        {
            return false;
        }

        _sendingOn = sink;
        return true;
    }

    public void BeginSend() => _becameWritable = false;

    /// <summary>How the flush ends, after a send of which all that was sent is gone; null if it goes on.</summary>
    public FlushResult? EndSend(bool tookAll, bool isEmpty, bool isLast)
    {
        Debug.Assert(IsSending, "who sends was not noted");
        // The kernel remembers that we wanted to write, and will report when we can (epoll(7), edge-triggered).
        _isBlocked = !tookAll && !_becameWritable;
        FlushResult? result = _isBlocked ? FlushResult.Blocked
            : isEmpty ? (Phase == QueuePhase.Completing ? FlushResult.Drained : FlushResult.Sent)
            : isLast ? (_isScheduled ? FlushResult.Sent : FlushResult.More)
            : null;
        _sendingOn = result is null ? _sendingOn : null;
        return result;
    }

    /// <summary>The peer takes bytes again. True if it was waited for.</summary>
    public bool Unblock()
    {
        bool wasBlocked = _isBlocked;
        _isBlocked = false;
        // The send under way, on another thread, may have found no room a moment before this.
        _becameWritable = IsSending;
        return wasBlocked;
    }

    public void End() => _sendingOn = null;

    /// <summary>Nothing is added any more.</summary>
    public void Complete()
    {
        Phase = Phase == QueuePhase.Open ? QueuePhase.Completing : Phase;
        IsCorked = false;
    }

    /// <summary>The connection is lost; who is sending on it may not know yet.</summary>
    public void Detach()
    {
        Phase = QueuePhase.Away;
        _isBlocked = false;
    }

    /// <summary>There is another connection, on which nothing was sent yet.</summary>
    public void Attach()
    {
        Debug.Assert(Phase == QueuePhase.Away && !IsSending && !_isScheduled, "the connection before is still being sent on");
        Phase = QueuePhase.Open;
        _isBlocked = false;
    }
}
