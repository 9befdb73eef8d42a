using MessageDelivery.Hub.Limits;
using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests.Limits;

/// <content>What becomes of each limit once a user has said that it leaves, and keeps its socket.</content>
internal static partial class LimitTrials
{
    /// <summary>
    /// Of two places one is a user's, and the other goes from one to the next who leaves and keeps its socket: none has to wait for it, there
    /// are never more descriptors, and only who is in conversation keeps others out. The clock stands, so that nobody closes for the time.
    /// </summary>
    private static Func<SpokenProtocol, Task> Kept(HubLimits limits, LimitKind kind, int? maxConnections = null) => async spoken =>
    {
        const int Places = 2;
        await using var hub = await StartAsync(spoken, limits, maxConnections);
        await using var user = await spoken.JoinAsync(hub);
        List<RawConnection> kept = [];
        try
        {
            for (int i = 0; i < 8; i++)
            {
                var leaves = await spoken.JoinAsync(hub);
                kept.Add(leaves);
                await leaves.SendAsync(spoken.Farewell);
                await spoken.ExpectFarewellAsync(leaves);
            }

            await hub.EventuallyAsync(() => Task.FromResult(HeldSockets.Count(hub.Endpoint) <= Places));
            await using var inTheirPlace = await spoken.JoinAsync(hub);
            await using var stranger = await spoken.ConnectAsync(hub);
            await stranger.SendAsync(spoken.FirstWords);
            await spoken.ExpectEndAsync(stranger, Limit.Of(kind).Code);
            await ExpectServedAsync(spoken, inTheirPlace);
            await ExpectServedAsync(spoken, user);
        }
        finally
        {
            foreach (var connection in kept)
            {
                await connection.DisposeAsync();
            }
        }
    };

    /// <summary>An identity's connections count as long as they are in conversation: it may come back at once.</summary>
    private static async Task UserComesBackAsync(SpokenProtocol spoken)
    {
        await using var hub = await StartAsync(spoken, new() { MaxConnectionsPerUser = 1 });
        await using var user = await spoken.JoinAsync(hub);
        await user.SendAsync(spoken.Farewell);
        await spoken.ExpectFarewellAsync(user);
        await using var back = await spoken.JoinAsync(hub);
        await ExpectServedAsync(spoken, back);
    }

    /// <summary>Who has left asks for what would meet a limit: nothing of it is carried out or answered.</summary>
    private static Func<SpokenProtocol, Task> OfWhoHasLeft(HubLimits limits, Func<SpokenProtocol, ulong, byte[]> requests) => async spoken =>
    {
        await using var hub = await StartAsync(spoken, limits);
        await using var receiver = await spoken.JoinAsync(hub);
        await using var user = await spoken.JoinAsync(hub);
        await user.SendAsync(spoken.Farewell, requests(spoken, receiver.UserId));
        await spoken.ExpectFarewellAsync(user);
        await receiver.ExpectNothingAsync();
        await ExpectServedAsync(spoken, receiver);
    };
}
