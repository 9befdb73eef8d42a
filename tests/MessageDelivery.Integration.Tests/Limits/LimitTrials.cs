using MessageDelivery.Hub.Limits;
using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests.Limits;

/// <summary>
/// For each limit and each stage at which it counts, what somebody sees who meets it, and somebody who does not. The words are the
/// protocol's.
/// </summary>
internal static partial class LimitTrials
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private static readonly Dictionary<(LimitKind, LimitStage), Func<SpokenProtocol, Task>> Trials = new()
    {
        [(LimitKind.Connections, LimitStage.Before)] = ConnectionsAsync,
        [(LimitKind.ConnectionsPerAddress, LimitStage.Before)] = ConnectionsPerAddressAsync,
        [(LimitKind.ConnectionRate, LimitStage.Before)] = ConnectionRateAsync,
        [(LimitKind.ConnectionsPerUser, LimitStage.After)] = ConnectionsPerUserAsync,
        [(LimitKind.HttpConnections, LimitStage.Before)] = HttpConnectionsAsync,
        [(LimitKind.Handshake, LimitStage.Before)] = HandshakeAsync,
        [(LimitKind.Authentication, LimitStage.Before)] = AuthenticationAsync,
        [(LimitKind.EarlyBytesIn, LimitStage.Before)] = EarlyBytesInAsync,
        [(LimitKind.EarlyBytesOut, LimitStage.Before)] = EarlyBytesOutAsync,
        [(LimitKind.RelayRate, LimitStage.After)] = RelayRateAsync,
        [(LimitKind.ByteRate, LimitStage.After)] = ByteRateAsync,
        [(LimitKind.ListRate, LimitStage.After)] = ListRateAsync,
        [(LimitKind.EchoRate, LimitStage.After)] = EchoRateAsync,
        [(LimitKind.Errors, LimitStage.After)] = ErrorsAsync,
        [(LimitKind.Progress, LimitStage.After)] = ProgressAsync,
        [(LimitKind.Body, LimitStage.After)] = BodyAsync,
        [(LimitKind.Receivers, LimitStage.After)] = ReceiversAsync,
        [(LimitKind.Connections, LimitStage.Closing)] = Kept(new(), LimitKind.Connections, maxConnections: 2),
        [(LimitKind.ConnectionsPerAddress, LimitStage.Closing)] = Kept(new() { MaxConnectionsPerAddress = 2 }, LimitKind.ConnectionsPerAddress),
    };

    // What becomes of a limit at the stage at which it does not count.
    private static readonly Dictionary<(LimitKind, LimitStage), Func<SpokenProtocol, Task>> OtherSide = new()
    {
        [(LimitKind.Connections, LimitStage.After)] = Full(new(), LimitKind.Connections, maxConnections: 1),
        [(LimitKind.ConnectionsPerAddress, LimitStage.After)] = Full(new() { MaxConnectionsPerAddress = 1 }, LimitKind.ConnectionsPerAddress),
        [(LimitKind.ConnectionRate, LimitStage.After)] = Full(new() { ConnectionsPerSecond = 1 }, LimitKind.ConnectionRate),
        [(LimitKind.ConnectionsPerUser, LimitStage.Before)] = ConnectionsOfNobodyAsync,
        [(LimitKind.HttpConnections, LimitStage.After)] = HttpIsFullAsync,
        [(LimitKind.Handshake, LimitStage.After)] = UnhurriedAsync,
        [(LimitKind.Authentication, LimitStage.After)] = UnhurriedAsync,
        [(LimitKind.EarlyBytesIn, LimitStage.After)] = UnboundedAsync,
        [(LimitKind.EarlyBytesOut, LimitStage.After)] = UnboundedAsync,
        [(LimitKind.RelayRate, LimitStage.Before)] = OfNobody(new() { RelaysPerSecond = 2 }, (spoken, id) => Times(6, spoken.Relay([id], 5))),
        [(LimitKind.ByteRate, LimitStage.Before)] = OfNobody(new() { BytesPerSecond = 100 }, (spoken, id) => spoken.Relay([id], 1_000)),
        [(LimitKind.ListRate, LimitStage.Before)] = OfNobody(new() { ListsPerSecond = 1 }, (spoken, _) => Times(6, spoken.List)),
        [(LimitKind.EchoRate, LimitStage.Before)] = OfNobody(new() { EchoesPerSecond = 1 }, (spoken, _) => Times(6, spoken.Echo("hi"))),
        [(LimitKind.Errors, LimitStage.Before)] = OfNobody(new() { MaxErrorsPerMinute = 1_000 }, (spoken, _) => Times(900, spoken.Wrong)),
        [(LimitKind.Progress, LimitStage.Before)] = OfNobody(new(), (spoken, id) => spoken.Relay([id], 40_000)[..30_000]),
        [(LimitKind.Body, LimitStage.Before)] = OfNobody(new() { MaxBodyBytes = 100 }, (spoken, id) => spoken.Relay([id], 1_000)),
        [(LimitKind.Receivers, LimitStage.Before)] = OfNobody(new() { MaxReceivers = 2 }, (spoken, id) => spoken.Relay([id, id, id], 5)),
        [(LimitKind.ConnectionRate, LimitStage.Closing)] = OfWhoHasLeft(new(), (spoken, _) => spoken.FirstWords),
        [(LimitKind.ConnectionsPerUser, LimitStage.Closing)] = UserComesBackAsync,
        [(LimitKind.HttpConnections, LimitStage.Closing)] = OfWhoHasLeft(new(), (spoken, _) => spoken.FirstWords),
        [(LimitKind.Handshake, LimitStage.Closing)] = OfWhoHasLeft(new() { HandshakeTimeout = Second }, (spoken, _) => spoken.UnfinishedFirstBytes),
        [(LimitKind.Authentication, LimitStage.Closing)] = OfWhoHasLeft(new() { AuthenticationTimeout = Second }, (spoken, _) => spoken.FirstWords),
        [(LimitKind.EarlyBytesIn, LimitStage.Closing)] = OfWhoHasLeft(new(), (spoken, _) => spoken.TooManyEarlyBytes),
        [(LimitKind.EarlyBytesOut, LimitStage.Closing)] = OfWhoHasLeft(new(), (spoken, _) => spoken.EarlyQuestions),
        [(LimitKind.RelayRate, LimitStage.Closing)] = OfWhoHasLeft(new() { RelaysPerSecond = 2 }, (spoken, id) => Times(6, spoken.Relay([id], 5))),
        [(LimitKind.ByteRate, LimitStage.Closing)] = OfWhoHasLeft(new() { BytesPerSecond = 100 }, (spoken, id) => spoken.Relay([id], 1_000)),
        [(LimitKind.ListRate, LimitStage.Closing)] = OfWhoHasLeft(new() { ListsPerSecond = 1 }, (spoken, _) => Times(6, spoken.List)),
        [(LimitKind.EchoRate, LimitStage.Closing)] = OfWhoHasLeft(new() { EchoesPerSecond = 1 }, (spoken, _) => Times(6, spoken.Echo("hi"))),
        [(LimitKind.Errors, LimitStage.Closing)] = OfWhoHasLeft(new() { MaxErrorsPerMinute = 3 }, (spoken, _) => Times(6, spoken.Wrong)),
        [(LimitKind.Progress, LimitStage.Closing)] = OfWhoHasLeft(new(), (spoken, id) => spoken.Relay([id], 40_000)[..30_000]),
        [(LimitKind.Body, LimitStage.Closing)] = OfWhoHasLeft(new() { MaxBodyBytes = 100 }, (spoken, id) => spoken.Relay([id], 1_000)),
        [(LimitKind.Receivers, LimitStage.Closing)] = OfWhoHasLeft(new() { MaxReceivers = 2 }, (spoken, id) => spoken.Relay([id, id, id], 5)),
    };

    public static IEnumerable<(LimitKind Kind, LimitStage Stage)> Keys => Trials.Keys;

    public static IEnumerable<(LimitKind Kind, LimitStage Stage)> OtherKeys => OtherSide.Keys;

    public static Func<SpokenProtocol, Task>? Find(LimitKind kind, LimitStage stage) =>
        Trials.GetValueOrDefault((kind, stage)) ?? OtherSide.GetValueOrDefault((kind, stage));

    private static Task<RunningHub> StartAsync(SpokenProtocol spoken, HubLimits limits, int? maxConnections = null) =>
        RunningHub.StartAsync(o => spoken.Prepare(o with { Limits = limits, MaxConnections = maxConnections, Heartbeat = TimeSpan.Zero }));

    private static async Task ConnectionsAsync(SpokenProtocol spoken)
    {
        await using var hub = await StartAsync(spoken, new(), maxConnections: 1);
        await using var user = await spoken.JoinAsync(hub);
        await using var stranger = await spoken.ConnectAsync(hub);
        await stranger.SendAsync(spoken.FirstWords);
        await spoken.ExpectEndAsync(stranger, Limit.Of(LimitKind.Connections).Code);
        await ExpectServedAsync(spoken, user);
    }

    private static async Task ConnectionsPerAddressAsync(SpokenProtocol spoken)
    {
        await using var hub = await StartAsync(spoken, new() { MaxConnectionsPerAddress = 2 });
        await using var user = await spoken.JoinAsync(hub);
        var leaves = await spoken.JoinAsync(hub);
        await using var stranger = await spoken.ConnectAsync(hub);
        await stranger.SendAsync(spoken.FirstWords);
        await spoken.ExpectEndAsync(stranger, Limit.Of(LimitKind.ConnectionsPerAddress).Code);

        leaves.Abort();
        RawConnection? next = null;
        await hub.EventuallyAsync(async () => (next = await TryJoinAsync(spoken, hub)) is not null);
        await using var inTheirPlace = next!;
        await ExpectServedAsync(spoken, inTheirPlace);
    }

    private static async Task ConnectionRateAsync(SpokenProtocol spoken)
    {
        await using var hub = await StartAsync(spoken, new() { ConnectionsPerSecond = 2 });
        await using var one = await spoken.JoinAsync(hub);
        await using var two = await spoken.JoinAsync(hub);
        await using var stranger = await spoken.ConnectAsync(hub);
        await stranger.SendAsync(spoken.FirstWords);
        await spoken.ExpectEndAsync(stranger, Limit.Of(LimitKind.ConnectionRate).Code);
        await ExpectServedAsync(spoken, one);

        await hub.PassAsync(Second);
        await using var later = await spoken.JoinAsync(hub);
        await ExpectServedAsync(spoken, later);
    }

    private static async Task HandshakeAsync(SpokenProtocol spoken)
    {
        await using var hub = await StartAsync(spoken, new() { HandshakeTimeout = 3 * Second });
        await using var user = await spoken.JoinAsync(hub);
        await using var stranger = await spoken.ConnectAsync(hub);
        await stranger.SendAsync(spoken.UnfinishedFirstBytes);
        await hub.SettleAsync();
        await hub.PassAsync(2.5 * Second);
        await stranger.ExpectNothingAsync();

        await hub.AdvanceUntilAsync(spoken.ExpectEndAsync(stranger, Limit.Of(LimitKind.Handshake).Code, "took longer than 3 s"), Second);
        if (spoken.IsSecured)
        {
            // Before the handshake there is nothing to say it in.
            await using var hesitant = await hub.ConnectAsync();
            await hesitant.SendAsync([0x16, 3, 1, 2]);
            await hub.SettleAsync();
            await hub.PassAsync(2.5 * Second);
            await hesitant.ExpectNothingAsync();
            await hub.AdvanceUntilAsync(hesitant.ReadToEndAsync(), Second);
        }

        await ExpectServedAsync(spoken, user);
    }

    private static async Task RelayRateAsync(SpokenProtocol spoken)
    {
        await using var hub = await StartAsync(spoken, new() { RelaysPerSecond = 2 });
        await using var receiver = await spoken.JoinAsync(hub);
        await using var user = await spoken.JoinAsync(hub);
        await user.SendAsync([.. Enumerable.Range(1, 6).Select(i => spoken.Relay([receiver.UserId], i))]);
        await ExpectPacedAsync(hub, user, receiver, 6, i => spoken.ExpectMessageAsync(receiver, user.UserId, i));
        await ExpectServedAsync(spoken, user);
    }

    private static async Task ByteRateAsync(SpokenProtocol spoken)
    {
        await using var hub = await StartAsync(spoken, new() { BytesPerSecond = 1_000 });
        await using var one = await spoken.JoinAsync(hub);
        await using var two = await spoken.JoinAsync(hub);
        await using var user = await spoken.JoinAsync(hub);

        // Two receivers count twice: the second relay owes a fifth of a second, and the third waits for that.
        byte[] relay = spoken.Relay([one.UserId, two.UserId], 300);
        await user.SendAsync(relay, relay, relay);
        await spoken.ExpectMessageAsync(one, user.UserId, 300);
        await spoken.ExpectMessageAsync(one, user.UserId, 300);
        await one.ExpectNothingAsync();
        await hub.AdvanceUntilAsync(spoken.ExpectMessageAsync(one, user.UserId, 300), TimeSpan.FromMilliseconds(100));

        await hub.PassAsync(3 * Second);
        await user.SendAsync(spoken.Relay([one.UserId, two.UserId], 1_501), spoken.Relay([one.UserId], 1));
        await spoken.ExpectErrorAsync(user, Limit.Of(LimitKind.ByteRate).Code);
        await spoken.ExpectMessageAsync(one, user.UserId, 1);
        await ExpectServedAsync(spoken, user);
    }

    private static async Task ListRateAsync(SpokenProtocol spoken)
    {
        await using var hub = await StartAsync(spoken, new() { ListsPerSecond = 2 });
        await using var user = await spoken.JoinAsync(hub);
        await user.SendAsync([.. Enumerable.Repeat(spoken.List, 6)]);
        await ExpectPacedAsync(hub, user, user, 6, _ => spoken.ExpectListAsync(user));
        await ExpectServedAsync(spoken, user);
    }

    private static async Task EchoRateAsync(SpokenProtocol spoken)
    {
        await using var hub = await StartAsync(spoken, new() { EchoesPerSecond = 2 });
        await using var user = await spoken.JoinAsync(hub);
        await user.SendAsync([.. Enumerable.Range(1, 6).Select(i => spoken.Echo($"{i}"))]);
        await ExpectPacedAsync(hub, user, user, 6, i => spoken.ExpectEchoAsync(user, $"{i}"));
    }

    private static async Task ErrorsAsync(SpokenProtocol spoken)
    {
        await using var hub = await StartAsync(spoken, new() { MaxErrorsPerMinute = 3 });
        await using var patient = await spoken.JoinAsync(hub);
        await using var user = await spoken.JoinAsync(hub);
        for (int i = 0; i < 3; i++)
        {
            await user.SendAsync(spoken.Wrong);
            await patient.SendAsync(spoken.Wrong);
            await spoken.ExpectWrongAsync(user);
            await spoken.ExpectWrongAsync(patient);
        }

        await user.SendAsync(spoken.Wrong);
        await spoken.ExpectWrongAsync(user);
        await spoken.ExpectEndAsync(user, Limit.Of(LimitKind.Errors).Code);

        await hub.PassAsync(60 * Second);
        await patient.SendAsync(spoken.Wrong);
        await spoken.ExpectWrongAsync(patient);
        await ExpectServedAsync(spoken, patient);
    }

    private static async Task ProgressAsync(SpokenProtocol spoken)
    {
        const int Least = 1_000;
        await using var hub = await StartAsync(spoken, new() { MinProgressBytes = Least });
        await using var receiver = await spoken.JoinAsync(hub);
        await using var user = await spoken.JoinAsync(hub);
        await spoken.BeginRelayAsync(hub, user, receiver.UserId, bytes: 40_000, sent: 30_000);
        await hub.SettleAsync();
        for (int i = 0; i < 3; i++)
        {
            await user.SendAsync(new byte[Least]);
            await hub.SettleAsync();
            await hub.PassAsync(25 * Second);
            await user.ExpectNothingAsync();
        }

        await user.SendAsync(new byte[10]);
        await hub.AdvanceUntilAsync(spoken.ExpectEndAsync(user, Limit.Of(LimitKind.Progress).Code), 5 * Second);
        await ExpectServedAsync(spoken, receiver);
    }

    private static async Task BodyAsync(SpokenProtocol spoken)
    {
        await using var hub = await StartAsync(spoken, new() { MaxBodyBytes = 1_000 });
        await using var receiver = await spoken.JoinAsync(hub);
        await using var user = await spoken.JoinAsync(hub);
        foreach (int bytes in (int[])[1_001, 20_000, 1_048_576])
        {
            await user.SendAsync(spoken.Relay([receiver.UserId], bytes), spoken.Relay([receiver.UserId], 1_000));
            await spoken.ExpectErrorAsync(user, Limit.Of(LimitKind.Body).Code);
            await spoken.ExpectMessageAsync(receiver, user.UserId, 1_000);
        }

        await ExpectServedAsync(spoken, user);
    }

    private static async Task ReceiversAsync(SpokenProtocol spoken)
    {
        await using var hub = await StartAsync(spoken, new() { MaxReceivers = 2 });
        await using var receiver = await spoken.JoinAsync(hub);
        await using var user = await spoken.JoinAsync(hub);
        await user.SendAsync(
            spoken.Relay([receiver.UserId, receiver.UserId, receiver.UserId], 5), spoken.Relay([receiver.UserId, receiver.UserId], 7));
        await spoken.ExpectErrorAsync(user, Limit.Of(LimitKind.Receivers).Code);
        await spoken.ExpectMessageAsync(receiver, user.UserId, 7);
        await ExpectServedAsync(spoken, user);
    }

    /// <summary>Two at once, one that owes, and the rest when the clock has moved: all of them, in their order.</summary>
    private static async Task ExpectPacedAsync(RunningHub hub, RawConnection sender, RawConnection seen, int count, Func<int, Task> expect)
    {
        for (int i = 1; i <= 3; i++)
        {
            await expect(i);
        }

        await seen.ExpectNothingAsync();
        await sender.ExpectNothingAsync();
        for (int i = 4; i <= count; i++)
        {
            await hub.AdvanceUntilAsync(expect(i), TimeSpan.FromMilliseconds(250));
        }

        await hub.PassAsync(3 * Second);
    }

    private static async Task<RawConnection?> TryJoinAsync(SpokenProtocol spoken, RunningHub hub)
    {
        try
        {
            return await spoken.JoinAsync(hub);
        }
        catch (Exception refused) when (refused is Xunit.Sdk.XunitException or IOException)
        {
            return null;
        }
    }

    private static async Task ExpectServedAsync(SpokenProtocol spoken, RawConnection user)
    {
        await user.SendAsync(spoken.Echo("still here"));
        await spoken.ExpectEchoAsync(user, "still here");
    }
}
