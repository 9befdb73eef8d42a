using System.Diagnostics;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Outbound;

/// <summary>
/// What a queue holds: the bytes that are to be sent, and those that were sent and may have to be sent again. It counts both for the loop
/// that runs. Guarded by the queue's lock; a mutable struct, so that a queue is one object.
/// </summary>
internal struct QueueContents(BlockPool pool)
{
    private PendingSegments _pending;
    private CopyBlocks _copies = new(pool);
    private ReplayBuffer? _replay;

    /// <summary>What is sent and not acknowledged; null if the peer does not acknowledge.</summary>
    public readonly ReplayBuffer? Replay => _replay;

    public readonly BlockPool Pool => _copies.Pool;

    /// <summary>Whether there is nothing to send.</summary>
    public readonly bool IsEmpty => _pending.IsEmpty;

    /// <summary>Bytes to send. Read without the lock, too.</summary>
    public readonly long PendingBytes => _pending.Bytes;

    /// <summary>The same, those in the replay buffer, and what those who wait for acknowledgements count. Read without the lock, too.</summary>
    public readonly long HeldBytes => _pending.Bytes + (_replay is { } replay ? replay.Bytes + replay.AwaitedBytes : 0);

    /// <summary>Bytes that were ever copied to be held.</summary>
    public readonly long CopiedBytes => _copies.TotalBytes;

    /// <summary>When the peer last took something, or there began to be something, or too much; the loop's milliseconds.</summary>
    public long LastProgress { get; set; }

    private readonly long ReplayBytes => _replay?.Bytes ?? 0;

    /// <summary>From now on, what the peer counts is kept until it has acknowledged it.</summary>
    public void EnableReplay(ICountedUnits units, object gate)
    {
        Debug.Assert(_replay is null, "what is kept would be lost");
        _replay = new(Pool, units, gate);
        _replay.CountQueued(_pending.Units, null, 0);
    }

    /// <summary>Adds segments by reference; small ones are copied where that is less than keeping them.</summary>
    /// <param name="parks">Whether they will stay for a while, because the peer takes nothing.</param>
    /// <returns>Why only a part could be added; null if all was.</returns>
    public Exception? TryShare(ReadOnlySpan<Segment> segments, int units, bool parks, IOutlet outlet)
    {
        NoteAdding(outlet);
        try
        {
            parks = parks && !Pool.IsLow;
            for (int i = 0; i < segments.Length; i++)
            {
                ref readonly var segment = ref segments[i];
                int unitsHere = units == QueuedSegment.Uncounted || i == segments.Length - 1 ? units : 0;
                outlet.Counters.QueuedBytes += segment.Length;
                if (parks && segment.Length < OutboundQueue.ParkCopyBytes)
                {
                    _pending.Copy(segment.Span, unitsHere, ref _copies);
                }
                else
                {
                    _pending.Share(segment, unitsHere, ref _copies);
                }
            }

            return null;
        }
        catch (Exception failure)
        {
            return failure;
        }
    }

    /// <summary>Adds bytes by copying them.</summary>
    /// <returns>Why only a part could be added; null if all was.</returns>
    public Exception? TryCopy(ReadOnlySpan<byte> bytes, int units, IOutlet outlet)
    {
        NoteAdding(outlet);
        outlet.Counters.QueuedBytes += bytes.Length;
        try
        {
            _pending.Copy(bytes, units, ref _copies);
            return null;
        }
        catch (Exception failure)
        {
            return failure;
        }
    }

    /// <summary>Puts bytes that the peer does not count in front of everything, of which nothing may be sent yet.</summary>
    /// <returns>Why only a part could be added; null if all was.</returns>
    public Exception? TryCopyToFront(ReadOnlySpan<byte> bytes, IOutlet outlet)
    {
        NoteAdding(outlet);
        outlet.Counters.QueuedBytes += bytes.Length;
        try
        {
            _pending.CopyToFront(bytes, ref _copies);
            return null;
        }
        catch (Exception failure)
        {
            return failure;
        }
    }

    /// <summary>The first segments to send, as many as there is room for; they stay.</summary>
    public int Peek(Span<Segment> destination) => _pending.Peek(destination);

    /// <summary>So many bytes are sent.</summary>
    public void Consume(long sent, IOutlet outlet)
    {
        outlet.Counters.QueuedBytes -= sent;
        long before = ReplayBytes;
        _pending.Consume(sent, _replay);
        outlet.Counters.RetainedBytes += ReplayBytes - before;
        LetGoOfCopiesIfUnused();
    }

    /// <summary>The peer takes no more for now: what is to be sent pins no more memory than it is.</summary>
    /// <param name="isAway">Whether its connection is lost and nobody sends any more: then what was sent in part is noted, and what is kept is copied, too.</param>
    /// <returns>Why a part may be there twice; null if nothing is.</returns>
    public Exception? TryPark(bool isAway, IOutlet outlet)
    {
        long before = ReplayBytes;
        try
        {
            if (isAway)
            {
                _replay!.NoteSentInPart(ref _pending);
            }

            _pending.Park(_replay, ref _copies);
            if (isAway)
            {
                ParkReplay();
            }

            return null;
        }
        catch (Exception failure)
        {
            return failure;
        }
        finally
        {
            outlet.Counters.RetainedBytes += ReplayBytes - before;
        }
    }

    /// <summary>Copies small pieces together that were sent and are kept.</summary>
    public void ParkReplay() => _replay?.Park(ref _copies);

    /// <summary>What a total that the peer tells means.</summary>
    public ReplayStatus Check(ulong total, bool isSending) => _replay!.Check(total, ref _pending, isSending);

    /// <summary>Lets go of what the peer's total covers, which must have been checked.</summary>
    public void Acknowledge(ulong total, IOutlet outlet)
    {
        LastProgress = outlet.Now;
        long before = ReplayBytes;
        _replay!.Acknowledge(total);
        outlet.Counters.RetainedBytes += ReplayBytes - before;
        LetGoOfCopiesIfUnused();
    }

    /// <summary>All that the peer has not got, by its total, is to be sent, as if nothing had been.</summary>
    public void Rewind(ulong total, IOutlet outlet)
    {
        // Who comes back without having taken anything has not moved.
        LastProgress = total > _replay!.Acknowledged ? outlet.Now : LastProgress;
        var counters = outlet.Counters;
        counters.QueuedBytes -= PendingBytes;
        counters.RetainedBytes -= ReplayBytes;
        _replay.Acknowledge(total);
        _replay.Rewind(ref _pending);
        counters.QueuedBytes += PendingBytes;
        counters.RetainedBytes += ReplayBytes;
    }

    /// <summary>Adds what is to be sent to a list, with a reference for each segment: the peer may get it by another way.</summary>
    public void CopyTo(SegmentList list)
    {
        _pending.CopyTo(list);
        _replay?.NoteAllSent();
    }

    /// <summary>Drops everything.</summary>
    public void Clear(IOutlet outlet)
    {
        outlet.Counters.QueuedBytes -= PendingBytes;
        outlet.Counters.RetainedBytes -= ReplayBytes;
        _pending.Clear();
        _replay?.Clear();
        _copies.LetGo();
    }

    private void NoteAdding(IOutlet outlet) => LastProgress = IsEmpty ? outlet.Now : LastProgress;

    /// <summary>A quiet connection holds no block for copies.</summary>
    private void LetGoOfCopiesIfUnused()
    {
        if (_pending.IsEmpty)
        {
            _copies.LetGoIfUnused();
        }
    }
}
