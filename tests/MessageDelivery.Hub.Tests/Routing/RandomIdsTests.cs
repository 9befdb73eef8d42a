using CsCheck;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Users;

namespace MessageDelivery.Hub.Tests.Routing;

/// <summary>Ids that come in no order: never twice, below 2^53, listed ascending all the same.</summary>
public sealed class RandomIdsTests
{
    private const ulong EndOfIds = 1UL << 53;

    [Fact]
    public void None_comes_twice_and_all_are_ids()
    {
        var ids = RandomIds.Create();
        var given = new HashSet<ulong>();
        for (ulong number = 1; number <= 20_000; number++)
        {
            ulong id = ids[number];
            Assert.InRange(id, 1UL, EndOfIds - 1);
            Assert.True(given.Add(id));
        }
    }

    /// <summary>Each bit of an id is as often set as not, and the next id shares no more bits with it than chance has it.</summary>
    [Fact]
    public void An_id_tells_nothing_about_the_next()
    {
        const int Count = 20_000;
        var ids = RandomIds.Create();
        int[] set = new int[53];
        long same = 0;
        for (ulong number = 1; number <= Count; number++)
        {
            ulong id = ids[number];
            same += 53 - (long)ulong.PopCount(id ^ ids[number + 1]);
            for (int bit = 0; bit < set.Length; bit++)
            {
                set[bit] += (int)(id >> bit) & 1;
            }
        }

        // Six standard deviations of a fair coin.
        Assert.All(set, count => Assert.InRange(count, (Count / 2) - 425, (Count / 2) + 425));
        Assert.InRange(same / (double)Count, 26.3, 26.7);
    }

    [Fact]
    public void Another_key_gives_other_ids() => Assert.NotEqual(RandomIds.Create()[1], RandomIds.Create()[1]);

    [Fact]
    public void The_last_number_has_an_id() => Assert.InRange(RandomIds.Create()[EndOfIds - 1], 1UL, EndOfIds - 1);

    /// <summary>Whoever comes and goes, in whatever order: lists are ascending, and stay as they were while they are held.</summary>
    [Fact]
    public void They_are_listed_ascending() => Gen.Select(
        Gen.Int[-70, 99], Gen.Int[1, 3 * UserIds.MaxPageBytes / sizeof(ulong)], Gen.Int[0, 1_000_000]).Array[1, 20].Sample(steps =>
    {
        using var pool = new BlockPool(64 << 20);
        var registry = new UserRegistry(pool, RandomIds.Create());
        var model = new SortedList<ulong, User>();
        var held = new Queue<(SegmentList List, ulong[] Ids)>();
        foreach (var (percent, coming, place) in steps)
        {
            for (int i = percent < 0 ? coming : percent % 2; i > 0; i--)
            {
                var user = registry.Add(null!);
                model.Add(user.Id, user);
            }

            for (int i = model.Count * Math.Max(percent, 0) / 100; i > 0; i--)
            {
                registry.Remove(model.GetValueAtIndex(place % model.Count));
                model.RemoveAt(place % model.Count);
            }

            var list = new SegmentList();
            registry.List(list, without: 0);
            held.Enqueue((list, [.. model.Keys]));
            Assert.All(held, one => Assert.Equal(one.Ids, Read(one.List)));
            if (held.Count > place % 4)
            {
                held.Dequeue().List.ReleaseAll();
            }
        }

        foreach (var (list, _) in held)
        {
            list.ReleaseAll();
        }

        model.Values.ToList().ForEach(registry.Remove);
        Assert.Equal(0, pool.OutstandingBlocks);
    }, iter: 40);

    private static ulong[] Read(SegmentList list) =>
        [.. list.Items.ToArray().SelectMany(page => System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ulong>(page.Span).ToArray())];
}
