
namespace MessageDelivery.Hub.Buffers;

/// <summary>Gathers bytes, written into rented blocks or shared where they are, as segments with a reference each. One thread.</summary>
internal sealed class SegmentWriter(BlockPool pool)
{
    private Block? _block;
    private int _used;

    public SegmentList Segments { get; } = new();

    public long Bytes { get; private set; }

    /// <summary>Room for at least one byte; the block is chosen for about so many.</summary>
    public Span<byte> Room(long expected)
    {
        if (_block is null || _used == _block.Capacity)
        {
            _block?.Release();
            _block = null;
            // While memory is scarce, hardly more than what is written: others wait for the rest.
            _block = pool.Rent(BlockSizes.For(Math.Min(Math.Max(expected, Bytes), pool.IsScarce ? BlockSizes.MediumBytes : long.MaxValue)));
            _used = 0;
        }

        return _block.Span(_used, _block.Capacity - _used);
    }

    public void Commit(int bytes)
    {
        if (bytes == 0)
        {
            return;
        }

        var written = new Segment(_block!, _used, bytes);
        _used += bytes;
        Bytes += bytes;
        if (!Segments.TryExtendLast(written))
        {
            _block!.Retain();
            Segments.Add(written);
        }
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var room = Room(bytes.Length);
            int length = Math.Min(bytes.Length, room.Length);
            bytes[..length].CopyTo(room);
            Commit(length);
            bytes = bytes[length..];
        }
    }

    /// <summary>Adds bytes where they are.</summary>
    public void Share(in Segment segment)
    {
        Bytes += segment.Length;
        if (!Segments.TryExtendLast(segment))
        {
            segment.Block.Retain();
            Segments.Add(segment);
        }
    }

    /// <summary>Lets go of everything that was written.</summary>
    public void Clear()
    {
        Segments.ReleaseAll();
        _block?.Release();
        _block = null;
        _used = 0;
        Bytes = 0;
    }
}
