namespace MessageDelivery.Hub.Buffers;

/// <summary>
/// Receiving while memory is scarce. What has been begun and not finished is the one thing that does not go away by itself: if it
/// took all memory, nobody could finish. So above the reserve enough for the largest request stays out of reach of
/// whoever has no claim to it.
/// </summary>
internal sealed partial class BlockPool
{
    /// <summary>The most that can be set aside for one: the largest request.</summary>
    public const long MaxClaimBytes = 5 * BlockSizes.LargeBytes;

    // What everybody with a claim receives by.
    private const int ReceiveSlabsPerLoop = 1;
    // Slabs cut for small and for medium blocks may be in use for a single one of them.
    private const int PartialSlabs = 2;
    // What a loop may still take when it saw a moment ago that there was enough.
    private const int SlabsInFlightPerLoop = 2;

    private readonly ClaimLine _claims;
    private volatile int _scarceSlabs;
    private int _unclaimableSlabs;

    /// <summary>Whether receiving takes a claim.</summary>
    public bool IsScarce => FreeBytes <= (long)_scarceSlabs * BlockSizes.LargeBytes;

    /// <summary>Whether somebody waits for memory: whoever holds some is to move.</summary>
    public bool IsShort => IsLow || _claims.IsWaiting;

    /// <summary>What is done for want of memory.</summary>
    public MemoryStage Stage => !IsScarce ? MemoryStage.Plenty
        : !IsShort ? MemoryStage.Scarce
        : Volatile.Read(ref _lowSince) == Never ? MemoryStage.Short
        : MemoryStage.Stuck;

    /// <summary>Bytes set aside for claims.</summary>
    public long ClaimedBytes => _claims.GrantedBytes;

    private long FreeBytes => ((long)_available * BlockSizes.LargeBytes) - _claims.GrantedBytes;

    private long ClaimableBytes => FreeBytes - ((long)_unclaimableSlabs * BlockSizes.LargeBytes);

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
            tell = !IsShort;
            granted = _claims.TryGrant(claim, bytes, ClaimableBytes, now);
        }

        TellLow(tell && !granted);
        return granted;
    }

    /// <summary>Whether the first in line came before this time. All callers' times are of one clock.</summary>
    public bool HasWaitedSince(long time)
    {
        lock (_lock)
        {
            return _claims.WaitsSince <= time;
        }
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

    private MemoryClaim? GrantWaiting()
    {
        var granted = _claims.GrantWaiting(ClaimableBytes);
        _lowSince = granted is null && IsShort ? _lowSince : Never;
        return granted;
    }

    /// <summary>Where claims begin and end. With very many loops and little memory, they have to do with a part of it.</summary>
    private void SetThresholds(int loops)
    {
        int claims = Math.Max((int)(MaxClaimBytes / BlockSizes.LargeBytes), _reserveSlabs);
        int most = (int)(_ceilingSlabs * 3L / 4) - claims;
        _unclaimableSlabs = Math.Min(_reserveSlabs + PartialSlabs + (ReceiveSlabsPerLoop * loops), most);
        _scarceSlabs = Math.Min(_unclaimableSlabs + (SlabsInFlightPerLoop * loops), most) + claims;
        _claims.SparedBytes = ((long)claims * BlockSizes.LargeBytes) - MaxClaimBytes;
    }
}
