namespace MessageDelivery.Hub.Buffers;

/// <summary>Told when memory is there again after a rent was refused, and when it was. Called on any thread, outside the pool's lock.</summary>
internal interface IMemoryWaiter
{
    void MemoryAvailable();

    /// <summary>Memory has become short: the loop looks for connections that hold some and do not move.</summary>
    void MemoryLow();
}

/// <summary>
/// All message memory of a hub. It takes slabs from the operating system up to a ceiling and gives unused ones back after a
/// while. Receiving stops a reserve short of the ceiling, so that what has been received can always be answered. Its lock is a leaf: nothing is
/// called inside it.
/// </summary>
/// <remarks>
/// Before that, while memory is scarce, receiving takes a claim. What has been begun and not finished is the one thing that does not go away by
/// itself: if it took all memory, nobody could finish. So above the reserve enough for the largest request stays out of reach of whoever has no
/// claim to it.
/// </remarks>
internal sealed class BlockPool : IDisposable
{
    /// <summary>The least ceiling: a hub cannot work with less.</summary>
    public const long MinLimitBytes = 8L << 20;

    /// <summary>The most that can be set aside for one: the largest request.</summary>
    public const long MaxClaimBytes = 5 * BlockSizes.LargeBytes;

    private const long TrimMilliseconds = 1_000;
    private const int MaxSlabsPerTrim = 64;

    private readonly Lock _lock = new();
    private readonly SlabAllocator _slabs;
    private readonly ClaimLine _claims;
    private Shortage _shortage = new();
    private IMemoryWaiter[] _waiters = [];
    private long _nextTrim = long.MinValue;
    private volatile bool _refused;

