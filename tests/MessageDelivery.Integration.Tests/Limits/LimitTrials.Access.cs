using MessageDelivery.Hub.Limits;
using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests.Limits;

/// <content>The limits of hubs that demand a token, and what becomes of each limit on the other side of the token.</content>
internal static partial class LimitTrials
{
    private static async Task ConnectionsPerUserAsync(SpokenProtocol spoken)
    {
        await using var hub = await StartAsync(spoken, new() { MaxConnectionsPerUser = 2 });
        await using var user = await spoken.JoinAsync(hub);
        var leaves = await spoken.JoinAsync(hub);
        await using var oneMore = await spoken.ConnectAsync(hub);
        await oneMore.SendAsync(spoken.FirstWords);
        await spoken.ExpectEndAsync(oneMore, Limit.Of(LimitKind.ConnectionsPerUser).Code);
        await using var other = await spoken.JoinAsync(hub, spoken.OtherToken);
        await ExpectServedAsync(spoken, other);

        leaves.Abort();
        RawConnection? next = null;
        await hub.EventuallyAsync(async () => (next = await TryJoinAsync(spoken, hub)) is not null);
        await using var inTheirPlace = next!;
        await ExpectServedAsync(spoken, inTheirPlace);
        await ExpectServedAsync(spoken, user);
    }

    private static async Task ConnectionsOfNobodyAsync(SpokenProtocol spoken)
    {
        await using var hub = await StartAsync(spoken, new() { MaxConnectionsPerUser = 1 });
        await using var stranger = await spoken.ConnectAsync(hub);
        await using var another = await spoken.ConnectAsync(hub);
        await another.SendAsync(spoken.UnfinishedFirstBytes);
        await hub.SettleAsync();
        await using var user = await spoken.JoinAsync(hub);
        await using var other = await spoken.JoinAsync(hub, spoken.OtherToken);
        await ExpectServedAsync(spoken, user);
        await stranger.ExpectNothingAsync();
        await another.ExpectNothingAsync();
    }

    private static async Task AuthenticationAsync(SpokenProtocol spoken)
    {
        // What is begun has time, so that it is the token that has not come.
        foreach (var begun in (byte[][])[[], spoken.UnfinishedFirstBytes, spoken.FirstWords[..^1]])
        {
            await using var hub = await StartAsync(spoken, new() { AuthenticationTimeout = 3 * Second, HandshakeTimeout = TimeSpan.Zero });
            await using var user = await spoken.JoinAsync(hub);
            await using var stranger = await spoken.ConnectAsync(hub);
            await stranger.SendAsync(begun);
            await hub.SettleAsync();
            await hub.PassAsync(2.5 * Second);
            await stranger.ExpectNothingAsync();

            const string Why = "nobody was authenticated within 3 s";
            var code = Limit.Of(LimitKind.Authentication).Code;
            await hub.AdvanceUntilAsync(
                begun.Length > 0 ? spoken.ExpectEndAsync(stranger, code, Why) : spoken.ExpectEndOfSilentAsync(stranger, code, Why), Second);
            await ExpectServedAsync(spoken, user);
        }
    }

    private static async Task EarlyBytesInAsync(SpokenProtocol spoken)
    {
        await using var hub = await StartAsync(spoken, new());
        await using var receiver = await spoken.JoinAsync(hub);
        await using var patient = await spoken.ConnectAsync(hub);
        await patient.SendAsync(spoken.MaxEarlyBytes);
        await hub.SettleAsync();
        await spoken.EnterAsync(patient, spoken.Token);
        await ExpectServedAsync(spoken, patient);

        await using var stranger = await spoken.ConnectAsync(hub);
        await stranger.SendAsync(spoken.TooManyEarlyBytes);
        await spoken.ExpectEndAsync(stranger, Limit.Of(LimitKind.EarlyBytesIn).Code);
        await ExpectServedAsync(spoken, receiver);
    }

