using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Transport;

/// <summary>How a flush ended.</summary>
internal enum FlushResult
{
    /// <summary>There was nothing to do, or another thread is at it.</summary>
    Nothing,
    /// <summary>Everything was sent.</summary>
    Sent,
    /// <summary>Everything was sent and nothing more will come, or the queue was closed meanwhile.</summary>
    Drained,
    /// <summary>The peer takes no more for now.</summary>
    Blocked,
    /// <summary>There is more; others get their turn first.</summary>
    More,
    /// <summary>The connection is broken.</summary>
    Broken,
}

/// <summary>The event loop whose thread is running, as queues see it.</summary>
internal interface IOutlet
{
    /// <summary>Milliseconds of the loop's clock, as of this turn.</summary>
    long Now { get; }

    /// <summary>Where this thread counts.</summary>
    LoopCounters Counters { get; }

    /// <summary>Room for the segments of one send, so that flushing needs none of its own.</summary>
    Segment[] SendScratch { get; }

    /// <summary>Flush this connection at the end of the turn.</summary>
    void ScheduleFlush(Connection connection);

    /// <summary>The connection's queue is full from now on: see that it moves.</summary>
    void Watch(Connection connection);
}
