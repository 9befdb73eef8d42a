using System.Diagnostics;

namespace MessageDelivery.Hub.Buffers;

/// <summary>
/// The blocks of a pool: slabs that are in use in part, up to a ceiling, and a stock of those that are not. What the machine refuses is the
/// ceiling from then on; it is asked for more once a second. Guarded by the pool's lock but for what says otherwise.
/// </summary>
internal sealed class SlabAllocator
{
    private const int MinGrowth = 4;
    private const int GrowthPart = 8;

    private readonly LinkedList<Slab>[] _partial = [new(), new(), new()];
    private readonly int _maxSlabs;
    private readonly SlabStock _stock;
    private Watermarks _marks;
    private CeilingNotice _notice = new();
    private volatile int _ceilingSlabs;
    private volatile int _used;
    private volatile int _available;
    private int _outstanding;
    private int _loops;

    /// <param name="keptSlabs">How many are kept even when they are not in use.</param>
    public SlabAllocator(BlockPool pool, int maxSlabs, int keptSlabs)
    {
        _maxSlabs = maxSlabs;
        _stock = new(pool, keptSlabs);
        SetCeiling(maxSlabs);
    }

    /// <summary>Slabs that are not in use.</summary>
    public SlabStock Stock => _stock;

    /// <summary>The levels at which memory is short of something. Read without the lock, too, as are the next six.</summary>
    public ref readonly Watermarks Marks => ref _marks;

    /// <summary>The most that can be used for now.</summary>
    public long CeilingBytes => (long)_ceilingSlabs * BlockSizes.LargeBytes;

    public long UsedBytes => (long)_used * BlockSizes.LargeBytes;

    public long AvailableBytes => (long)_available * BlockSizes.LargeBytes;

    public int OutstandingBlocks => Volatile.Read(ref _outstanding);

    /// <summary>Whether only the reserve is left.</summary>
    public bool IsLow => _available <= _marks.Reserve;

    /// <summary>Whether the machine has refused memory below the limit.</summary>
    public bool IsRefusedMore => _ceilingSlabs < _maxSlabs;

    /// <summary>For tests: whether a rent fails, of whatever kind.</summary>
    internal Func<bool>? RentFails { get; set; }

    public void AddLoop()
    {
        _loops++;
        _marks.Set(_ceilingSlabs, _loops);
    }

    /// <summary>Takes a block; null if the machine gives no more, or only the reserve is left and that must not be drawn on.</summary>
    public Block? TryTake(BlockSize size, bool mayDrawReserve)
    {
        var partial = _partial[(int)size];
        if ((!mayDrawReserve && partial.Count == 0 && IsLow) || RentFails?.Invoke() == true
            || (partial.First?.Value ?? TryTakeFree(size, mayDrawReserve)) is not { } slab)
        {
            return null;
        }

        var block = slab.Take();
        if (!slab.HasFree)
        {
            slab.Place.List?.Remove(slab.Place);
        }
        else if (slab.Place.List is null)
        {
            partial.AddFirst(slab.Place);
        }

        _outstanding++;
        block.Rented();
        return block;
    }

    /// <summary>Takes back a block. True if there is a slab less in use.</summary>
    public bool Return(Block block)
    {
        var slab = block.Slab;
        bool wasFull = !slab.HasFree;
        slab.Return(block);
        _outstanding--;
        Debug.Assert(_outstanding >= 0, "more blocks came back than were rented");
        if (slab.Used == 0)
        {
            slab.Place.List?.Remove(slab.Place);
            PutFree(slab);
            return true;
        }

        if (wasFull)
        {
            _partial[(int)slab.Size].AddFirst(slab.Place);
        }

        return false;
    }

    /// <summary>
    /// Asks the machine for more, where it refused some. While memory is scarce the ceiling goes up by what was given, since others rely on it;
    /// else to the limit, until the machine refuses again.
    /// </summary>
    public void SeekMore(bool isScarce)
    {
        if (!IsRefusedMore)
        {
            return;
        }

        int wanted = isScarce ? Math.Min(Math.Max(MinGrowth, _ceilingSlabs / GrowthPart), _maxSlabs - _ceilingSlabs) : 1;
        if (_stock.Grow(wanted) == wanted)
        {
            SetCeiling(isScarce ? Math.Min(_maxSlabs, Math.Max(_ceilingSlabs, _stock.Count)) : _maxSlabs);
        }
    }

    /// <summary>The ceiling, if it is to be told now; else null.</summary>
    public long? CeilingToTell(long now) => _notice.TryTake(IsRefusedMore, now) ? CeilingBytes : null;

    private void SetCeiling(int slabs)
    {
        _ceilingSlabs = slabs;
        _available = slabs - _used;
        _marks.Set(slabs, _loops);
    }

    private Slab? TryTakeFree(BlockSize size, bool mayDrawReserve)
    {
        var slab = _stock.TryTakeWarm(size);
        if (slab is null && _stock.Count < _ceilingSlabs && (slab = _stock.TryMap()) is null)
        {
            // The machine gives no more: what there is has to do.
            SetCeiling(_stock.Count);
            _notice.NoteRefusal();
        }

        if (slab is null && (mayDrawReserve || !IsLow))
        {
            slab = _stock.TryTakeKept() ?? (mayDrawReserve ? _stock.TryMap() : null);
        }

        if (slab is not null)
        {
            try
            {
                slab.Cut(size);
            }
            catch
            {
                _stock.Put(slab);
                throw;
            }

            CountUsed(1);
        }

        return slab;
    }

    private void PutFree(Slab slab)
    {
        CountUsed(-1);
        // Beyond the ceiling only after the reserve was overdrawn; such memory is not kept.
        if (_stock.Count > _ceilingSlabs)
        {
            _stock.Drop(slab);
        }
        else
        {
            _stock.Put(slab);
        }
    }

    private void CountUsed(int slabs)
    {
        _used += slabs;
        Debug.Assert(_used >= 0, "more slabs came back than were taken");
        _available = _ceilingSlabs - _used;
    }
}
