using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Outbound;

/// <content>Sending, by one thread at a time.</content>
internal sealed partial class OutboundQueue
{
    /// <summary>The peer takes bytes again. True if there is something that waited for it.</summary>
    public bool Unblock()
    {
        lock (Gate)
        {
            bool wasBlocked = _blocked;
            _blocked = false;
            // The send under way, on another thread, may have found no room a moment before this.
            _becameWritable = IsSending;
            return wasBlocked;
        }
    }

    /// <summary>Sends until there is nothing more or the peer takes no more.</summary>
    /// <param name="sink">The connection; another than the queue is for gets nothing.</param>
    /// <param name="scheduled">Whether this is the flush that was scheduled, so that another may be.</param>
    public FlushResult Flush(IOutboundSink sink, IOutlet outlet, bool scheduled)
    {
        lock (Gate)
        {
            if (_owner is not null && sink is LoopEntry && !ReferenceEquals(sink, _owner))
            {
                return FlushResult.Nothing;
            }

            _flushScheduled &= !scheduled;
            if (_isTorn || IsSending || _blocked || _corked || _state is State.Closed or State.Away || _pending.IsEmpty)
            {
                return FlushResult.Nothing;
            }

            _sendingOn = sink;
        }

        try
        {
            return SendAll(sink, outlet);
        }
        catch
        {
            FailSend(outlet);
            throw;
        }
    }

    private FlushResult SendAll(IOutboundSink sink, IOutlet outlet)
    {
        FlushResult? result = null;
        for (int sends = 1; result is null; sends++)
        {
            int count;
            lock (Gate)
            {
                _becameWritable = false;
                count = _pending.Peek(outlet.SendScratch);
            }

            var batch = outlet.SendScratch.AsSpan(0, count);
            long offered = Segment.TotalBytes(batch);
            long sent = sink.Send(batch, outlet.Counters);
            batch.Clear();
            result = AfterSend(sent, offered, isLast: sends == MaxSendsPerFlush, outlet, out var accepted);
            accepted.Tell(QueueResult.Accepted);
        }

        return result.Value;
    }

    /// <summary>How the flush ends; null if it goes on.</summary>
    private FlushResult? AfterSend(long sent, long offered, bool isLast, IOutlet outlet, out WaitingLine accepted)
    {
        accepted = default;
        lock (Gate)
        {
            if (_state == State.Away)
            {
                // The connection was lost meanwhile. The peer may have got it all the same, and says so when it is back.
                Consume(Math.Max(sent, 0), outlet);
                _sendingOn = null;
                SettleAway(outlet);
                return FlushResult.Sent;
            }

            if (_state == State.Closed || sent < 0)
            {
                _sendingOn = null;
                if (_retained is null || _state == State.Closed)
                {
                    Drop(outlet);
                }

                return sent < 0 ? FlushResult.Broken : FlushResult.Drained;
            }

            if (sent > 0)
            {
                LastProgress = outlet.Now;
                Consume(sent, outlet);
                accepted = _state == State.Open ? TakeAccepted(outlet) : default;
            }

            if (sent < offered && !_becameWritable)
            {
                // The kernel remembers that we wanted to write, and will report when we can (epoll(7), edge-triggered).
                _blocked = true;
                _sendingOn = null;
                ParkPending(outlet);
                return FlushResult.Blocked;
            }

            if (_pending.IsEmpty)
            {
                _sendingOn = null;
                return _state == State.Completing ? FlushResult.Drained : FlushResult.Sent;
            }

            if (isLast)
            {
                _sendingOn = null;
                return _flushScheduled ? FlushResult.Sent : FlushResult.More;
            }

            return null;
        }
    }

    private void ParkPending(IOutlet outlet)
    {
        long before = _retained?.Bytes ?? 0;
        _pending.Park(_retained, ref _copies);
        outlet.Counters.RetainedBytes += (_retained?.Bytes ?? 0) - before;
    }

    private void Consume(long sent, IOutlet outlet)
    {
        outlet.Counters.QueuedBytes -= sent;
        long before = _retained?.Bytes ?? 0;
        _pending.Consume(sent, _retained);
        outlet.Counters.RetainedBytes += (_retained?.Bytes ?? 0) - before;
        LetGoOfCopiesIfUnused();
    }
}
