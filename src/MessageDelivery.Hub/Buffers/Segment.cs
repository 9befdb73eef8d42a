namespace MessageDelivery.Hub.Buffers;

/// <summary>A part of a block. Copying the value does not count a reference.</summary>
internal readonly record struct Segment(Block Block, int Offset, int Length)
{
    public int End => Offset + Length;

    public Span<byte> Span => Block.Span(Offset, Length);

    /// <summary>Whether <paramref name="next"/> begins in memory where this ends.</summary>
    public bool Touches(in Segment next) => ReferenceEquals(Block, next.Block) && End == next.Offset;

    public static long TotalBytes(ReadOnlySpan<Segment> segments)
    {
        long bytes = 0;
        foreach (ref readonly var segment in segments)
        {
            bytes += segment.Length;
        }

        return bytes;
    }
}
