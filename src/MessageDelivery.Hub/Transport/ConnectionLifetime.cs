namespace MessageDelivery.Hub.Transport;

/// <summary>How far a connection has come.</summary>
internal enum ConnectionPhase : byte
{
    /// <summary>Receiving and sending.</summary>
    Open,
    /// <summary>Sending what is queued, then closing.</summary>
    Draining,
    /// <summary>Everything is sent, and input is dropped.</summary>
    Lingering,
    /// <summary>Over; the loop closes it at the end of its turn.</summary>
    Closed,
}

/// <summary>
/// How a connection ends: by a decision, by a peer that is gone, or by a failure; once, and in order. The loop's thread. A mutable struct, so
/// that a connection is one object.
/// </summary>
/// <param name="slot">What the connection takes up as long as it has its descriptor.</param>
internal struct ConnectionLifetime(Connection connection, IConnectionSlot slot)
{
    private ISlot? _share;
    private bool _queueIsKept;
    private bool _isReleased;
    private bool _isEndTold;

    public ConnectionPhase Phase { get; private set; }

    public CloseReason Reason { get; private set; }

    /// <summary>What the connection takes up as long as it has its descriptor.</summary>
    public IConnectionSlot Slot => slot;

    /// <summary>Whether the peer is gone.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>Whether what is queued belongs to a session that outlives the connection.</summary>
    public bool QueueIsKept => _queueIsKept;

    /// <summary>Whether it still has last words to say and has to do with a queue that is not its own any more.</summary>
    public bool IsHandingOver => _queueIsKept && Phase == ConnectionPhase.Draining;

    /// <summary>How it closes; null until it does.</summary>
    public Closing? Closing { get; private set; }

    /// <summary>The conversation takes up a slot of some quota, until it ends.</summary>
    public void TakeUp(ISlot share) => _share = _share is null ? share : new BothSlots(_share, share);

    /// <summary>Takes nothing more from the peer, sends what is queued and then the last words, and closes.</summary>
    public void Close(CloseReason reason, ReadOnlySpan<byte> lastWords)
    {
        if (Phase != ConnectionPhase.Open)
        {
            return;
        }

        Closing = new(connection);
        bool isKept = KeepQueue(reason);
        if (!isKept && !lastWords.IsEmpty)
        {
            connection.SendLast(lastWords);
        }

        Phase = ConnectionPhase.Draining;
        TellEnd(reason);
        ReleaseInput();
        if (isKept)
        {
            Closing.DrainKept(lastWords);
        }
        else
        {
            Closing.Drain();
        }

        connection.Reschedule();
    }

    /// <summary>Closes at once; what is queued is dropped.</summary>
    public void Abort(CloseReason reason)
    {
        if (Phase == ConnectionPhase.Closed)
        {
            return;
        }

        bool wasOpen = Phase == ConnectionPhase.Open;
        KeepQueue(reason);
        Phase = ConnectionPhase.Closed;
        ReleaseInput();
        CloseQueue();
        Release();
        if (wasOpen)
        {
            TellEnd(reason);
        }
    }

    /// <summary>The peer is gone.</summary>
    public void Break()
    {
        if (IsBroken || Phase == ConnectionPhase.Closed)
        {
            return;
        }

        IsBroken = true;
        if (KeepQueue(CloseReason.Reset))
        {
            Abort(CloseReason.Reset);
            return;
        }

        connection.Outbound.Close(connection.Loop);
        if (Phase == ConnectionPhase.Open && connection.IsPaused)
        {
            // What has come before it broke is still carried out.
            connection.Input.NoteEnd();
        }
        else
        {
            Abort(Phase == ConnectionPhase.Open ? CloseReason.Reset : Reason);
        }
    }

    /// <summary>The hub stops.</summary>
    public void ShutDown()
    {
        if (Phase == ConnectionPhase.Open)
        {
            connection.Handler.End(CloseReason.ShuttingDown);
        }
        else
        {
            Closing?.ShutDown();
        }
    }

