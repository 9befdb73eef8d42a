using CsCheck;
using MessageDelivery.Hub.Limits;

namespace MessageDelivery.Hub.Tests.Limits;

/// <summary>So much in a second, as much at once, and what is beyond is waited for.</summary>
public sealed class PaceTests
{
    /// <summary>Whatever is asked for and when: over any time no more passes than the rate, a second's worth, and the one that owes.</summary>
    [Fact]
    public void No_more_passes_than_the_rate() => Gen.Select(
        Gen.Long[1, 100_000], Gen.Select(Gen.Long[0, 3_000], Gen.Long[1, 200_000]).Array[1, 200]).Sample((rate, asks) =>
    {
        long now = 5;
        var bucket = new TokenBucket(rate, now);
        long free = now;
        long taken = 0;
        foreach (var (pause, count) in asks)
        {
            now = Math.Max(now + pause, free);
            if (bucket.WaitFor(count, now) > 2_000)
            {
                continue;
            }

            free = now + bucket.Take(count, now);
            taken += count;
            Assert.True(taken <= rate + (rate * (free - 5) / 1_000) + 1, $"{taken} at {free}");
        }
    });

    [Fact]
    public void What_was_not_used_is_kept_for_a_second_only()
    {
        var bucket = new TokenBucket(10, 0);
        Assert.Equal(0, bucket.Take(10, 1_000_000));
        Assert.Equal(100, bucket.Take(1, 1_000_000));
        Assert.Equal(0, bucket.WaitFor(0, 1_000_100));
        Assert.Equal(0, bucket.Take(5, 1_000_600));
    }

    [Fact]
    public void A_clock_that_goes_back_gives_nothing()
    {
        var bucket = new TokenBucket(1, 1_000);
        Assert.Equal(0, bucket.Take(1, 1_000));
        Assert.Equal(1_000, bucket.WaitFor(1, 10));
    }

    [Fact]
    public void Zero_is_no_limit()
    {
        var pace = new Pace(new(0, 0, 0, 0), 0);
        Assert.False(pace.IsTooMuch(1L << 40, 0));
        Assert.False(pace.Count(LimitKind.RelayRate, 1L << 40, 0) || pace.Count(LimitKind.ListRate, 0, 0) || pace.Count(LimitKind.EchoRate, 1L << 40, 0));
    }

    [Fact]
    public void The_largest_rates_do_not_overflow()
    {
        var bucket = new TokenBucket(1L << 40, 0);
        Assert.Equal(0, bucket.Take(1L << 40, long.MaxValue / 2));
        Assert.Equal(1_000, bucket.Take(1L << 40, long.MaxValue / 2));
    }

    [Fact]
    public void Each_thing_has_its_own_rate()
    {
        var pace = new Pace(new(Relays: 1, Bytes: 100, Lists: 1, Echoes: 1), 0);
        Assert.False(pace.Count(LimitKind.RelayRate, 10, 0));
        Assert.False(pace.Count(LimitKind.ListRate, 0, 0));
        Assert.False(pace.Count(LimitKind.EchoRate, 90, 0));
        Assert.True(pace.Count(LimitKind.ListRate, 0, 0));
        Assert.Equal((LimitKind.ListRate, 1_000L), (pace.Met, pace.Due));
        Assert.True(pace.Count(LimitKind.EchoRate, 50, 500));
        Assert.Equal((LimitKind.EchoRate, 1_000L), (pace.Met, pace.Due));
    }

    [Theory]
    [InlineData(null, null, 10, 20)]
    [InlineData(5.9, null, 5, 20)]
    [InlineData(0.1, 0.1, 1, 1)]
    [InlineData(1e30, 1e30, 1_000_000_000, 1L << 40)]
    public void A_user_may_have_rates_of_its_own(double? relays, double? bytes, long ownRelays, long ownBytes) =>
        Assert.Equal(new(ownRelays, ownBytes, 1, 2), new PaceRates(10, 20, 1, 2).With(relays, bytes));

    [Fact]
    public void A_request_that_has_to_wait_for_more_than_two_seconds_is_too_much()
    {
        var pace = new Pace(new(0, Bytes: 1_000, 0, 0), 0);
        Assert.False(pace.IsTooMuch(3_000, 0));
        Assert.True(pace.IsTooMuch(3_001, 0));
        Assert.True(pace.Count(LimitKind.RelayRate, 3_000, 0));
        Assert.Equal(2_000, pace.Due);
    }
}
