using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>Bytes that a layer received and keeps for the next time, in message memory.</summary>
internal struct LayerBuffer(BlockPool pool)
{
    private Segment _segment;

    public readonly int Count => _segment.Length;

    /// <summary>Keeps bytes; there must be none.</summary>
    public void Keep(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.IsEmpty)
        {
            _segment = new(pool.Rent(BlockSizes.For(bytes.Length)), 0, bytes.Length);
            bytes.CopyTo(_segment.Span);
        }
    }

    /// <summary>Takes the first bytes, as many as there is room for.</summary>
    public int Take(Span<byte> destination)
    {
        int taken = Math.Min(_segment.Length, destination.Length);
        if (taken == 0)
        {
            return 0;
        }

        _segment.Span[..taken].CopyTo(destination);
        if (taken == _segment.Length)
        {
            Clear();
        }
        else
        {
            _segment = _segment with { Offset = _segment.Offset + taken, Length = _segment.Length - taken };
        }

        return taken;
    }

    public void Clear()
    {
        _segment.Block?.Release();
        _segment = default;
    }
}
