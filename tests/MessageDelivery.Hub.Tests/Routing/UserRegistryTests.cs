using System.Runtime.InteropServices;
using CsCheck;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Users;

namespace MessageDelivery.Hub.Tests.Routing;

/// <summary>Who is there, in order and once; and lists that stay as they were while everybody comes and goes.</summary>
public sealed class UserRegistryTests : IDisposable
{
    private const ulong Nobody = 0;
    private const int IdsPerPage = UserIds.MaxPageBytes / sizeof(ulong);

    private readonly BlockPool _pool = new(64 << 20);

    public void Dispose()
    {
        Assert.Equal(0, _pool.OutstandingBlocks);
        _pool.Dispose();
    }

    /// <summary>Each step is so many who come, or that share of all who go, from a place on; each list is kept for a while.</summary>
    [Fact]
    public void It_lists_who_is_there_ascending_and_gives_no_id_twice() => Gen.Select(
        Gen.Int[-60, 99], Gen.Int[1, 3 * IdsPerPage], Gen.Int[0, 1_000_000]).Array[1, 40].Sample(steps =>
    {
        using var pool = new BlockPool(64 << 20);
        var registry = new UserRegistry(pool);
        var model = new List<User>();
        var held = new Queue<(SegmentList List, ulong[] Ids)>();
        ulong last = 0;
        foreach (var (percent, coming, place) in steps)
        {
            for (int i = percent < 0 ? coming : percent % 2; i > 0; i--)
            {
                var user = registry.Add(null!);
                Assert.Equal(++last, user.Id);
                model.Add(user);
            }

            for (int i = model.Count * Math.Max(percent, 0) / 100; i > 0; i--)
            {
                var leaving = model[(place % model.Count)];
                model.RemoveAt(place % model.Count);
                registry.Remove(leaving);
                registry.Remove(leaving);
                Assert.Null(registry.Find(leaving.Id));
            }

            Assert.Equal(model.Count, registry.Count);
            ulong without = model.Count == 0 ? Nobody : model[place % model.Count].Id;
            held.Enqueue((List(registry, without), [.. model.Select(user => user.Id).Where(id => id != without)]));
            Assert.All(held, list => Assert.Equal(list.Ids, Read(list.List)));
            if (held.Count > place % 5)
            {
                held.Dequeue().List.ReleaseAll();
            }
        }

        Assert.All(model, user => Assert.Same(user, registry.Find(user.Id)));
        foreach (var (list, _) in held)
        {
            list.ReleaseAll();
        }

        model.ForEach(registry.Remove);
        Assert.Equal(0, pool.OutstandingBlocks);
    }, iter: 60);

    [Fact]
    public void Who_asks_gets_the_same_memory_until_somebody_comes_or_goes()
    {
        var registry = new UserRegistry(_pool);
        User[] users = [.. Enumerable.Range(0, 10).Select(_ => registry.Add(null!))];
        var first = List(registry, Nobody);
        var second = List(registry, Nobody);
        Assert.Equal(first.Items.ToArray(), second.Items.ToArray());
        Assert.Equal(1, _pool.OutstandingBlocks);

        registry.Remove(users[3]);
        var third = List(registry, Nobody);
        Assert.Equal(2, _pool.OutstandingBlocks);
        Assert.Equal([1UL, 2, 3, 5, 6, 7, 8, 9, 10], Read(third));
        first.ReleaseAll();
        Assert.Equal([1UL, 2, 3, 4, 5, 6, 7, 8, 9, 10], Read(second));
        second.ReleaseAll();
        third.ReleaseAll();
        Assert.Equal(1, _pool.OutstandingBlocks);
        Array.ForEach(users, registry.Remove);
    }

    [Fact]
    public void A_user_who_leaves_costs_one_page_at_most()
    {
        var registry = new UserRegistry(_pool);
        User[] users = [.. Enumerable.Range(0, 20 * IdsPerPage).Select(_ => registry.Add(null!))];
        var list = List(registry, Nobody);
        int before = _pool.OutstandingBlocks;
        registry.Remove(users[7 * IdsPerPage]);
        registry.Remove(users[(7 * IdsPerPage) + 1]);
        Assert.Equal(before + 1, _pool.OutstandingBlocks);
        list.ReleaseAll();
        Assert.Equal(before, _pool.OutstandingBlocks);
        Array.ForEach(users, registry.Remove);
    }

    [Fact]
    public void Pages_are_joined_as_users_leave()
    {
        var registry = new UserRegistry(_pool);
        User[] users = [.. Enumerable.Range(0, 40 * IdsPerPage).Select(_ => registry.Add(null!))];
        int before = _pool.OutstandingBlocks;
        User[] staying = [.. users.Where((_, i) => i % 100 == 0)];
        Array.ForEach([.. users.Except(staying)], registry.Remove);
        Assert.InRange(_pool.OutstandingBlocks, 1, before / 40);
        var list = List(registry, Nobody);
        Assert.Equal(staying.Select(user => user.Id), Read(list));
        list.ReleaseAll();
        Array.ForEach(staying, registry.Remove);
    }

    private static SegmentList List(UserRegistry registry, ulong without)
    {
        var list = new SegmentList();
        registry.List(list, without);
        return list;
    }

    private static ulong[] Read(SegmentList list)
    {
        var ids = new List<ulong>();
        foreach (var piece in list.Items)
        {
            ids.AddRange(MemoryMarshal.Cast<byte, ulong>(piece.Span));
        }

        return [.. ids];
    }
}
