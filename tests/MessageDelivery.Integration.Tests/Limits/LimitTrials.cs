using MessageDelivery.Hub.Limits;
using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests.Limits;

/// <summary>
/// For each limit and each stage at which it counts, what somebody sees who meets it, and somebody who does not. The words are the
/// protocol's.
/// </summary>
internal static class LimitTrials
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private static readonly Dictionary<(LimitKind, LimitStage), Func<SpokenProtocol, Task>> Trials = new()
    {
        [(LimitKind.Connections, LimitStage.Before)] = ConnectionsAsync,
        [(LimitKind.ConnectionsPerAddress, LimitStage.Before)] = ConnectionsPerAddressAsync,
        [(LimitKind.ConnectionRate, LimitStage.Before)] = ConnectionRateAsync,
        [(LimitKind.Handshake, LimitStage.Before)] = HandshakeAsync,
        [(LimitKind.RelayRate, LimitStage.After)] = RelayRateAsync,
        [(LimitKind.ByteRate, LimitStage.After)] = ByteRateAsync,
        [(LimitKind.ListRate, LimitStage.After)] = ListRateAsync,
        [(LimitKind.EchoRate, LimitStage.After)] = EchoRateAsync,
        [(LimitKind.Errors, LimitStage.After)] = ErrorsAsync,
        [(LimitKind.Progress, LimitStage.After)] = ProgressAsync,
        [(LimitKind.Body, LimitStage.After)] = BodyAsync,
        [(LimitKind.Receivers, LimitStage.After)] = ReceiversAsync,
    };

    /// <summary>
    /// Whether there are trials of limits that only count where users have to say who they are. Without such hubs there cannot be; the
    /// first trial of one of these limits makes all of them due.
    /// </summary>
    public static bool CoverAuthentication => Limit.All.Any(limit => limit.NeedsAuthentication && Trials.Keys.Any(key => key.Item1 == limit.Kind));

    public static Func<SpokenProtocol, Task>? Find(LimitKind kind, LimitStage stage) => Trials.GetValueOrDefault((kind, stage));

    public static IEnumerable<(LimitKind Kind, LimitStage Stage)> Keys => Trials.Keys;

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

        await hub.AdvanceUntilAsync(spoken.ExpectEndAsync(stranger, Limit.Of(LimitKind.Handshake).Code), Second);
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
        await using var hub = await StartAsync(spoken, new() { LeastProgressBytes = Least });
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
        catch (Xunit.Sdk.XunitException)
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
