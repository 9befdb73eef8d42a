using MessageDelivery.Cli.Attacks;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Advisories;

/// <summary>
/// nats-server 2026-23 (GHSA-g33f-6538-grxh): a token whose issuer was a key cut short made the server panic before authentication. On a
/// hub that lets everybody in a token means nothing: it is neither looked into nor the reason for anything, up to its largest size.
/// </summary>
public sealed class GhsaG33fTokenTests
{
    [Fact]
    public async Task No_token_harms_an_open_hub()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });
        await using HealthyUsers healthy = await HealthyUsers.JoinAsync(hub);
        foreach ((_, byte[] token) in HostileTokens.Create("a-good-token"))
        {
            await using RawConnection binary = await hub.ConnectAsync();
            await binary.SendAsync(Frames.Build(FrameType.Hello, 0, 1, "MDS1"u8.ToArray(), token));
            await binary.FrameAsync(FrameType.Welcome);
            await using RawConnection text = await hub.ConnectAsync();
            await text.SendAsync([.. "auth "u8, .. token, (byte)'\n']);
            Assert.StartsWith("[Server] ", await text.LineAsync(), StringComparison.Ordinal);
        }

        await healthy.AssertServedAsync();
    }

    [Fact]
    public async Task A_token_that_is_too_long_is_refused()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });
        await using HealthyUsers healthy = await HealthyUsers.JoinAsync(hub);
        await using RawConnection binary = await hub.ConnectAsync();
        await binary.SendAsync(Frames.Build(FrameType.Hello, 0, 1, "MDS1"u8.ToArray(), new byte[8_193]));
        await binary.FrameAsync(FrameType.GoodbyeReply);
        await binary.ExpectClosedAsync();
        await using RawConnection text = await hub.ConnectAsync();
        await text.SendAsync($"auth {new string('A', 8_193)}\n");
        await text.ErrorLineAsync("frame_too_large");

        await healthy.AssertServedAsync();
    }
}
