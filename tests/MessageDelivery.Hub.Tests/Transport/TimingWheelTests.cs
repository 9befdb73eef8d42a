using CsCheck;
using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Tests.Transport;

public sealed class TimingWheelTests
{
    /// <summary>
    /// Moves a clock by the wheel's own advice: every entry comes out at its deadline or at most one resolution later, and
    /// one whose time is further than a turn away is only looked at in between.
    /// </summary>
    [Fact]
    public void Every_deadline_is_met_in_time() => Gen.Long[0, 40_000].Array[1, 40].Sample(delays =>
    {
        const long Start = 12_345;
        var wheel = new TimingWheel(Start);
        var left = new HashSet<Entry>();
        foreach (long delay in delays)
        {
            var entry = new Entry(Start + delay);
            wheel.Set(entry, entry.Wanted);
            left.Add(entry);
        }

        long now = Start;
        while (left.Count > 0)
        {
            int wait = wheel.UntilNext(now);
            Assert.True(wait >= 0);
            now += Math.Max(wait, 1);
            while (wheel.Next(now) is Entry entry)
            {
                if (entry.Wanted > now)
                {
                    wheel.Set(entry, entry.Wanted);
                    continue;
                }

                Assert.True(now - entry.Wanted <= 2 * TimingWheel.ResolutionMilliseconds, $"{now - entry.Wanted} ms late");
                left.Remove(entry);
            }
        }

        Assert.Equal(-1, wheel.UntilNext(now));
    });

    [Fact]
    public void Of_those_that_are_due_together_the_first_comes_out_first()
    {
        var wheel = new TimingWheel(0);
        Entry[] entries = [.. Enumerable.Range(0, 5).Select(_ => new Entry(100))];
        Array.ForEach(entries, entry => wheel.Set(entry, 100));
        wheel.Remove(entries[2]);
        wheel.Remove(entries[4]);
        wheel.Set(entries[0], 100);
        wheel.Set(entries[2], 100);
        Assert.Equal([entries[1], entries[3], entries[0], entries[2]], Enumerable.Range(0, 4).Select(_ => wheel.Next(200)));
        Assert.Null(wheel.Next(200));
        Assert.Equal(-1, wheel.UntilNext(200));
    }

    [Fact]
    public void A_clock_that_jumps_over_many_turns_finds_everything() => Gen.Select(
        Gen.Long[0, 100_000].Array[1, 40], Gen.Long[100_000, 10_000_000]).Sample((delays, jump) =>
    {
        var wheel = new TimingWheel(0);
        foreach (long delay in delays)
        {
            wheel.Set(new Entry(delay), delay);
        }

        int found = 0;
        while (wheel.Next(jump) is not null)
        {
            found++;
        }

        return found == delays.Length;
    });

    [Fact]
    public void An_entry_stands_once_and_can_be_taken_out()
    {
        var wheel = new TimingWheel(0);
        var moved = new Entry(5_000);
        var removed = new Entry(100);
        wheel.Set(moved, 100);
        wheel.Set(removed, 100);
        wheel.Set(moved, 5_000);
        wheel.Remove(removed);
        wheel.Remove(removed);

        Assert.Null(wheel.Next(4_900));
        Assert.Same(moved, wheel.Next(5_020));
        Assert.Null(wheel.Next(50_000));
    }

    private sealed class Entry(long wanted) : WheelEntry
    {
        public long Wanted { get; } = wanted;

        internal override void OnDue()
        {
        }
    }
}
