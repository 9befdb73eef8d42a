using CsCheck;
using MessageDelivery.Hub.Users;

namespace MessageDelivery.Hub.Tests.Routing;

public sealed class UserTableTests
{
    [Fact]
    public void Finds_those_who_have_come_and_not_left() => Gen.Select(
        Gen.Int[0, 3].Array[0, 600], Gen.ULong[1, 1UL << 53], Gen.ULong[1, 9]).Sample((steps, first, stride) =>
    {
        var table = new UserTable();
        var there = new Dictionary<ulong, User>();
        var left = new List<ulong>();
        ulong next = first;
        foreach (int step in steps)
        {
            if (step == 0 && there.Count > 0)
            {
                var (id, user) = there.ElementAt((int)(next % (ulong)there.Count));
                Assert.True(table.Remove(user));
                Assert.False(table.Remove(user));
                there.Remove(id);
                left.Add(id);
            }
            else
            {
                var user = new User(next, new FakeReceiver());
                table.Add(user);
                there.Add(next, user);
                next += stride;
            }
        }

        Assert.Equal(there.Count, table.Count);
        Assert.All(there, entry => Assert.Same(entry.Value, table.Find(entry.Key)));
        Assert.All(left, id => Assert.Null(table.Find(id)));
        Assert.Null(table.Find(0));
        Assert.Equal(there.Values.ToHashSet(), table.Everybody.ToHashSet());
    });

    [Fact]
    public async Task A_user_who_stays_is_found_while_others_come_and_go()
    {
        var table = new UserTable();
        var staying = Enumerable.Range(1, 50).Select(i => new User((ulong)i * 8, new FakeReceiver())).ToArray();
        Array.ForEach(staying, table.Add);
        using var isOver = new ManualResetEventSlim();
        var finding = Task.Factory.StartNew(
            () =>
            {
                int missed = 0;
                do
                {
                    missed += staying.Count(user => !ReferenceEquals(table.Find(user.Id), user));
                }
                while (!isOver.IsSet);
                return missed;
            },
            TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);

        var passing = new Queue<User>();
        for (ulong id = 1_001; id < 200_000; id++)
        {
            var user = new User(id, new FakeReceiver());
            table.Add(user);
            passing.Enqueue(user);
            if (passing.Count > (int)(id % 400))
            {
                Assert.True(table.Remove(passing.Dequeue()));
            }
        }

        isOver.Set();
        Assert.Equal(0, await finding);
    }
}
