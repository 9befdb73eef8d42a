using CsCheck;
using MessageDelivery.Hub.Routing;

namespace MessageDelivery.Hub.Tests.Routing;

public sealed class UserRegistryTests
{
    [Fact]
    public void It_lists_who_is_there_ascending_and_gives_no_id_twice() => Gen.Int[0, 99].Array[1, 400].Sample(steps =>
    {
        var registry = new UserRegistry();
        var model = new SortedDictionary<ulong, User>();
        ulong last = 0;
        foreach (int step in steps)
        {
            if (step < 50 || model.Count == 0)
            {
                var user = registry.Add(null!);
                Assert.Equal(++last, user.Id);
                model.Add(user.Id, user);
            }
            else
            {
                var leaving = model.ElementAt(step % model.Count);
                registry.Remove(leaving.Value);
                registry.Remove(leaving.Value);
                Assert.Null(registry.Find(leaving.Key));
                model.Remove(leaving.Key);
            }

            Assert.Equal(model.Keys, registry.Snapshot().ToArray());
            Assert.Equal(model.Count, registry.Count);
        }

        Assert.All(model, pair => Assert.Same(pair.Value, registry.Find(pair.Key)));
    });

    [Fact]
    public void Who_asks_twice_gets_the_same_list_until_somebody_comes_or_goes()
    {
        var registry = new UserRegistry();
        var first = registry.Add(null!);
        Assert.True(registry.Snapshot() == registry.Snapshot());
        var before = registry.Snapshot();
        registry.Add(null!);
        Assert.Equal([first.Id], before.ToArray());
        Assert.Equal([1UL, 2UL], registry.Snapshot().ToArray());
    }
}
