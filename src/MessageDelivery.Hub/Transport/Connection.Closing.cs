using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Transport.Layers;

namespace MessageDelivery.Hub.Transport;

/// <summary>How a connection ends: by a decision, by a peer that is gone, or by one that takes nothing.</summary>
internal sealed partial class Connection
{
    private byte[] _lastWords = [];
    private bool _queueIsKept;

    /// <summary>Takes nothing more from the peer, sends what is queued, and closes.</summary>
    public void Close(CloseReason reason)
    {
        if (_phase != Phase.Open)
        {
            return;
        }

        if (KeepQueue(reason))
        {
            CloseKeepingQueue(reason, []);
            return;
        }

        _phase = Phase.Draining;
        Ended(reason);
        LetGoOfAllInput();
        LetGoOfClaim();
        BeginWatch();
        _closeDeadline = Loop.Now + (Loop.IsShuttingDown ? Loop.DrainMilliseconds : Loop.StallMilliseconds);
        if (Outbound.Complete(Loop))
        {
            Linger();
        }

        Reschedule();
    }

    /// <summary>Closes at once; what is queued is dropped.</summary>
    public void Abort(CloseReason reason)
    {
        if (_phase == Phase.Closed)
        {
            return;
        }

        bool wasOpen = _phase == Phase.Open;
        KeepQueue(reason);
        _phase = Phase.Closed;
        LetGoOfAllInput();
        LetGoOfClaim();
        if (!_queueIsKept)
        {
            Outbound.Close(Loop);
        }

        Release();
        if (wasOpen)
        {
            Ended(reason);
        }
    }

    /// <summary>Takes nothing more from the peer, sends what is queued and then its last words, and closes.</summary>
    public void Close(CloseReason reason, ReadOnlySpan<byte> lastWords)
    {
        if (_phase != Phase.Open)
        {
            return;
        }

        if (KeepQueue(reason))
        {
            CloseKeepingQueue(reason, lastWords);
        }
        else
        {
            SendLast(lastWords);
            Close(reason);
        }
    }

    /// <summary>Closes while what is queued outlives it: it is sent here all the same, as far as it goes.</summary>
    private void CloseKeepingQueue(CloseReason reason, ReadOnlySpan<byte> lastWords)
    {
        _phase = Phase.Draining;
        _lastWords = lastWords.ToArray();
        Ended(reason);
        LetGoOfAllInput();
        LetGoOfClaim();
        _closeDeadline = Loop.Now + Loop.StallMilliseconds;
        HandOver();
        Reschedule();
    }

    /// <summary>Takes over the queue of a session whose connection is lost, in place of its own. The session lets it out.</summary>
    internal void Adopt(OutboundQueue queue)
    {
        Outbound.Close(Loop);
        Outbound = queue;
    }

    /// <summary>Whether it still has last words to say and has to do with a queue that is not its own any more.</summary>
    internal bool IsHandingOver => _queueIsKept && _phase == Phase.Draining;

    /// <summary>Lets go of the queue that outlives it, once nobody else sends from that.</summary>
    private void HandOver()
    {
        if (!IsHandingOver)
        {
            return;
        }

        var queued = new SegmentList();
        try
        {
            if (!Outbound.TryCopyTo(queued))
            {
                Loop.Post(this, LoopWork.HandOver);
                return;
            }

            Outbound = new(Loop.Pool, Loop.QueueLimitBytes, this);
            _queueIsKept = false;
            Outbound.Add(queued.Items, Loop);
        }
        finally
        {
            queued.ReleaseAll();
        }

        SendLast(_lastWords);
        BeginWatch();
        if (Outbound.Complete(Loop))
        {
            Linger();
        }
    }

    /// <summary>Whether the conversation goes on without the connection, and with what is queued.</summary>
    private bool KeepQueue(CloseReason reason) =>
        _queueIsKept = _queueIsKept || (_phase == Phase.Open && Handler is IResumableProtocol resumable && resumable.TryKeepQueue(reason));

