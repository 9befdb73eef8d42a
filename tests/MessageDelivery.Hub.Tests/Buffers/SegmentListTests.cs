using CsCheck;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Outbound;

namespace MessageDelivery.Hub.Tests.Buffers;

/// <summary>Lists, rings and writers of segments: bytes in order, and a reference for each segment.</summary>
public sealed class SegmentListTests : IDisposable
{
    private readonly BlockPool _pool = new(32 << 20);

    public void Dispose()
    {
        Assert.Equal(0, _pool.OutstandingBlocks);
        _pool.Dispose();
    }

    [Fact]
    public void A_list_extends_its_last_segment_only_by_what_touches_it()
    {
        var block = _pool.Rent(BlockSize.Small);
        var other = _pool.Rent(BlockSize.Small);
        var list = new SegmentList();
        Assert.False(list.TryExtendLast(new(block, 0, 10)));
        list.Add(new(block, 0, 10));
        Assert.True(list.TryExtendLast(new(block, 10, 5)));
        Assert.False(list.TryExtendLast(new(block, 16, 5)));
        Assert.False(list.TryExtendLast(new(other, 15, 5)));
        Assert.Equal([new Segment(block, 0, 15)], list.Items.ToArray());
        list.Clear();
        Assert.Equal(0, list.Count);
        block.Release();
        other.Release();
    }

    [Fact]
    public void A_list_releases_each_segment_once()
    {
        var block = _pool.Rent(BlockSize.Small);
        var list = new SegmentList();
        for (int i = 0; i < 20; i++)
        {
            block.Retain();
            list.Add(new(block, i * 10, 5));
        }

        Assert.Equal(Enumerable.Range(0, 20).Select(i => i * 10), list.Items.ToArray().Select(segment => segment.Offset));
        list.ReleaseAll();
        Assert.True(block.IsExclusive);
        list.ReleaseAll();
        block.Release();
    }

    [Fact]
    public void A_ring_is_a_queue() => Gen.Bool.Array[1, 300].Sample(steps =>
    {
        var ring = new SegmentRing();
        var model = new Queue<int>();
        int next = 0;
        foreach (bool push in steps.Concat(Enumerable.Repeat(false, steps.Length)))
        {
            if (push)
            {
                ring.Push(new(new(null!, next, 1), 1));
                model.Enqueue(next++);
            }
            else if (model.Count > 0)
            {
                Assert.Equal(model.Dequeue(), ring.Pop().Segment.Offset);
            }

            Assert.Equal(model.Count, ring.Count);
            for (int i = 0; i < model.Count; i++)
            {
                Assert.Equal(model.ElementAt(i), ring[i].Segment.Offset);
            }
        }

        ring.Reset();
        ring.Push(new(new(null!, 1, 1), 1));
        Assert.Equal(1, ring[0].Segment.Offset);
        ring.Pop();
        ring.Reset();
    });

    [Fact]
    public void A_writer_gives_back_what_was_written_whatever_the_pieces() => Gen.Select(
        Gen.Bool, Gen.Frequency((5, Gen.Int[0, 500]), (1, Gen.Int[10_000, 60_000]))).Array[1, 30].Sample(steps =>
    {
        using var pool = new BlockPool(32 << 20);
        var writer = new SegmentWriter(pool);
        var expected = new List<byte>();
        var shared = pool.Rent(BlockSize.Large);
        new Random(1).NextBytes(shared.Span(0, shared.Capacity));
        int from = 0;
        foreach (var (share, length) in steps)
        {
            from = from + length > shared.Capacity ? 0 : from;
            var segment = new Segment(shared, from, length);
            from += length;
            expected.AddRange(segment.Span);
            if (share && length > 0)
            {
                writer.Share(segment);
            }
            else
            {
                writer.Write(segment.Span);
            }
        }

        Assert.Equal(expected.Count, writer.Bytes);
        Assert.Equal(expected, writer.Segments.Items.ToArray().SelectMany(segment => segment.Span.ToArray()));
        writer.Clear();
        Assert.Equal(0, writer.Bytes);
        Assert.True(shared.IsExclusive);
        shared.Release();
        Assert.Equal(0, pool.OutstandingBlocks);
    }, iter: 200);

    [Fact]
    public void A_writer_takes_memory_by_what_it_holds()
    {
        var writer = new SegmentWriter(_pool);
        writer.Write(new byte[100]);
        Assert.Equal(BlockSizes.SmallBytes, writer.Segments.Items[0].Block.Capacity);
        writer.Write(new byte[6_000]);
        Assert.Equal(BlockSizes.MediumBytes, writer.Segments.Items[^1].Block.Capacity);
        writer.Write(new byte[30_000]);
        Assert.Equal(BlockSizes.LargeBytes, writer.Segments.Items[^1].Block.Capacity);
        writer.Clear();
    }
}
