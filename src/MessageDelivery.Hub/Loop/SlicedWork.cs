using System.Diagnostics;

namespace MessageDelivery.Hub.Loop;

/// <summary>Something that may take long, and is done in slices between which a loop does everything else.</summary>
internal interface ISlicedWork
{
    /// <summary>Does a part of it that takes microseconds. True if there is more.</summary>
    bool DoSlice(IOutlet outlet);
}

/// <summary>Work that a loop has begun and not finished: some of it is done in each turn. Used by one thread.</summary>
internal sealed class SlicedWork
{
    // Users notice nothing of a turn that is so much longer.
    private static readonly long MaxTicksPerTurn = Stopwatch.Frequency / 1_000;

    private readonly Queue<ISlicedWork> _unfinished = new();

    public bool IsEmpty => _unfinished.Count == 0;

    public void Add(ISlicedWork work) => _unfinished.Enqueue(work);

    /// <summary>Does what fits into a turn; all that is unfinished moves on alike.</summary>
    public void RunTurn(IOutlet outlet)
    {
        for (long began = Stopwatch.GetTimestamp(); !IsEmpty && Stopwatch.GetTimestamp() - began < MaxTicksPerTurn;)
        {
            RunSlice(outlet);
        }
    }

    /// <summary>Does all that is left, when there are no more turns.</summary>
    public void RunAll(IOutlet outlet)
    {
        while (!IsEmpty)
        {
            RunSlice(outlet);
        }
    }

    private void RunSlice(IOutlet outlet)
    {
        var work = _unfinished.Dequeue();
        if (work.DoSlice(outlet))
        {
            _unfinished.Enqueue(work);
        }
    }
}
