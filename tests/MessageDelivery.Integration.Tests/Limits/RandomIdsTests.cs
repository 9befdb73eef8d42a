using MessageDelivery.Hub.Limits;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Limits;

/// <summary>Ids in no order, as users see them.</summary>
public sealed class RandomIdsTests
{
    private static Task<RunningHub> StartAsync() =>
        RunningHub.StartAsync(o => o with { Limits = new() { Ids = UserIdOrder.Random, ListsPerSecond = 0 } });

    [Fact]
    public async Task They_are_below_the_end_of_ids_and_listed_ascending()
    {
        await using var hub = await StartAsync();
        await using var watcher = await hub.BinaryAsync();
        var users = new List<RawConnection>();
        for (int i = 0; i < 20; i++)
        {
            users.Add(i % 2 == 0 ? await hub.BinaryAsync() : await hub.TextAsync());
        }

        ulong[] ids = [.. users.Select(user => user.UserId)];
        Assert.All(ids, id => Assert.InRange(id, 1UL, ProtocolLimits.MaxUserIdExclusive - 1));
        Assert.Equal(20, ids.Distinct().Count());
        Assert.NotEqual(ids, ids.Order());
        await RunningHub.ExpectListAsync(watcher, [.. ids.Order()]);

        await users[1].SendAsync("list\n");
        await users[1].ExpectLinesAsync(
            $"[Server] Client IDs are {string.Join(", ", ids.Where(id => id != ids[1]).Append(watcher.UserId).Order())}");
        await users[1].SendAsync($"relay {ids[0]} hello\n");
        await users[0].ExpectAsync(Frames.Delivery(ids[1], "hello"u8.ToArray()));
        foreach (var user in users)
        {
            await user.DisposeAsync();
        }

        await hub.EventuallyAsync(async () => (await RunningHub.ListAsync(watcher)).Length == 0);
    }
}
