using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Advisories;

/// <summary>
/// nats-server 2026-16 (GHSA-38x3-76xf-cq45) and 2026-24 (GHSA-hmmp-q8cx-v964): a request that came before CONNECT took a shorter way
/// through the parser, past authentication and the restrictions of a user. Here nothing is a frame before HELLO.
/// </summary>
public sealed class Ghsa38x3FastPathTests
{
    [Theory]
    [InlineData(FrameType.Echo)]
    [InlineData(FrameType.Identity)]
    [InlineData(FrameType.List)]
    [InlineData(FrameType.Relay)]
    [InlineData(FrameType.Ack)]
    [InlineData(FrameType.Heartbeat)]
    [InlineData(FrameType.Goodbye)]
    public async Task A_request_before_hello_is_not_carried_out(FrameType type)
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });
        await using HealthyUsers healthy = await HealthyUsers.JoinAsync(hub);
        byte[] request = type == FrameType.Relay ? Frames.Relay(healthy.Receiver.UserId, "fast"u8.ToArray(), 1) : Frames.Build(type);
        await using RawConnection attacker = await hub.ConnectAsync();

        await attacker.SendAsync(request, Frames.Hello(), request, "\n"u8.ToArray());

        // It is a line of text, and a wrong one: no WELCOME, no receipt, no list.
        await attacker.ErrorLineAsync("invalid_message");
        await healthy.AssertNothingCameAsync();
        await healthy.AssertServedAsync();
    }

    [Fact]
    public async Task A_refused_hello_carries_nothing_out_that_follows_it()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });
        await using HealthyUsers healthy = await HealthyUsers.JoinAsync(hub);
        byte[] relay = Frames.Relay(healthy.Receiver.UserId, "fast"u8.ToArray(), 1);
        byte[][] refused =
        [
            Frames.Build(FrameType.Hello, 0, 2, "MDS1"u8.ToArray()),
            Frames.Build(FrameType.Hello, 0, 1, "MDS9"u8.ToArray()),
            Frames.Build(FrameType.Hello, 0x80, 1, "MDS1"u8.ToArray()),
            Frames.Build(FrameType.Hello, 0, 1),
        ];
        foreach (byte[] hello in refused)
        {
            await using RawConnection attacker = await hub.ConnectAsync();
            await attacker.SendAsync(hello, relay, Frames.Hello(), relay);

            await attacker.FrameAsync(FrameType.GoodbyeReply);
            await attacker.ExpectClosedAsync();
        }

        await healthy.AssertNothingCameAsync();
        await healthy.AssertServedAsync();
    }
}
