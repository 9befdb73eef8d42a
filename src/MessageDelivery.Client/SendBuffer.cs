using System.Buffers;

namespace MessageDelivery.Client;

/// <summary>
/// Bytes that wait to be sent, in pooled blocks: each is copied here once, from its caller, and sent from here. Holds no memory
/// beyond a spare block when empty. Not thread-safe.
/// </summary>
internal sealed class SendBuffer
{
    public const int BlockBytes = 64 * 1024;

    private readonly Queue<byte[]> _full = new();
    private byte[]? _current;
    private int _filled;
    private byte[]? _spare;

    /// <summary>Bytes appended and not yet reported sent.</summary>
    public long PendingBytes { get; private set; }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        PendingBytes += bytes.Length;
        while (!bytes.IsEmpty)
        {
            if (_current is null)
            {
                _current = _spare ?? ArrayPool<byte>.Shared.Rent(BlockBytes);
                _spare = null;
                _filled = 0;
            }

            int count = Math.Min(bytes.Length, BlockBytes - _filled);
            bytes[..count].CopyTo(_current.AsSpan(_filled));
            bytes = bytes[count..];
            _filled += count;
            if (_filled == BlockBytes)
            {
                _full.Enqueue(_current);
                _current = null;
            }
        }
    }

    /// <summary>Takes the next bytes, as much of them as one block holds. They stay pending, and the caller's, until <see cref="Sent"/>.</summary>
    public bool TryTake(out ArraySegment<byte> batch)
    {
        if (_full.TryDequeue(out byte[]? block))
        {
            batch = new(block, 0, BlockBytes);
            return true;
        }

        if (_current is not null)
        {
            batch = new(_current, 0, _filled);
            _current = null;
            return true;
        }

        batch = default;
        return false;
    }

    public void Sent(ArraySegment<byte> batch)
    {
        PendingBytes -= batch.Count;
        Return(batch.Array!);
    }

    /// <summary>Gives everything back to the pool. Nothing taken may be in flight.</summary>
    public void Clear()
    {
        while (TryTake(out ArraySegment<byte> batch))
        {
            ArrayPool<byte>.Shared.Return(batch.Array!);
        }

        if (_spare is not null)
        {
            ArrayPool<byte>.Shared.Return(_spare);
            _spare = null;
        }

        PendingBytes = 0;
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