    /// <summary>The loop's last act on a closed connection.</summary>
    internal void CloseSocket()
    {
        if (Reason == CloseReason.SlowConsumer)
        {
            // What the kernel still holds for it would be sent for minutes, and it would take the cut for a proper end.
            StreamSocket.ResetOnClose(_socket);
        }

        try
        {
            _tls?.Release();
        }
        finally
        {
            Libc.Close(_socket);
            _place.Leave();
        }
    }

    private bool HasStalled(long now)
    {
        if (Outbound.StallDeadline(Loop.StallMilliseconds) == long.MaxValue)
        {
            _watched = false;
            return false;
        }

        NoteProgress(now);
        return now >= Outbound.StallDeadline(Loop.StallMilliseconds);
    }

    /// <summary>
    /// The kernel holds megabytes for a slow peer and asks for more only when a good part of them is gone: that it has
    /// taken some shows in what is unacknowledged long before it shows in what we can send.
    /// </summary>
    private void NoteProgress(long now)
    {
        int unacknowledged = StreamSocket.Unacknowledged(_socket);
        if (unacknowledged < _unacknowledged)
        {
            Outbound.NoteProgress(now);
        }

        _unacknowledged = unacknowledged;
    }

    /// <summary>From now on the peer has to take something: what it did before was nobody's business.</summary>
    private void BeginWatch()
    {
        _watched = true;
        _unacknowledged = StreamSocket.Unacknowledged(_socket);
        Outbound.NoteProgress(Loop.Now);
    }

    private void ShutDown()
    {
        if (_phase == Phase.Open)
        {
            Handler.End(CloseReason.ShuttingDown);
        }
        else
        {
            _closeDeadline = Math.Min(_closeDeadline, Loop.Now + Loop.DrainMilliseconds);
        }
    }

    /// <summary>Closes for the memory it holds.</summary>
    internal void GiveUp()
    {
        if (_phase != Phase.Open)
        {
            Abort(Reason);
        }
        else if (Outbound.HeldBytes >= UnfinishedInputBytes)
        {
            Handler.End(CloseReason.SlowConsumer);
        }
        else
        {
            Handler.End(CloseReason.Overloaded);
        }
    }

    /// <summary>Ends if the peer has given no sign of life for so long although something waits for its acknowledgement.</summary>
    internal void EndIfVanished(long afterMilliseconds)
    {
        if (!_broken && _phase != Phase.Closed && _life.HasVanished(_socket, afterMilliseconds))
        {
            // Else the kernel would go on repeating what it holds once the socket is closed.
            StreamSocket.ResetOnClose(_socket);
            PeerIsGone();
        }
    }

    private void PeerIsGone()
    {
        if (_broken || _phase == Phase.Closed)
        {
            return;
        }

        _broken = true;
        if (KeepQueue(CloseReason.Reset))
        {
            Abort(CloseReason.Reset);
            return;
        }

        Outbound.Close(Loop);
        if (_phase == Phase.Open && _paused)
        {
            // What has come before it broke is still carried out.
            _inputEnds = true;
        }
        else
        {
            Abort(IsOpen ? CloseReason.Reset : Reason);
        }
    }

    private void Ended(CloseReason reason)
    {
        // Before anything that may fail: whoever fails here is not told of its end a second time.
        _hasEnded = true;
        Reason = reason;
        _share?.Leave();
        _place.Yield(this, isAllSent: _phase == Phase.Closed);
        Loop.Counters.Disconnects[(int)reason]++;
        Handler.Closed(reason);
    }

    private void Linger()
    {
        if (_tls?.TrySayGoodbye(_socket) == false)
        {
            // Again when the kernel has room for it.
            return;
        }

        _phase = Phase.Lingering;
        _place.Yield(this, isAllSent: true);
        LetGoOfAllInput();
        Libc.Shutdown(_socket, Libc.ShutdownWrite);
        _closeDeadline = Loop.Now + (Loop.IsShuttingDown ? ShutdownLingerMilliseconds : LingerMilliseconds);
        _readable = true;
        Receive();
    }
}
