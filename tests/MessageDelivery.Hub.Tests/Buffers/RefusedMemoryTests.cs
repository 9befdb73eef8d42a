using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Tests.Buffers;

/// <summary>A machine that gives no more memory although the limit is not reached.</summary>
public sealed class RefusedMemoryTests
{
    private const long Limit = 256 << 20;

    private readonly List<long> _told = [];

    [Fact]
    public void What_is_refused_is_the_ceiling_and_answers_still_find_memory()
    {
        using var pool = CreatePool();
        var blocks = Fill(pool, 64);
        pool.Stock.Refuses = () => true;
        blocks.AddRange(Fill(pool, int.MaxValue));

        Assert.True(pool.IsLow);
        Assert.True(pool.AwaitMemory(), "Whoever waits would be called again at once, and find nothing.");
        Assert.InRange(pool.CeilingBytes, BlockPool.MinLimitBytes, Limit / 2);
        int answers = (int)(pool.CeilingBytes / 8 / BlockSizes.LargeBytes);
        Assert.InRange(answers, 4, 64);
        blocks.AddRange(Enumerable.Range(0, answers - 1).Select(_ => pool.Rent(BlockSize.Large)));
        pool.Trim(1_000);
        Assert.Equal([pool.CeilingBytes], _told);

        blocks.ForEach(block => block.Release());
        Assert.False(pool.IsShort);
        Assert.False(pool.IsScarce);
        Assert.Equal(0, pool.UsedBytes);
    }

    [Fact]
    public void A_claim_for_the_largest_request_is_granted_below_a_ceiling_of_the_machine()
    {
        using var pool = CreatePool();
        var blocks = Fill(pool, 64);
        pool.Stock.Refuses = () => true;
        blocks.AddRange(Fill(pool, int.MaxValue));
        var owner = new Owner();
        var claim = new MemoryClaim(owner);
        Assert.False(pool.TryClaim(claim, BlockPool.MaxClaimBytes, now: 0));
        blocks.ForEach(block => block.Release());
        Assert.True(owner.IsGranted);
        var claimed = Enumerable.Range(0, 5).Select(_ => pool.Rent(BlockSize.Large)).ToList();
        claimed.ForEach(block => block.Release());
        pool.Reduce(claim, 0);
    }

    [Fact]
    public void The_machine_is_asked_again_and_one_refusal_is_not_for_ever()
    {
        using var pool = CreatePool();
        var blocks = Fill(pool, 64);
        pool.Stock.Refuses = () => true;
        blocks.AddRange(Fill(pool, int.MaxValue));
        long ceiling = pool.CeilingBytes;
        for (int second = 1; second <= 5; second++)
        {
            pool.Trim(second * 1_000);
        }

        Assert.Equal(ceiling, pool.CeilingBytes);
        Assert.Equal([ceiling], _told);

        // Somebody waits: what is given counts as soon as it is there, and no more than that.
        pool.Stock.Refuses = null;
        pool.Trim(6_000);
        Assert.InRange(pool.CeilingBytes, ceiling + 1, Limit / 2);
        blocks.ForEach(block => block.Release());
        pool.Trim(7_000);
        Assert.Equal(Limit, pool.CeilingBytes);
        Assert.Equal([ceiling, Limit], _told);
    }

    [Fact]
    public void What_is_always_kept_is_there_from_the_start()
    {
        using var pool = CreatePool();
        pool.Stock.Refuses = () => true;
        var blocks = new List<Block>();
        for (long bytes = 0; bytes < BlockPool.MinLimitBytes; bytes += BlockSizes.LargeBytes)
        {
            blocks.Add(pool.Rent(BlockSize.Large));
            blocks[^1].Span(0, BlockSizes.LargeBytes).Fill(1);
        }

        blocks.ForEach(block => block.Release());
        for (int second = 0; second < 10; second++)
        {
            pool.Trim(second * 1_000);
        }

        // Cleaned meanwhile, and still there.
        blocks = [.. Enumerable.Range(0, 32).Select(_ => pool.Rent(BlockSize.Large))];
        blocks.ForEach(block => block.Release());
        Assert.Equal(0, pool.OutstandingBlocks);
    }

    private BlockPool CreatePool() => new(Limit) { CeilingChanged = _told.Add };

    private static List<Block> Fill(BlockPool pool, int most)
    {
        var blocks = new List<Block>();
        while (blocks.Count < most && pool.TryRentForReceiving(BlockSize.Large) is { } block)
        {
            blocks.Add(block);
        }

        return blocks;
    }

    private sealed class Owner : IClaimOwner
    {
        public bool IsGranted { get; private set; }

        public void ClaimGranted() => IsGranted = true;
    }
}