    /// <summary>Ends for the memory it holds.</summary>
    public void GiveUp()
    {
        if (Phase != ConnectionPhase.Open)
        {
            Abort(Reason);
        }
        else
        {
            connection.Handler.End(connection.Outbound.HeldBytes >= connection.Input.KeptBytes ? CloseReason.SlowConsumer : CloseReason.Overloaded);
        }
    }

    /// <summary>Ends if the peer has given no sign of life for so long although something waits for its acknowledgement.</summary>
    public void EndIfVanished(long afterMilliseconds)
    {
        if (!IsBroken && Phase != ConnectionPhase.Closed && connection.Layer.HasVanished(afterMilliseconds))
        {
            // Else the kernel would go on repeating what it holds once the socket is closed.
            connection.Layer.ResetOnClose();
            Break();
        }
    }

    /// <summary>Whether it may wait for memory; if nobody is there any more, it ends, since what it holds is wanted by others.</summary>
    public bool MayWaitForMemory()
    {
        if (IsBroken)
        {
            Abort(CloseReason.Reset);
        }

        return !IsBroken;
    }

    /// <summary>Everything was sent: tells the peer that nothing follows. False if that waits for room.</summary>
    public bool TryBeginLinger()
    {
        if (!connection.Layer.TryFinish(connection.Loop.Counters))
        {
            return false;
        }

        Phase = ConnectionPhase.Lingering;
        slot.Yield(connection, isAllSent: true);
        ReleaseInput();
        return true;
    }

    /// <summary>The queue that outlives the connection has been replaced by one of its own.</summary>
    public void NoteHandedOver() => _queueIsKept = false;

    /// <summary>
    /// Closes for a defect in the hub, or for want of memory: whatever of closing it fails, too, the rest is still done, so that neither
    /// its descriptor, its slot nor its user is left behind. Does not throw.
    /// </summary>
    public void Fail()
    {
        var failed = connection;
        var failures = failed.Loop.Failures;
        failures.Call(() => failed.Lifetime.Abort(CloseReason.InternalError));

        // All of this has been done unless that has failed.
        Phase = ConnectionPhase.Closed;
        failures.Call(() => failed.Lifetime.ReleaseInput());
        failures.Call(() => failed.Lifetime.CloseQueue());
        failures.Call(() => failed.Lifetime.Release());
        failures.Call(() => failed.Lifetime.TellEndIfNotTold());
    }

    /// <summary>Closes the layer and gives the slot back, once nobody sends any more.</summary>
    public void CloseLayer()
    {
        if (Reason == CloseReason.SlowConsumer)
        {
            // What the kernel still holds for it would be sent for minutes, and it would take the cut for a proper end.
            connection.Layer.ResetOnClose();
        }

        try
        {
            connection.Layer.Close();
        }
        finally
        {
            slot.Release();
        }
    }

    /// <summary>Whether the conversation goes on without the connection, and with what is queued.</summary>
    private bool KeepQueue(CloseReason reason) => _queueIsKept = _queueIsKept
        || (Phase == ConnectionPhase.Open && connection.Handler is IResumableProtocol resumable && resumable.TryKeepQueue(reason));

    private void ReleaseInput()
    {
        connection.Input.Release();
        connection.Input.ReleaseClaim();
    }

    private void CloseQueue()
    {
        if (!_queueIsKept)
        {
            connection.Outbound.Close(connection.Loop);
        }
    }

    private void Release()
    {
        if (!_isReleased)
        {
            _isReleased = true;
            connection.Loop.Release(connection);
        }
    }

    private void TellEndIfNotTold()
    {
        if (!_isEndTold)
        {
            TellEnd(CloseReason.InternalError);
        }
    }

    private void TellEnd(CloseReason reason)
    {
        // Before anything that may fail, so that its end is not told a second time.
        _isEndTold = true;
        Reason = reason;
        _share?.Release();
        connection.Host.Closed.Add(reason);
        if (connection.HasHandler)
        {
            connection.Handler.Closed(reason);
        }

        // Last, as it allocates: whoever cannot give way gives its slot back all the same.
        slot.Yield(connection, isAllSent: Phase == ConnectionPhase.Closed);
    }
}
