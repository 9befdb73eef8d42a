using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Tests.Buffers;

public sealed class BlockPoolTests
{
    private const long Limit = 8 << 20;
    private const int Slabs = (int)(Limit / BlockSizes.LargeBytes);
    private const int Reserve = Slabs / 8;

    [Fact]
    public void Receiving_stops_short_of_the_reserve_and_answers_do_not()
    {
        using var pool = new BlockPool(Limit);
        var blocks = new List<Block>();
        while (pool.TryRentForReceiving(BlockSize.Large) is { } block)
        {
            blocks.Add(block);
        }

        Assert.Equal(Slabs - Reserve, blocks.Count);
        Assert.True(pool.IsLow);
        blocks.Add(pool.Rent(BlockSize.Large));
        Assert.Equal(blocks.Count, pool.OutstandingBlocks);
        Assert.Equal(blocks.Count * (long)BlockSizes.LargeBytes, pool.UsedBytes);

        blocks.ForEach(block => block.Release());
        Assert.False(pool.IsLow);
        Assert.Equal(0, pool.OutstandingBlocks);
        Assert.Equal(0, pool.UsedBytes);
    }

    [Fact]
    public void Small_blocks_share_a_slab()
    {
        using var pool = new BlockPool(Limit);
        var blocks = Enumerable.Range(0, BlockSizes.LargeBytes / BlockSizes.SmallBytes).Select(_ => pool.Rent(BlockSize.Small)).ToList();

        Assert.Equal(BlockSizes.LargeBytes, pool.UsedBytes);
        for (int i = 0; i < blocks.Count; i++)
        {
            blocks[i].Span(0, BlockSizes.SmallBytes).Fill((byte)i);
        }

        for (int i = 0; i < blocks.Count; i++)
        {
            Assert.Equal(-1, blocks[i].Span(0, BlockSizes.SmallBytes).IndexOfAnyExcept((byte)i));
        }

        blocks.Add(pool.Rent(BlockSize.Small));
        Assert.Equal(2 * BlockSizes.LargeBytes, pool.UsedBytes);
        blocks.ForEach(block => block.Release());
        Assert.Equal(0, pool.UsedBytes);
    }

    [Fact]
    public void A_waiter_is_told_once_when_memory_is_there_again()
    {
        using var pool = new BlockPool(Limit);
        var waiter = new Waiter();
        pool.AddWaiter(waiter);
        var blocks = new Stack<Block>();
        while (pool.TryRentForReceiving(BlockSize.Large) is { } block)
        {
            blocks.Push(block);
        }

        Assert.Equal(0, waiter.Calls);
        Assert.Equal(1, waiter.Lows);
        Assert.True(pool.AwaitMemory());
        Assert.Equal(1, waiter.Lows);
        blocks.Pop().Release();
        Assert.Equal(1, waiter.Calls);
        blocks.Pop().Release();
        Assert.Equal(1, waiter.Calls);
        Assert.False(pool.AwaitMemory());
        while (blocks.TryPop(out var block))
        {
            block.Release();
        }
    }

    [Fact]
    public void Loops_are_told_of_the_first_claim_in_line_though_answers_have_used_up_all_but_the_reserve()
    {
        using var pool = new BlockPool(Limit);
        var waiter = new Waiter();
        pool.AddWaiter(waiter);
        // Nobody was refused anything, so that nobody has been told.
        var blocks = Enumerable.Range(0, Slabs - Reserve).Select(_ => pool.Rent(BlockSize.Large)).ToList();
        Assert.True(pool.IsLow);
        Assert.Equal(0, waiter.Lows);

        var first = new MemoryClaim(waiter);
        Assert.False(pool.TryClaim(first, BlockSizes.MediumBytes, now: 0));
        Assert.Equal(1, waiter.Lows);
        var second = new MemoryClaim(waiter);
        Assert.False(pool.TryClaim(second, BlockSizes.MediumBytes, now: 0));
        Assert.Equal(1, waiter.Lows);

        pool.Reduce(first, 0);
        pool.Reduce(second, 0);
        blocks.ForEach(block => block.Release());
    }