    /// <param name="limitBytes">The ceiling.</param>
    /// <param name="claimPatience">How long smaller claims may pass one in line, in the callers' milliseconds.</param>
    /// <exception cref="InsufficientMemoryException">The machine does not even give what is always kept.</exception>
    public BlockPool(long limitBytes, long claimPatience = 10_000)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limitBytes, MinLimitBytes);
        LimitBytes = limitBytes;
        int maxSlabs = (int)Math.Min(limitBytes / BlockSizes.LargeBytes, int.MaxValue / 2);
        int kept = Math.Max((int)(MinLimitBytes / BlockSizes.LargeBytes), Watermarks.ReserveOf(maxSlabs));
        _slabs = new(this, maxSlabs, kept);
        _claims = new(claimPatience) { SparedBytes = _slabs.Marks.SparedBytes };
        if (Stock.Grow(kept) < kept)
        {
            Dispose();
            throw new InsufficientMemoryException(
                $"The machine does not give the {kept * (long)BlockSizes.LargeBytes} bytes of message memory without which the hub cannot work.");
        }
    }

    public long LimitBytes { get; }

    /// <summary>The most that can be used for now: the limit, or less while the machine gives no more.</summary>
    public long CeilingBytes => _slabs.CeilingBytes;

    /// <summary>
    /// Told, at most once in ten seconds, that the machine has refused memory below the limit, and when it gives some again: the ceiling.
    /// Called on any thread, outside the lock.
    /// </summary>
    public Action<long>? CeilingChanged { get; set; }

    /// <summary>Bytes in use: slabs of which at least one block is rented.</summary>
    public long UsedBytes => _slabs.UsedBytes;

    /// <summary>Blocks rented and not yet returned.</summary>
    public int OutstandingBlocks => _slabs.OutstandingBlocks;

    /// <summary>Bytes set aside for claims.</summary>
    public long ClaimedBytes => _claims.GrantedBytes;

    /// <summary>Whether only the reserve is left: stop taking on work.</summary>
    public bool IsLow => _slabs.IsLow;

    /// <summary>Whether receiving takes a claim.</summary>
    public bool IsScarce => FreeBytes <= (long)_slabs.Marks.Scarce * BlockSizes.LargeBytes;

    /// <summary>Whether somebody waits for memory, so that connections that hold some have to move.</summary>
    public bool IsShort => IsLow || _claims.IsWaiting;

    /// <summary>What is done for want of memory.</summary>
    public MemoryStage Stage => !IsScarce ? MemoryStage.Plenty
        : !IsShort ? MemoryStage.Scarce
        : !_shortage.Lasts ? MemoryStage.Short
        : MemoryStage.Stuck;

    /// <summary>Whether <see cref="Trim"/> has something to do, or memory is short.</summary>
    public bool WantsHousekeeping => Stock.WarmCount > 0 || IsShort || _slabs.IsRefusedMore;

    /// <summary>Whether closing connections since <see cref="TryClaimRelief"/> has not been enough yet.</summary>
    public bool IsStuck
    {
        get
        {
            lock (_lock)
            {
                return _shortage.Lasts && IsShort;
            }
        }
    }

    /// <summary>For tests: what the machine and the pool refuse.</summary>
    internal SlabStock Stock => _slabs.Stock;

    /// <summary>For tests: whether a rent fails, of whatever kind.</summary>
    internal Func<bool>? RentFails
    {
        get => _slabs.RentFails;
        set => _slabs.RentFails = value;
    }

    private long FreeBytes => _slabs.AvailableBytes - _claims.GrantedBytes;

    private long ClaimableBytes => FreeBytes - ((long)_slabs.Marks.Unclaimable * BlockSizes.LargeBytes);

    public void AddWaiter(IMemoryWaiter waiter)
    {
        lock (_lock)
        {
            _waiters = [.. _waiters, waiter];
            _slabs.AddLoop();
        }
    }

    /// <summary>Rents a block to receive into, or returns null and remembers to call the waiters once there is memory.</summary>
    public Block? TryRentForReceiving(BlockSize size)
    {
        bool tell;
        lock (_lock)
        {
            if (_slabs.TryTake(size, mayDrawReserve: false) is { } block)
            {
                return block;
            }

            tell = !_refused;
            _refused = true;
        }

        TellLow(tell);
        return null;
    }

    /// <summary>
    /// Rents a block for what must be answered or kept. Never refuses: the reserve is there for this, and whoever receives
    /// asks <see cref="IsLow"/> before each request.
    /// </summary>
    public Block Rent(BlockSize size)
    {
        lock (_lock)
        {
            return _slabs.TryTake(size, mayDrawReserve: true)
                ?? throw new InsufficientMemoryException($"The machine gives no {BlockSizes.LargeBytes} bytes more.");
        }
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
    /// Sets memory aside. False if there is not enough, or others wait: then the claim stands in line and its owner is told.
    /// The claim must hold nothing and not be in line.
    /// </summary>
    public bool TryClaim(MemoryClaim claim, long bytes, long now)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, MaxClaimBytes);
        bool granted;
        bool tell;
        lock (_lock)
        {
            // Not whether memory was short before: loops are not told of what is rented for answers.
            tell = !_claims.IsWaiting;
            _claims.SparedBytes = _slabs.Marks.SparedBytes;
            granted = _claims.TryGrant(claim, bytes, ClaimableBytes, now);
        }

        TellLow(tell && !granted);
        return granted;
    }

    /// <summary>Leaves so much of what was set aside, or nothing. A claim in line leaves it.</summary>
    public void Reduce(MemoryClaim claim, long bytes)
    {
        MemoryClaim? granted;
        lock (_lock)
        {
            _claims.Reduce(claim, bytes);
            granted = GrantWaiting();
        }

        ClaimLine.Tell(granted);
    }

    /// <summary>Whether the first in line came before this time. All callers' times are of one clock.</summary>
    public bool HasWaitedSince(long time)
    {
        lock (_lock)
        {
            return _claims.WaitsSince <= time;
        }
    }

    /// <summary>
    /// Whether the caller is to close its connection that holds most, so many bytes: memory has been short for that long, no claim was
    /// granted, no more became free, and no other loop has a larger one. True for one caller a second, which goes on closing while
    /// <see cref="IsStuck"/>. All callers' times are of one clock.
    /// </summary>
    public bool TryClaimRelief(long now, long afterMilliseconds, long bytes)
    {
        lock (_lock)
        {
            return _shortage.TryClaimRelief(now, afterMilliseconds, bytes, IsShort, FreeBytes);
        }
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
        bool isAvailable;
        long? ceiling;
        lock (_lock)
        {
            if (now < _nextTrim)
            {
                return;
            }

            _claims.NoteTime(now);
            _slabs.SeekMore(IsScarce);
            granted = GrantWaiting();
            isAvailable = EndRefusal();
            _nextTrim = now + TrimMilliseconds;
            surplus = Stock.TakeUnused(MaxSlabsPerTrim);
            kept = Stock.CountToKeep(surplus.Length);
            ceiling = _slabs.CeilingToTell(now);
        }

        Tell(isAvailable, granted);
        GiveBack(surplus, kept);
        if (ceiling is { } told)
        {
            CeilingChanged?.Invoke(told);
        }
    }

    public void Dispose()
    {
        Slab[] surplus;
        lock (_lock)
        {
            surplus = Stock.TakeAll();
        }

        Array.ForEach(surplus, slab => slab.Free());
    }

    internal void Return(Block block)
    {
        bool isAvailable = false;
        MemoryClaim? granted = null;
        lock (_lock)
        {
            if (_slabs.Return(block))
            {
                granted = GrantWaiting();
                isAvailable = EndRefusal();
            }
        }

        Tell(isAvailable, granted);
    }

    /// <summary>Whether those who were refused are to be told that there is memory again.</summary>
    private bool EndRefusal()
    {
        bool ends = _refused && !IsLow;
        _refused &= !ends;
        return ends;
    }

    private MemoryClaim? GrantWaiting()
    {
        _claims.SparedBytes = _slabs.Marks.SparedBytes;
        var granted = _claims.GrantWaiting(ClaimableBytes);
        if (granted is not null || !IsShort)
        {
            _shortage.End();
        }

        return granted;
    }

    private void Tell(bool isAvailable, MemoryClaim? granted)
    {
        if (isAvailable)
        {
            Array.ForEach(_waiters, waiter => waiter.MemoryAvailable());
        }

        ClaimLine.Tell(granted);
    }

    private void TellLow(bool tell)
    {
        if (tell)
        {
            Array.ForEach(_waiters, waiter => waiter.MemoryLow());
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
            Stock.PutKept(surplus.AsSpan(0, kept));
        }
    }
}
