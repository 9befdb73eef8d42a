using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Outbound;

/// <summary>
/// The blocks into which a queue copies what it holds, filled one after the other, so that a block is as full as it can be. What
/// stands in them is never copied again. Guarded by the queue's lock; a mutable struct, so that a queue is one object.
/// </summary>
internal struct CopyBlocks(BlockPool pool)
{
    private Block? _last;
    private int _used;

    // Since the last block was let go; no more than the largest block, as it only chooses the size of the next.
    private int _copiedBytes;

    public readonly BlockPool Pool => pool;

    /// <summary>Bytes that were ever copied.</summary>
    public long TotalBytes { get; private set; }

    /// <summary>
    /// Copies the first of the bytes, as many as the block in use has room for. The caller takes a reference if it keeps the copy.
    /// </summary>
    /// <param name="heldBytes">What the caller holds, this included: the blocks grow with that, and with what was copied.</param>
    public Segment Copy(ReadOnlySpan<byte> bytes, long heldBytes)
    {
        if (_last is null || _used == _last.Capacity)
        {
            var next = pool.Rent(BlockSizes.For(Math.Max(Math.Min(_copiedBytes, heldBytes), bytes.Length)));
            _last?.Release();
            _last = next;
            _used = 0;
        }

        var copy = new Segment(_last, _used, Math.Min(bytes.Length, _last.Capacity - _used));
        bytes[..copy.Length].CopyTo(copy.Span);
        _used += copy.Length;
        _copiedBytes = Math.Min(_copiedBytes + copy.Length, BlockSizes.LargeBytes);
        TotalBytes += copy.Length;
        return copy;
    }

    /// <summary>Lets go of the block in use if nothing of it is held any more.</summary>
    public void LetGoIfUnused()
    {
        if (_last is { IsExclusive: true })
        {
            LetGo();
        }
    }

    /// <summary>Lets go of the block in use; what was copied into it stays with those who hold it.</summary>
    public void LetGo()
    {
        _last?.Release();
        _last = null;
        _used = 0;
        _copiedBytes = 0;
    }
}
