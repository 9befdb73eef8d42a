using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Tests.Buffers;

public sealed class BumpBufferTests : IDisposable
{
    private readonly BlockPool _pool = new(8 << 20);
    private readonly BumpBuffer _buffer;

    public BumpBufferTests() => _buffer = new(_pool);

    public void Dispose()
    {
        _buffer.Dispose();
        Assert.Equal(0, _pool.OutstandingBlocks);
        _pool.Dispose();
    }

    [Fact]
    public void What_comes_in_sequence_lies_in_sequence_while_somebody_holds_it()
    {
        Assert.True(_buffer.TryReserve(100));
        var block = _buffer.Block;
        _buffer.Commit(100);
        block.Retain();
        Assert.True(_buffer.TryReserve(100));
        Assert.Same(block, _buffer.Block);
        Assert.Equal(100, _buffer.Tail);
        _buffer.Commit(50);
        _buffer.Discard(20);
        Assert.Equal(130, _buffer.Tail);
        Assert.Equal(BlockSizes.LargeBytes - 130, _buffer.Room);
        block.Release();
    }

    [Fact]
    public void It_starts_over_at_the_front_as_soon_as_nobody_holds_a_part()
    {
        _buffer.Reserve(100);
        var block = _buffer.Block;
        _buffer.Commit(BlockSizes.LargeBytes);
        block.Retain();
        Assert.True(_buffer.IsExhausted(1));
        block.Release();
        Assert.False(_buffer.IsExhausted(BlockSizes.LargeBytes));
        Assert.Equal(0, _buffer.Tail);
        _buffer.Reserve(BlockSizes.LargeBytes);
        Assert.Same(block, _buffer.Block);
        Assert.Equal(1, _pool.OutstandingBlocks);
    }

    [Fact]
    public void A_block_that_others_hold_is_replaced_and_left_to_them()
    {
        _buffer.Reserve(100);
        var held = _buffer.Block;
        held.Span(0, 100).Fill(7);
        held.Retain();
        _buffer.Commit(BlockSizes.LargeBytes - 10);
        _buffer.Reserve(11);
        Assert.NotSame(held, _buffer.Block);
        Assert.Equal(0, _buffer.Tail);
        _buffer.Block.Span(0, 100).Fill(9);
        Assert.Equal(-1, held.Span(0, 100).IndexOfAnyExcept((byte)7));
        Assert.True(held.IsExclusive);
        held.Release();
    }

    [Fact]
    public void With_memory_low_it_gives_its_block_back_and_takes_no_other()
    {
        _buffer.Reserve(100);
        var held = _buffer.Block;
        held.Retain();
        _buffer.Commit(BlockSizes.LargeBytes);
        var all = new List<Block>();
        while (_pool.TryRentForReceiving(BlockSize.Large) is { } block)
        {
            all.Add(block);
        }

        Assert.False(_buffer.TryReserve(1));
        Assert.Equal(0, _buffer.Room);
        Assert.True(held.IsExclusive);
        // What must be answered is answered all the same.
        _buffer.Reserve(1);
        Assert.Equal(BlockSizes.LargeBytes, _buffer.Room);
        held.Release();
        all.ForEach(block => block.Release());
    }

    [Fact]
    public void It_lets_go_only_of_what_nobody_else_holds()
    {
        _buffer.LetGoIfExclusive();
        _buffer.Reserve(100);
        var block = _buffer.Block;
        block.Retain();
        _buffer.LetGoIfExclusive();
        Assert.Same(block, _buffer.Block);
        block.Release();
        _buffer.LetGoIfExclusive();
        Assert.Equal(0, _buffer.Room);
        Assert.Equal(0, _pool.OutstandingBlocks);
    }
}
