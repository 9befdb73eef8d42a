namespace MessageDelivery.Hub.Buffers;

/// <summary>Told when memory is there again after a rent was refused, and when it was. Called on any thread, outside the pool's lock.</summary>
internal interface IMemoryWaiter
{
    void MemoryAvailable();

    /// <summary>Memory has become low: whoever holds some and does not move is to be looked at.</summary>
    void MemoryLow();
}

/// <summary>
/// All message memory of a hub. It takes slabs from the operating system up to a ceiling and gives unused ones back after a
/// while. Receiving stops a reserve short of the ceiling, so that what has been received can always be answered.
/// Before that, while it is scarce, receiving takes a claim. Its lock is a leaf: nothing is called inside it.
/// </summary>
internal sealed partial class BlockPool : IDisposable
{
    /// <summary>The least ceiling: a hub cannot work with less.</summary>
    public const long MinLimitBytes = 8L << 20;

    private const long MaxReserveBytes = 32L << 20;
    private const long TrimMilliseconds = 1_000;
    private const int MaxSlabsPerTrim = 64;
    private const long Never = -1;

    private readonly Lock _lock = new();
    private readonly LinkedList<Slab>[] _partial = [new(), new(), new()];
    private readonly int _maxSlabs;
    private int _reserveSlabs;
    private IMemoryWaiter[] _waiters = [];
    private volatile int _used;
    private long _nextTrim = long.MinValue;
    private long _lowSince = Never;
    private long _maxFreeBytes;
    private long _offeredAt;
    private long _offeredBytes;
    private int _outstanding;
    private volatile int _available;
    private volatile bool _refused;

