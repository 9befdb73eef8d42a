using System.Buffers;

namespace MessageDelivery.Client;

/// <summary>
/// Outbound bytes in pooled blocks: copied here once, sent from here, and kept here until they are released. A byte has a position, counted from
/// the first one ever appended. Holds no memory beyond a spare block when empty. Not thread-safe.
/// </summary>
internal sealed class SendBuffer
{
    public const int BlockBytes = 64 * 1024;

    // A ring: the block at _first begins at position _start.
    private byte[]?[] _blocks = new byte[]?[8];
    private int _first;
    private int _count;
    private long _start;
    private byte[]? _spare;

    /// <summary>The position of the oldest byte that is kept.</summary>
    public long Head { get; private set; }

    /// <summary>The position of the first byte not reported as sent.</summary>
    public long Sent { get; private set; }

    /// <summary>The position of the next byte to take for sending.</summary>
    public long Next { get; private set; }

    /// <summary>The position at which the next byte is appended.</summary>
    public long Tail { get; private set; }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int offset = (int)((Tail - _start) % BlockBytes);
            if (Tail - _start == (long)_count * BlockBytes)
            {
                AddBlock();
            }

            int count = Math.Min(bytes.Length, BlockBytes - offset);
            bytes[..count].CopyTo(BlockAt(Tail).AsSpan(offset));
            bytes = bytes[count..];
            Tail += count;
        }
    }

    /// <summary>Takes the next bytes, as much of them as one block holds; at most one batch at a time until <see cref="NoteSent"/>.</summary>
    public bool TryTake(out ArraySegment<byte> batch)
    {
        if (Next == Tail)
        {
            batch = default;
            return false;
        }

        int offset = (int)((Next - _start) % BlockBytes);
        batch = new(BlockAt(Next), offset, (int)Math.Min(BlockBytes - offset, Tail - Next));
        Next += batch.Count;
        return true;
    }

    public void NoteSent(ArraySegment<byte> batch) => Sent += batch.Count;

    /// <summary>Reads kept bytes.</summary>
    public void Read(long position, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            Span<byte> piece = Piece(position, destination.Length);
            piece.CopyTo(destination);
            destination = destination[piece.Length..];
            position += piece.Length;
        }
    }

    /// <summary>Writes over kept bytes, which must not be in flight.</summary>
    public void Write(long position, ReadOnlySpan<byte> source)
    {
        while (!source.IsEmpty)
        {
            Span<byte> piece = Piece(position, source.Length);
            source[..piece.Length].CopyTo(piece);
            source = source[piece.Length..];
            position += piece.Length;
        }
    }

    /// <summary>Releases the bytes before a position; they must have been sent.</summary>
    public void ReleaseBefore(long position)
    {
        Head = position;
        while (Head - _start >= BlockBytes)
        {
            Return(_blocks[_first]!);
            _blocks[_first] = null;
            _first = (_first + 1) & (_blocks.Length - 1);
            _count--;
            _start += BlockBytes;
        }

        if (Head == Tail)
        {
            // Reuses the same memory, which is still in the processor's cache.
            _start = Tail;
        }
    }

    /// <summary>Releases the bytes before a position and sends the rest again. Nothing may be in flight.</summary>
    public void Rewind(long position)
    {
        Next = Sent = position;
        ReleaseBefore(position);
    }

    /// <summary>Returns everything to the pool. Nothing may be in flight.</summary>
    public void Clear()
    {
        Rewind(Tail);
        if (_count > 0)
        {
            ArrayPool<byte>.Shared.Return(_blocks[_first]!);
            _blocks[_first] = null;
            _count = 0;
        }

        if (_spare is not null)
        {
            ArrayPool<byte>.Shared.Return(_spare);
            _spare = null;
        }
    }

    private byte[] BlockAt(long position) => _blocks[(_first + (int)((position - _start) / BlockBytes)) & (_blocks.Length - 1)]!;

    private Span<byte> Piece(long position, int max)
    {
        int offset = (int)((position - _start) % BlockBytes);
        return BlockAt(position).AsSpan(offset, Math.Min(BlockBytes - offset, max));
    }

    private void AddBlock()
    {
        if (_count == _blocks.Length)
        {
            byte[]?[] larger = new byte[]?[2 * _count];
            for (int i = 0; i < _count; i++)
            {
                larger[i] = _blocks[(_first + i) & (_count - 1)];
            }

            (_blocks, _first) = (larger, 0);
        }

        _blocks[(_first + _count++) & (_blocks.Length - 1)] = _spare ?? ArrayPool<byte>.Shared.Rent(BlockBytes);
        _spare = null;
    }

    private void Return(byte[] block)
    {
        if (_spare is null)
        {
            _spare = block;
        }
        else
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }
}
