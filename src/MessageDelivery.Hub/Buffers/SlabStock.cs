namespace MessageDelivery.Hub.Buffers;

/// <summary>
/// The slabs of a pool that are not in use. So many are always kept, so that the reserve is there even where the machine gives no more; what
/// is kept and was not used for a while takes no memory but its addresses. Guarded by the pool's lock but for what says otherwise.
/// </summary>
/// <param name="kept">Slabs that are not given back.</param>
internal sealed class SlabStock(BlockPool pool, int kept)
{
    // By size: a slab that is already cut right costs nothing to use again.
    private readonly Stack<Slab>[] _warm = [new(), new(), new()];
    private readonly Stack<Slab> _clean = new();
    private int _minWarm;

    /// <summary>Slabs mapped, in use or not.</summary>
    public int Count { get; private set; }

    /// <summary>Slabs that were in use of late and are not now. Read without the lock.</summary>
    public int WarmCount { get; private set; }

    /// <summary>For tests: whether the machine gives no more.</summary>
    internal Func<bool>? Refuses { get; set; }

    /// <summary>Maps more, to be kept; returns how many.</summary>
    public int Grow(int slabs)
    {
        int mapped = 0;
        while (mapped < slabs && TryMap() is { } slab)
        {
            _clean.Push(slab);
            mapped++;
        }

        return mapped;
    }

    /// <summary>One from the machine; null if it gives none.</summary>
    public Slab? TryMap()
    {
        if (Refuses?.Invoke() == true || Slab.TryMap(pool) is not { } slab)
        {
            return null;
        }

        Count++;
        // Taking it back must not need memory.
        _clean.EnsureCapacity(Count);
        foreach (var slabs in _warm)
        {
            slabs.EnsureCapacity(Count);
        }

        return slab;
    }

    /// <summary>One that was in use of late; null if there is none.</summary>
    public Slab? TryTakeWarm(BlockSize preferred)
    {
        if (!_warm[(int)preferred].TryPop(out var slab))
        {
            foreach (var other in _warm)
            {
                if (other.TryPop(out slab))
                {
                    break;
                }
            }
        }

        WarmCount -= slab is null ? 0 : 1;
        _minWarm = Math.Min(_minWarm, WarmCount);
        return slab;
    }

    /// <summary>One of those that are kept; null if none is left.</summary>
    public Slab? TryTakeKept() => _clean.TryPop(out var slab) ? slab : null;

    /// <summary>Takes back one that is not in use any more.</summary>
    public void Put(Slab slab)
    {
        _warm[(int)slab.Size].Push(slab);
        WarmCount++;
    }

    /// <summary>Gives one back that is not in use any more to the machine.</summary>
    public void Drop(Slab slab)
    {
        slab.Free();
        Count--;
    }

    /// <summary>Half of those that were not in use since this was last asked, out of the stock.</summary>
    public Slab[] TakeUnused(int most)
    {
        var unused = Take(Math.Min((_minWarm + 1) / 2, most));
        _minWarm = WarmCount;
        return unused;
    }

    /// <summary>Everything, out of the stock.</summary>
    public Slab[] TakeAll()
    {
        Slab[] all = [.. Take(WarmCount), .. _clean];
        Count -= _clean.Count;
        _clean.Clear();
        return all;
    }

    /// <summary>How many of those taken out are to be kept.</summary>
    public int CountToKeep(int taken) => Math.Clamp(kept - _clean.Count, 0, taken);

    /// <summary>Takes back some that are kept, and hold nothing.</summary>
    public void PutKept(ReadOnlySpan<Slab> slabs)
    {
        foreach (var slab in slabs)
        {
            _clean.Push(slab);
        }

        Count += slabs.Length;
    }

    private Slab[] Take(int count)
    {
        Slab[] taken = count == 0 ? [] : new Slab[count];
        for (int i = 0; i < count; i++)
        {
            taken[i] = TryTakeWarm(BlockSize.Large)!;
        }

        Count -= count;
        return taken;
    }
}
