using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Loop;

/// <summary>The event loop whose thread is running, as queues see it.</summary>
internal interface IOutlet
{
    /// <summary>Milliseconds of the loop's clock, as of this turn.</summary>
    long Now { get; }

    /// <summary>Where this thread counts.</summary>
    LoopCounters Counters { get; }

    /// <summary>Room for the segments of one send, so that flushing needs none of its own.</summary>
    Segment[] SendScratch { get; }

    /// <summary>Flush this entry at the end of the turn.</summary>
    void ScheduleFlush(LoopEntry entry);

    /// <summary>The entry's queue is full from now on: see that it moves.</summary>
    void Watch(LoopEntry entry);

    /// <summary>Go on with this in later turns, while it says that there is more.</summary>
    void DoLater(ISlicedWork work);
}

/// <summary>Somebody who was made to wait. Any thread.</summary>
internal interface IPausable
{
    /// <summary>What it waited for has come: it goes on, on its own thread.</summary>
    void Resume();
}
