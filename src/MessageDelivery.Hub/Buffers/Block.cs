using System.Diagnostics;

namespace MessageDelivery.Hub.Buffers;

/// <summary>
/// A piece of message memory outside the garbage-collected heap, so that the kernel can be given its address. It is counted:
/// whoever rents it holds the first reference, a queue that keeps a part of it holds one for each part, and the last
/// release returns it to its pool.
/// </summary>
internal sealed unsafe class Block
{
    private readonly byte* _memory;
    private int _references;

    internal Block(Slab slab, byte* memory, int capacity)
    {
        Slab = slab;
        _memory = memory;
        Capacity = capacity;
    }

    /// <summary>Bytes it holds.</summary>
    public int Capacity { get; }

    /// <summary>Whether the caller's reference is the only one.</summary>
    public bool IsExclusive => Volatile.Read(ref _references) == 1;

    internal Slab Slab { get; }

    internal Block? NextFree { get; set; }

    public byte* Address(int offset) => _memory + offset;

    public Span<byte> Span(int offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)offset + (ulong)(uint)length, (ulong)Capacity);
        return new(_memory + offset, length);
    }

    /// <summary>One more holds it. The caller must hold it itself.</summary>
    public void Retain()
    {
        int references = Interlocked.Increment(ref _references);
        Debug.Assert(references > 1, "a block was retained that nobody held");
    }

    public void Release()
    {
        int left = Interlocked.Decrement(ref _references);
        if (left == 0)
        {
            Slab.Pool.Return(this);
        }
        else if (left < 0)
        {
            throw new InvalidOperationException("A block was released more often than it was retained.");
        }
    }

    internal void Rented()
    {
        Debug.Assert(_references == 0, "a block was rented that somebody holds");
        _references = 1;
    }
}
