using System.Buffers;

namespace MessageDelivery.Client;

/// <summary>Pooled memory for received frames, reference-counted by the reader and every delivery in it.</summary>
internal sealed class ReceiveBlock
{
    /// <summary>Bytes of a block for ordinary frames. A larger frame gets a block of its own.</summary>
    public const int StandardBytes = 64 * 1024;

    private int _references = 1;

    private ReceiveBlock(byte[] array, int capacity)
    {
        Array = array;
        Capacity = capacity;
    }

    public byte[] Array { get; }

    /// <summary>Bytes that may be used; the pool's array may be larger.</summary>
    public int Capacity { get; }

    /// <summary>Whether there is only one reference; its holder may reuse the bytes.</summary>
    public bool IsUnshared => Volatile.Read(ref _references) == 1;

    public bool IsReturned => Volatile.Read(ref _references) == 0;

    public static ReceiveBlock Rent(int bytes)
    {
        int capacity = Math.Max(bytes, StandardBytes);
        return new(ArrayPool<byte>.Shared.Rent(capacity), capacity);
    }

    public ReceiveBlock Retain()
    {
        Interlocked.Increment(ref _references);
        return this;
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _references) == 0)
        {
            ArrayPool<byte>.Shared.Return(Array);
        }
    }
}

/// <summary>A reference to one body in a block.</summary>
internal struct BodyLease(ReceiveBlock block, int offset, int length)
{
    private ReceiveBlock? _block = block.Retain();

    public readonly int Length => length;

    public readonly ReadOnlyMemory<byte> Memory(object owner)
    {
        ReceiveBlock? block = _block;
        ObjectDisposedException.ThrowIf(block is null, owner);
        return new(block.Array, offset, length);
    }

    public void Release() => Interlocked.Exchange(ref _block, null)?.Release();
}
