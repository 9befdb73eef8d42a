using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Outbound;

/// <summary>Where a queue sends to.</summary>
internal interface IOutboundSink
{
    /// <summary>Whether it has something to say itself: sending, be it nothing, sends that, too.</summary>
    bool HasToSay { get; }

    /// <summary>Sends what it can without blocking: bytes taken, or a negative number if the connection is broken.</summary>
    long Send(ReadOnlySpan<Segment> segments, LoopCounters counters);
}