    private static async Task EarlyBytesOutAsync(SpokenProtocol spoken)
    {
        const int LastWords = 256;
        await using var hub = await StartAsync(spoken, new());
        await using var user = await spoken.JoinAsync(hub);
        await using var stranger = await spoken.ConnectAsync(hub);
        await stranger.SendAsync(spoken.EarlyQuestions);
        byte[] said = await stranger.ReadToEndAsync();
        Assert.InRange(said.Length, 1, Limit.EarlyBytesOut + LastWords);
        Assert.Contains(spoken.LastOfEarlyAnswers, System.Text.Encoding.UTF8.GetString(said), StringComparison.Ordinal);
        await ExpectServedAsync(spoken, user);
    }

    /// <summary>Who is in goes on when nobody else can come any more.</summary>
    private static Func<SpokenProtocol, Task> Full(HubLimits limits, LimitKind kind, int? maxConnections = null) => async spoken =>
    {
        await using var hub = await StartAsync(spoken, limits, maxConnections);
        await using var user = await spoken.JoinAsync(hub);
        await using var stranger = await spoken.ConnectAsync(hub);
        await stranger.SendAsync(spoken.FirstWords);
        await spoken.ExpectEndAsync(stranger, Limit.Of(kind).Code);
        for (int i = 1; i <= 20; i++)
        {
            await user.SendAsync(spoken.Relay([user.UserId], i), spoken.List);
            await spoken.ExpectMessageAsync(user, user.UserId, i);
            await spoken.ExpectListAsync(user);
        }
    };

    /// <summary>Who is in may begin something and take its time.</summary>
    private static async Task UnhurriedAsync(SpokenProtocol spoken)
    {
        await using var hub = await StartAsync(spoken, new() { HandshakeTimeout = Second, AuthenticationTimeout = Second });
        await using var user = await spoken.JoinAsync(hub);
        byte[] echo = spoken.Echo("late");
        await hub.PassAsync(5 * Second);
        await user.SendAsync(echo[..4]);
        await hub.SettleAsync();
        await hub.PassAsync(5 * Second);
        await user.ExpectNothingAsync();
        await user.SendAsync(echo[4..]);
        await spoken.ExpectEchoAsync(user, "late");
    }

    /// <summary>Who is in may say and hear more than a stranger.</summary>
    private static async Task UnboundedAsync(SpokenProtocol spoken)
    {
        await using var hub = await StartAsync(spoken, new());
        await using var user = await spoken.JoinAsync(hub);
        string longest = new('x', 3 * Limit.EarlyBytesIn / 2);
        for (int i = 0; i < 3; i++)
        {
            await user.SendAsync(spoken.Echo(longest));
            await spoken.ExpectEchoAsync(user, longest);
        }
    }

    /// <summary>A stranger does what would meet a limit if it were let in: it is told that a token is wanted, and nothing is carried out.</summary>
    private static Func<SpokenProtocol, Task> OfNobody(HubLimits limits, Func<SpokenProtocol, ulong, byte[]> requests) => async spoken =>
    {
        await using var hub = await StartAsync(spoken, limits);
        await using var receiver = await spoken.JoinAsync(hub);
        await using var stranger = await spoken.ConnectAsync(hub);
        await stranger.SendAsync(spoken.SayWho(""), requests(spoken, receiver.UserId));
        await spoken.ExpectTokenWantedAsync(stranger);
        stranger.HalfClose();
        Assert.InRange((await stranger.ReadToEndAsync()).Length, 0, Limit.EarlyBytesOut);
        await receiver.ExpectNothingAsync();
        await receiver.SendAsync(spoken.List);
        await spoken.ExpectListAsync(receiver);
        await ExpectServedAsync(spoken, receiver);
    };

    private static byte[] Times(int count, byte[] request) => Frames.Join([.. Enumerable.Repeat(request, count)]);
}
