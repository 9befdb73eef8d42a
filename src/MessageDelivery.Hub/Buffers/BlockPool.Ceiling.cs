namespace MessageDelivery.Hub.Buffers;

/// <content>
/// What the machine refuses is the ceiling from then on: the pool acts as at its limit, and asks for more once a second.
/// </content>
internal sealed partial class BlockPool
{
    private const long TellMilliseconds = 10_000;
    private const int MinGrowth = 4;
    private const int GrowthPart = 8;

    private readonly SlabStock _stock;
    private volatile int _ceilingSlabs;
    private bool _isRefusalTold = true;
    private bool _wasTold;
    private long _tellAgainAt = long.MinValue;

    /// <summary>The most that can be used for now: the limit, or less while the machine gives no more.</summary>
    public long CeilingBytes => (long)_ceilingSlabs * BlockSizes.LargeBytes;

    /// <summary>
    /// Told, at most once in ten seconds, that the machine has refused memory below the limit, and when it gives some again: the ceiling.
    /// Called on any thread, outside the lock.
    /// </summary>
    public Action<long>? CeilingChanged { get; set; }

    /// <summary>For tests: what the machine and the pool refuse.</summary>
    internal SlabStock Stock => _stock;

    /// <summary>For tests: whether a rent fails, of whatever kind.</summary>
    internal Func<bool>? RentFails { get; set; }

    private bool IsRefusedMore => _ceilingSlabs < _maxSlabs;

    private static int ReserveOf(int slabs) => (int)Math.Min(slabs / 8, MaxReserveBytes / BlockSizes.LargeBytes);

    private void SetCeiling(int slabs)
    {
        _ceilingSlabs = slabs;
        _reserveSlabs = ReserveOf(slabs);
        _available = slabs - _used;
        SetThresholds(_waiters.Length);
    }

    /// <summary>The machine gives no more: what there is has to do.</summary>
    private void NoteRefusal()
    {
        SetCeiling(_stock.Count);
        _isRefusalTold = false;
    }

    /// <summary>
    /// Asks the machine for more. While memory is scarce the ceiling goes up by what was given, since others rely on it; else to the limit,
    /// until the machine refuses again.
    /// </summary>
    private void SeekMore()
    {
        if (!IsRefusedMore)
        {
            return;
        }

        bool isScarce = IsScarce;
        int wanted = isScarce ? Math.Min(Math.Max(MinGrowth, _ceilingSlabs / GrowthPart), _maxSlabs - _ceilingSlabs) : 1;
        if (_stock.Grow(wanted) == wanted)
        {
            SetCeiling(isScarce ? Math.Min(_maxSlabs, Math.Max(_ceilingSlabs, _stock.Count)) : _maxSlabs);
        }
    }

    /// <summary>The ceiling that is to be told; null for nothing new.</summary>
    private long? CeilingToTell(long now)
    {
        bool tellsRefusal = IsRefusedMore && !_isRefusalTold && now >= _tellAgainAt;
        bool tellsEnd = !IsRefusedMore && _wasTold;
        if (!tellsRefusal && !tellsEnd)
        {
            return null;
        }

        _isRefusalTold = true;
        _wasTold = tellsRefusal;
        _tellAgainAt = tellsRefusal ? now + TellMilliseconds : _tellAgainAt;
        return CeilingBytes;
    }
}
