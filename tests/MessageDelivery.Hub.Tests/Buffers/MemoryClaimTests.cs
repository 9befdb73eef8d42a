using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Tests.Buffers;

/// <summary>What is set aside while memory is scarce, and who gets it next.</summary>
public sealed class MemoryClaimTests : IDisposable
{
    private const long Most = BlockPool.MaxClaimBytes;
    private const long Small = 16 << 10;
    private const long Patience = 1_000;

    private readonly BlockPool _pool = new(BlockPool.MinLimitBytes, Patience);
    private readonly Stack<Block> _used = new();
    private readonly List<Owner> _granted = [];

    public void Dispose()
    {
        while (_used.TryPop(out var block))
        {
            block.Release();
        }

        Assert.Equal(0, _pool.ClaimedBytes);
        _pool.Dispose();
    }

    [Fact]
    public void Where_receiving_begins_to_take_a_claim_there_is_room_for_the_largest()
    {
        TakeUntilScarce();
        var owner = new Owner(_granted);
        Assert.True(_pool.TryClaim(owner.Claim, Most, now: 0));
        Assert.Equal(Most, owner.Claim.Bytes);
        TakeUntilLow();
        Assert.Equal(Most, owner.Claim.Bytes);
        _pool.Reduce(owner.Claim, 0);
    }

    [Fact]
    public void Claims_of_one_size_are_granted_in_the_order_in_which_they_came()
    {
        TakeUntilScarce();
        var first = new Owner(_granted);
        var second = new Owner(_granted);
        var third = new Owner(_granted);
        Assert.True(_pool.TryClaim(first.Claim, Most, now: 0));
        Assert.False(_pool.TryClaim(second.Claim, Most - 1, now: 0));
        Assert.False(_pool.TryClaim(third.Claim, Most / 2, now: 0));
        Assert.True(_pool.IsShort);
        Assert.Equal(Most, _pool.ClaimedBytes);

        // Room for the third, but the second was before it.
        _pool.Reduce(first.Claim, Most / 2);
        Assert.Empty(_granted);
        _pool.Reduce(first.Claim, 0);
        Assert.Equal([second], _granted);
        _pool.Reduce(second.Claim, 0);
        Assert.Equal([second, third], _granted);
        Assert.False(_pool.IsShort);
        _pool.Reduce(third.Claim, 0);
    }

    [Fact]
    public void Claims_that_are_granted_together_are_told_in_the_order_in_which_they_came()
    {
        TakeUntilScarce();
        var first = new Owner(_granted);
        Assert.True(_pool.TryClaim(first.Claim, Most, now: 0));
        Owner[] others = [.. Enumerable.Range(0, 4).Select(_ => new Owner(_granted))];
        Assert.All(others, other => Assert.False(_pool.TryClaim(other.Claim, Most / 4, now: 0)));
        _pool.Reduce(first.Claim, 0);
        Assert.Equal(others, _granted);
        Array.ForEach(others, other => _pool.Reduce(other.Claim, 0));
    }

    [Fact]
    public void A_small_claim_passes_a_large_one_until_that_has_waited_for_its_patience()
    {
        TakeUntilScarce();
        var first = new Owner(_granted);
        var large = new Owner(_granted);
        var small = new Owner(_granted);
        var late = new Owner(_granted);
        Assert.True(_pool.TryClaim(first.Claim, Most - Small, now: 0));
        Assert.False(_pool.TryClaim(large.Claim, Most, now: 0));
        Assert.True(_pool.TryClaim(small.Claim, Small, now: Patience - 1));
        _pool.Reduce(small.Claim, 0);
        Assert.False(_pool.TryClaim(late.Claim, Small, now: Patience));
        Assert.Empty(_granted);

        _pool.Reduce(first.Claim, 0);
        Assert.Equal([large], _granted);
        _pool.Reduce(large.Claim, 0);
        Assert.Equal([large, late], _granted);
        _pool.Reduce(late.Claim, 0);
    }