    /// <param name="limitBytes">The ceiling.</param>
    /// <param name="claimPatience">How long smaller claims may pass one in line, in the callers' milliseconds.</param>
    /// <exception cref="InsufficientMemoryException">The machine does not even give what is always kept.</exception>
    public BlockPool(long limitBytes, long claimPatience = 10_000)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limitBytes, MinLimitBytes);
        _claims = new(claimPatience);
        LimitBytes = limitBytes;
        _maxSlabs = (int)Math.Min(limitBytes / BlockSizes.LargeBytes, int.MaxValue / 2);
        int kept = Math.Max((int)(MinLimitBytes / BlockSizes.LargeBytes), ReserveOf(_maxSlabs));
        _stock = new(this, kept);
        SetCeiling(_maxSlabs);
        if (_stock.Grow(kept) < kept)
        {
            Dispose();
            throw new InsufficientMemoryException(
                $"The machine does not give the {kept * (long)BlockSizes.LargeBytes} bytes of message memory without which the hub cannot work.");
        }
    }

    public long LimitBytes { get; }

    /// <summary>Bytes in use: slabs of which at least one block is rented.</summary>
    public long UsedBytes => (long)_used * BlockSizes.LargeBytes;

    /// <summary>Blocks rented and not yet returned.</summary>
    public int OutstandingBlocks => Volatile.Read(ref _outstanding);

    /// <summary>Whether only the reserve is left: stop taking on work.</summary>
    public bool IsLow => _available <= _reserveSlabs;

    /// <summary>Whether <see cref="Trim"/> has something to do, or memory is short.</summary>
    public bool WantsHousekeeping => _stock.WarmCount > 0 || IsShort || IsRefusedMore;

    public void AddWaiter(IMemoryWaiter waiter)
    {
        lock (_lock)
        {
            _waiters = [.. _waiters, waiter];
            SetThresholds(_waiters.Length);
        }
    }

    /// <summary>Rents a block to receive into, or returns null and remembers to call the waiters once there is memory.</summary>
    public Block? TryRentForReceiving(BlockSize size)
    {
        bool tell;
        lock (_lock)
        {
            if ((_partial[(int)size].Count > 0 || _available > _reserveSlabs) && TryTake(size, mayDrawReserve: false) is { } block)
            {
                return block;
            }

            tell = !_refused;
            _refused = true;
        }

        TellLow(tell);
        return null;
    }

    /// <summary>Asks to be called once there is memory again. False where there already is.</summary>
    public bool AwaitMemory()
    {
        bool isLow;
        bool tell;
        lock (_lock)
        {
            isLow = IsLow;
            tell = isLow && !_refused;
            _refused = isLow;
        }

        TellLow(tell);
        return isLow;
    }

    /// <summary>
    /// Whether the caller is to give up somebody, who holds so many bytes: for so long memory has been short, nobody got what he
    /// waits for and no more became free, and nobody else has offered more of late. True for one caller a second, who goes on
    /// giving up others while <see cref="IsStuck"/>. All callers' times are of one clock.
    /// </summary>
    public bool TryClaimRelief(long now, long afterMilliseconds, long bytes)
    {
        lock (_lock)
        {
            if (_lowSince == Never || !IsShort || FreeBytes > _maxFreeBytes)
            {
                _lowSince = IsShort ? now : Never;
                _maxFreeBytes = FreeBytes;
                _offeredBytes = 0;
            }

            if (bytes >= _offeredBytes || now - _offeredAt > 2 * TrimMilliseconds)
            {
                _offeredBytes = bytes;
                _offeredAt = now;
            }

            if (_lowSince == Never || now - _lowSince < afterMilliseconds || bytes == 0 || bytes < _offeredBytes)
            {
                return false;
            }

            _offeredBytes = 0;
            _lowSince = now - afterMilliseconds + TrimMilliseconds;
            return true;
        }
    }

    /// <summary>Whether what was given up since <see cref="TryClaimRelief"/> has helped nobody yet.</summary>
    public bool IsStuck
    {
        get
        {
            lock (_lock)
            {
                return _lowSince != Never && IsShort;
            }
        }
    }

    /// <summary>
    /// Rents a block for what must be answered or kept. Never refuses: the reserve is there for this, and whoever receives
    /// asks <see cref="IsLow"/> before each request.
    /// </summary>
    public Block Rent(BlockSize size)
    {
        lock (_lock)
        {
            return TryTake(size, mayDrawReserve: true)
                ?? throw new InsufficientMemoryException($"The machine gives no {BlockSizes.LargeBytes} bytes more.");
        }
    }

    internal void Return(Block block)
    {
        IMemoryWaiter[]? waiters = null;
        MemoryClaim? granted = null;
        lock (_lock)
        {
            var slab = block.Slab;
            bool wasFull = !slab.HasFree;
            slab.Return(block);
            _outstanding--;
            if (slab.Used == 0)
            {
                if (slab.Place.List is { } partial)
                {
                    partial.Remove(slab.Place);
                }

                PutFree(slab);
                granted = GrantWaiting();
                if (_refused && !IsLow)
                {
                    _refused = false;
                    waiters = _waiters;
                }
            }
            else if (wasFull)
            {
                _partial[(int)slab.Size].AddFirst(slab.Place);
            }
        }

        foreach (var waiter in waiters ?? [])
        {
            waiter.MemoryAvailable();
        }

        ClaimLine.Tell(granted);
    }

    /// <summary>
    /// Gives the operating system half of what lay unused since the last call, if that was a second ago: often enough to
    /// follow the load down, not so often that memory is given back between two bursts. Asks for more where it was refused. Any thread.
    /// </summary>
    public void Trim(long now)
    {
        Slab[] surplus;
        int kept;
        MemoryClaim? granted;
        IMemoryWaiter[] waiters = [];
        long? ceiling;
        lock (_lock)
        {
            if (now < _nextTrim)
            {
                return;
            }

            _claims.NoteTime(now);
            SeekMore();
            granted = GrantWaiting();
            if (_refused && !IsLow)
            {
                _refused = false;
                waiters = _waiters;
            }

            _nextTrim = now + TrimMilliseconds;
            surplus = _stock.TakeUnused(MaxSlabsPerTrim);
            kept = _stock.CountToKeep(surplus.Length);
            ceiling = CeilingToTell(now);
        }

        Array.ForEach(waiters, waiter => waiter.MemoryAvailable());
        ClaimLine.Tell(granted);
        GiveBack(surplus, kept);
        if (ceiling is { } told)
        {
            CeilingChanged?.Invoke(told);
        }
    }

    /// <summary>Gives the machine what lies unused: of what is kept the memory, of the rest the addresses, too.</summary>
    private void GiveBack(Slab[] surplus, int kept)
    {
        for (int i = 0; i < surplus.Length; i++)
        {
            if (i < kept)
            {
                surplus[i].Clean();
            }
            else
            {
                surplus[i].Free();
            }
        }

        lock (_lock)
        {
            _stock.PutKept(surplus.AsSpan(0, kept));
        }
    }

    public void Dispose()
    {
        Slab[] surplus;
        lock (_lock)
        {
            surplus = _stock.TakeAll();
        }

        Array.ForEach(surplus, slab => slab.Free());
    }

    private void TellLow(bool tell)
    {
        if (tell)
        {
            Array.ForEach(_waiters, waiter => waiter.MemoryLow());
        }
    }

    /// <summary>Null if the machine gives no more.</summary>
    private Block? TryTake(BlockSize size, bool mayDrawReserve)
    {
        var partial = _partial[(int)size];
        if (RentFails?.Invoke() == true || (partial.First?.Value ?? TryTakeFree(size, mayDrawReserve)) is not { } slab)
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

    private Slab? TryTakeFree(BlockSize size, bool mayDrawReserve)
    {
        var slab = _stock.TryTakeWarm(size);
        if (slab is null && _stock.Count < _ceilingSlabs)
        {
            slab = _stock.TryMap();
            if (slab is null)
            {
                NoteRefusal();
            }
        }

        if (slab is null && (mayDrawReserve || _available > _reserveSlabs))
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

            _used++;
            _available = _ceilingSlabs - _used;
        }

        return slab;
    }

    private void PutFree(Slab slab)
    {
        _used--;
        _available = _ceilingSlabs - _used;
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
}
