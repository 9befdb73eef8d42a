using System.Runtime.CompilerServices;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>How an attempt to send ended.</summary>
internal enum SendStatus
{
    Sent,
    Blocked,
    Broken,
}

/// <summary>What a layer has made, and the one below it has not taken yet. A mutable struct, so that a layer is one object.</summary>
internal struct UnsentBytes(BlockPool pool)
{
    private PendingSegments _pending;
    private CopyBlocks _blocks = new(pool);

    public readonly bool IsEmpty => _pending.IsEmpty;

    public void Add(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.IsEmpty)
        {
            _pending.Copy(bytes, QueuedSegment.Uncounted, ref _blocks);
        }
    }

    public SendStatus Send(ByteLayer lower, LoopCounters counters)
    {
        Segments vectors = default;
        while (!_pending.IsEmpty)
        {
            int count = _pending.Peek(vectors);
            long offered = Segment.TotalBytes(vectors[..count]);
            long taken = lower.Send(vectors[..count], counters);
            if (taken < 0)
            {
                return SendStatus.Broken;
            }

            _pending.Consume(taken, null);
            if (taken < offered)
            {
                return SendStatus.Blocked;
            }
        }

        _blocks.LetGo();
        return SendStatus.Sent;
    }

    public void Clear()
    {
        _pending.Clear();
        _blocks.LetGo();
    }

    [InlineArray(8)]
    private struct Segments
    {
        private Segment _first;
    }
}
