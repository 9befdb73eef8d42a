namespace MessageDelivery.Hub.Buffers;

/// <summary>Told that a claim that stood in line was granted. Called on any thread, outside the pool's lock.</summary>
internal interface IClaimOwner
{
    void ClaimGranted();
}

/// <summary>
/// Memory set aside for one who receives while memory is scarce, or a place in line for it. Its owner's thread asks and gives
/// back; the members marked internal are guarded by the pool's lock.
/// </summary>
internal sealed class MemoryClaim
{
    private long _bytes;

    public MemoryClaim(IClaimOwner owner)
    {
        Owner = owner;
        Place = new(this);
    }

    /// <summary>Bytes set aside; none while it stands in line or nothing is wanted.</summary>
    public long Bytes
    {
        get => Volatile.Read(ref _bytes);
        internal set => Volatile.Write(ref _bytes, value);
    }

    internal IClaimOwner Owner { get; }

    internal long WantedBytes { get; set; }

    internal long WaitsSince { get; set; }

    internal LinkedListNode<MemoryClaim> Place { get; }

    internal MemoryClaim? NextGranted { get; set; }
}
