using System.Diagnostics;
using MessageDelivery.Hub.Linux;

namespace MessageDelivery.Hub.Buffers;

/// <summary>
/// 256 KiB taken from the operating system, cut into blocks of one size for as long as one of them is in use.
/// All members are guarded by the pool's lock.
/// </summary>
internal sealed unsafe class Slab
{
    private readonly byte* _memory;
    private Block? _free;

    private Slab(BlockPool pool, byte* memory)
    {
        Pool = pool;
        Place = new(this);
        _memory = memory;
    }

    public BlockPool Pool { get; }

    public BlockSize Size { get; private set; }

    public int Used { get; private set; }

    public bool HasFree => _free is not null;

    /// <summary>Its place among the slabs of its size that have blocks left.</summary>
    public LinkedListNode<Slab> Place { get; }

    /// <summary>
    /// Takes one from the machine; null if it gives none. Mapped rather than allocated: what is given back is the machine's
    /// again at once.
    /// </summary>
    public static Slab? TryMap(BlockPool pool)
    {
        byte* memory = Libc.MemoryMap(null, BlockSizes.LargeBytes, Libc.ProtectReadWrite, Libc.MapPrivateAnonymous, -1, 0);
        if ((nint)memory == -1)
        {
            return null;
        }

        try
        {
            return new(pool, memory);
        }
        catch (OutOfMemoryException)
        {
            _ = Libc.MemoryUnmap(memory, BlockSizes.LargeBytes);
            return null;
        }
    }

    /// <summary>Cuts it into blocks of a size. Keeps the blocks it has if they are of that size already.</summary>
    public void Cut(BlockSize size)
    {
        if (_free is not null && Size == size)
        {
            return;
        }

        Size = size;
        _free = null;
        for (int offset = BlockSizes.LargeBytes - size.Bytes(); offset >= 0; offset -= size.Bytes())
        {
            Put(new Block(this, _memory + offset, size.Bytes()));
        }
    }

    public Block Take()
    {
        var block = _free!;
        _free = block.NextFree;
        block.NextFree = null;
        Used++;
        return block;
    }

    public void Return(Block block)
    {
        Debug.Assert(Used > 0 && ReferenceEquals(block.Slab, this), "a block came back to another slab, or twice");
        Put(block);
        Used--;
    }

    /// <summary>Gives the machine the memory, and keeps the addresses. Nobody may use it meanwhile.</summary>
    public void Clean() => Libc.MemoryAdvise(_memory, BlockSizes.LargeBytes, Libc.AdviseNotNeeded);

    public void Free() => Libc.MemoryUnmap(_memory, BlockSizes.LargeBytes);

    private void Put(Block block)
    {
        block.NextFree = _free;
        _free = block;
    }
}