    [Fact]
    public void Relief_is_claimed_by_whoever_offers_most_once_a_second_while_memory_stays_low()
    {
        using var pool = new BlockPool(Limit);
        Assert.False(pool.TryClaimRelief(0, 5_000, bytes: 9));
        var blocks = new Stack<Block>();
        while (pool.TryRentForReceiving(BlockSize.Large) is { } block)
        {
            blocks.Push(block);
        }

        Assert.False(pool.TryClaimRelief(1_000, 5_000, bytes: 9));
        Assert.False(pool.TryClaimRelief(5_999, 5_000, bytes: 9));
        Assert.False(pool.TryClaimRelief(6_000, 5_000, bytes: 8));
        Assert.False(pool.TryClaimRelief(6_000, 5_000, bytes: 0));
        Assert.True(pool.TryClaimRelief(6_000, 5_000, bytes: 10));
        Assert.False(pool.TryClaimRelief(6_999, 5_000, bytes: 10));
        Assert.True(pool.TryClaimRelief(7_000, 5_000, bytes: 10));
        blocks.Pop().Release();
        blocks.Push(pool.TryRentForReceiving(BlockSize.Large)!);
        Assert.False(pool.TryClaimRelief(8_000, 5_000, bytes: 10));
        while (blocks.TryPop(out var block))
        {
            block.Release();
        }
    }

    [Fact]
    public void A_block_returns_with_its_last_release_and_not_before()
    {
        using var pool = new BlockPool(Limit);
        var block = pool.Rent(BlockSize.Medium);
        block.Retain();
        Assert.False(block.IsExclusive);
        block.Release();
        Assert.True(block.IsExclusive);
        Assert.Equal(1, pool.OutstandingBlocks);
        block.Release();
        Assert.Equal(0, pool.OutstandingBlocks);
        Assert.Throws<InvalidOperationException>(block.Release);
    }

#if DEBUG
    /// <summary>In the build with asserts, one that does not hold fails its test.</summary>
    [Fact]
    public void A_block_that_nobody_holds_cannot_be_retained()
    {
        using var pool = new BlockPool(Limit);
        var block = pool.Rent(BlockSize.Small);
        block.Release();
        Assert.Contains("a block was retained that nobody held", Assert.ThrowsAny<Exception>(block.Retain).Message, StringComparison.Ordinal);
    }
#endif

    [Fact]
    public void Unused_memory_goes_back_to_the_machine()
    {
        using var pool = new BlockPool(Limit);
        var blocks = Enumerable.Range(0, 16).Select(_ => pool.Rent(BlockSize.Large)).ToList();
        blocks.ForEach(block => block.Release());
        Assert.True(pool.WantsHousekeeping);
        for (int i = 0; i < 8; i++)
        {
            pool.Trim(i * 1_000);
        }

        Assert.False(pool.WantsHousekeeping);
        pool.Rent(BlockSize.Large).Release();
    }

    [Fact]
    public void Renting_and_returning_allocates_nothing_once_the_slabs_are_there()
    {
        using var pool = new BlockPool(Limit);
        Cycle(pool);

        Assert.Equal(0, Allocations.MinOf(() =>
        {
            for (int i = 0; i < 1_000; i++)
            {
                Cycle(pool);
            }
        }));

        static void Cycle(BlockPool pool)
        {
            var small = pool.Rent(BlockSize.Small);
            var medium = pool.Rent(BlockSize.Medium);
            var large = pool.Rent(BlockSize.Large);
            small.Release();
            medium.Release();
            large.Release();
        }
    }

    [Fact]
    public async Task Threads_that_rent_and_return_at_once_get_different_memory()
    {
        using var pool = new BlockPool(64 << 20);
        await Task.WhenAll(Enumerable.Range(1, 4).Select(seed => Task.Run(() =>
        {
            var random = new Random(seed);
            var mine = new List<Block>();
            for (int i = 0; i < 20_000; i++)
            {
                if (mine.Count < 20 && random.Next(2) == 0)
                {
                    var block = pool.Rent((BlockSize)random.Next(3));
                    block.Span(0, 8).Fill((byte)seed);
                    mine.Add(block);
                }
                else if (mine.Count > 0)
                {
                    int at = random.Next(mine.Count);
                    Assert.Equal(-1, mine[at].Span(0, 8).IndexOfAnyExcept((byte)seed));
                    mine[at].Release();
                    mine.RemoveAt(at);
                }
            }

            mine.ForEach(block => block.Release());
        })));
        Assert.Equal(0, pool.OutstandingBlocks);
        Assert.Equal(0, pool.UsedBytes);
    }

    private sealed class Waiter : IMemoryWaiter, IClaimOwner
    {
        public int Calls { get; private set; }

        public int Lows { get; private set; }

        public void MemoryAvailable() => Calls++;

        public void MemoryLow() => Lows++;

        public void ClaimGranted()
        {
        }
    }
}
