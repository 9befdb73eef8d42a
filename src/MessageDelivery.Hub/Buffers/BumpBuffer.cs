namespace MessageDelivery.Hub.Buffers;

/// <summary>
/// Room that one thread fills from front to back, so that what comes in sequence lies in sequence. It starts over at the
/// front as soon as nobody else holds a part of its block: the memory that was just sent is the warmest there is.
/// </summary>
internal sealed class BumpBuffer(BlockPool pool) : IDisposable
{
    private Block? _block;

    /// <summary>The block that <see cref="Reserve"/> made room in.</summary>
    public Block Block => _block!;

    /// <summary>Where the free part begins.</summary>
    public int Tail { get; private set; }

    /// <summary>Bytes of the free part.</summary>
    public int Room => _block is null ? 0 : _block.Capacity - Tail;

    /// <summary>Whether its block would have to be replaced to make room for so many bytes.</summary>
    public bool IsExhausted(int bytes)
    {
        if (_block is { IsExclusive: true })
        {
            Tail = 0;
        }

        return Room < bytes;
    }

    /// <summary>Makes room for so many bytes, from the reserve if need be.</summary>
    public void Reserve(int bytes)
    {
        if (IsExhausted(bytes))
        {
            Replace(pool.Rent(BlockSize.Large));
        }
    }

    /// <summary>Makes room for so many bytes to receive into; false if memory is low.</summary>
    public bool TryReserve(int bytes)
    {
        if (!IsExhausted(bytes))
        {
            return true;
        }

        // Let go first: at the ceiling, this block may be the one to be had.
        _block?.Release();
        _block = null;
        Tail = 0;
        _block = pool.TryRentForReceiving(BlockSize.Large);
        return _block is not null;
    }

    public void Commit(int bytes) => Tail += bytes;

    /// <summary>Takes back the last bytes committed.</summary>
    public void Discard(int bytes) => Tail -= bytes;

    /// <summary>Lets go of the block if nobody else holds a part of it. Not while bytes in it are looked at.</summary>
    public void LetGoIfExclusive()
    {
        if (_block is { IsExclusive: true })
        {
            Dispose();
        }
    }

    /// <summary>Lets go of the block.</summary>
    public void Dispose()
    {
        _block?.Release();
        _block = null;
        Tail = 0;
    }

    private void Replace(Block block)
    {
        _block?.Release();
        _block = block;
        Tail = 0;
    }
}
