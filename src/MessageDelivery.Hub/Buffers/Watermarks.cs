namespace MessageDelivery.Hub.Buffers;

/// <summary>
/// How many slabs must be left for what: below the reserve nothing is received, and somewhat above it, receiving takes a claim. Changed under the
/// pool's lock, and read without it, too.
/// </summary>
internal struct Watermarks
{
    private const long MaxReserveBytes = 32L << 20;

    // What everybody with a claim receives by.
    private const int ReceiveSlabsPerLoop = 1;
    // Slabs cut for small and for medium blocks may be in use for a single one of them.
    private const int PartialSlabs = 2;
    // What a loop may still take when it saw a moment ago that there was enough.
    private const int SlabsInFlightPerLoop = 2;

    private volatile int _reserve;
    private volatile int _scarce;

    /// <summary>What is kept for answers.</summary>
    public readonly int Reserve => _reserve;

    /// <summary>With no more than this left, receiving takes a claim.</summary>
    public readonly int Scarce => _scarce;

    /// <summary>What claims cannot have.</summary>
    public int Unclaimable { get; private set; }

    /// <summary>Bytes that the largest claims leave for smaller ones.</summary>
    public long SparedBytes { get; private set; }

    public static int ReserveOf(int slabs) => (int)Math.Min(slabs / 8, MaxReserveBytes / BlockSizes.LargeBytes);

    /// <summary>With very many loops and little memory, claims have to do with a part of it.</summary>
    public void Set(int ceilingSlabs, int loops)
    {
        _reserve = ReserveOf(ceilingSlabs);
        int claims = Math.Max((int)(BlockPool.MaxClaimBytes / BlockSizes.LargeBytes), _reserve);
        int max = (int)(ceilingSlabs * 3L / 4) - claims;
        Unclaimable = Math.Min(_reserve + PartialSlabs + (ReceiveSlabsPerLoop * loops), max);
        _scarce = Math.Min(Unclaimable + (SlabsInFlightPerLoop * loops), max) + claims;
        SparedBytes = ((long)claims * BlockSizes.LargeBytes) - BlockPool.MaxClaimBytes;
    }
}