    [Fact]
    public void The_larger_a_claim_the_more_it_leaves_for_others()
    {
        // Enough memory that more is kept than one of the largest.
        using var pool = new BlockPool(256L << 20, Patience);
        var used = new Stack<Block>();
        Owner[] owners = [new(_granted), new(_granted), new(_granted)];
        long[] sizes = [Most, 80 << 10, Small];
        int[] grantedAt = [0, 0, 0];
        while (!pool.IsLow)
        {
            used.Push(pool.Rent(BlockSize.Large));
            for (int i = 0; i < sizes.Length; i++)
            {
                grantedAt[i] += pool.TryClaim(owners[i].Claim, sizes[i], now: 0) ? 1 : 0;
                pool.Reduce(owners[i].Claim, 0);
            }
        }

        Assert.True(grantedAt[0] + 8 < grantedAt[1], $"large {grantedAt[0]}, middling {grantedAt[1]}");
        Assert.True(grantedAt[1] + 4 < grantedAt[2], $"middling {grantedAt[1]}, small {grantedAt[2]}");
        while (used.TryPop(out var block))
        {
            block.Release();
        }
    }

    [Fact]
    public void Who_leaves_the_line_lets_the_next_in()
    {
        TakeUntilScarce();
        var first = new Owner(_granted);
        var large = new Owner(_granted);
        var small = new Owner(_granted);
        Assert.True(_pool.TryClaim(first.Claim, Most - 1, now: 0));
        Assert.False(_pool.TryClaim(large.Claim, Most - 1, now: 3));
        Assert.False(_pool.TryClaim(small.Claim, Small, now: 5));
        Assert.False(_pool.HasWaitedSince(2));
        Assert.True(_pool.HasWaitedSince(3));
        _pool.Reduce(large.Claim, 0);
        Assert.Empty(_granted);
        _pool.Reduce(first.Claim, Most / 2);
        Assert.Equal([small], _granted);
        Assert.Equal(0, large.Claim.Bytes);
        _pool.Reduce(first.Claim, 0);
        _pool.Reduce(small.Claim, 0);
        Assert.Equal([small], _granted);
    }

    [Fact]
    public void Memory_that_comes_back_is_granted()
    {
        TakeUntilLow();
        var waiting = new Owner(_granted);
        Assert.False(_pool.TryClaim(waiting.Claim, Most, now: 0));
        while (_granted.Count == 0)
        {
            _used.Pop().Release();
        }

        Assert.Equal(Most, waiting.Claim.Bytes);
        Assert.False(_pool.IsLow);
        _pool.Reduce(waiting.Claim, 0);
    }

    [Fact]
    public void What_is_set_aside_counts_as_used()
    {
        var owners = new List<Owner>();
        while (!_pool.IsScarce)
        {
            owners.Add(new(_granted));
            Assert.True(_pool.TryClaim(owners[^1].Claim, Most, now: 0));
        }

        Assert.Equal(0, _pool.UsedBytes);
        owners.ForEach(owner => _pool.Reduce(owner.Claim, 0));
        Assert.False(_pool.IsScarce);
    }

    [Fact]
    public void More_than_the_most_is_a_defect() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => _pool.TryClaim(new Owner(_granted).Claim, Most + 1, now: 0));

    private void TakeUntilScarce()
    {
        while (!_pool.IsScarce)
        {
            _used.Push(_pool.Rent(BlockSize.Large));
        }
    }

    private void TakeUntilLow()
    {
        while (!_pool.IsLow)
        {
            _used.Push(_pool.Rent(BlockSize.Large));
        }
    }

    private sealed class Owner : IClaimOwner
    {
        private readonly List<Owner> _granted;

        public Owner(List<Owner> granted)
        {
            _granted = granted;
            Claim = new(this);
        }

        public MemoryClaim Claim { get; }

        public void ClaimGranted() => _granted.Add(this);
    }
}
