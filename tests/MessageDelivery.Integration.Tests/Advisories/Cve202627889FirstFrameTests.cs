using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Advisories;

/// <summary>
/// nats-server 2026-03 (CVE-2026-27889): a frame with a length that was not checked made the server panic before authentication; and
/// 2026-28 (GHSA-q59r-vq66-pxc2): so did numbers in a request whose sum overflowed. Every header that a connection can begin with, and
/// every argument and flag of a request.
/// </summary>
public sealed class Cve202627889FirstFrameTests
{
    [Fact]
    public async Task No_first_frame_ends_the_hub()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });
        await using HealthyUsers healthy = await HealthyUsers.JoinAsync(hub);
        uint[] lengths = [0, 1, 3, 4, 8, 27, 28, 8_220, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF];
        var random = new Random(1);
        foreach (byte type in (byte[])[1, 2, 5, 8, 0x16, 0x41, 0x7F, 0x80, 0x82, 0xFE, 0xFF])
        {
            foreach (uint length in lengths)
            {
                byte[] payload = new byte[Math.Min(length, 64)];
                random.NextBytes(payload);
                await using RawConnection attacker = await hub.ConnectAsync();
                await attacker.SendAsync(
                    Frames.Header((FrameType)type, (byte)random.Next(256), (ushort)random.Next(65_536), length), payload);
                await attacker.SendAsync(Frames.Header((FrameType)type, 0, 1, length), payload, Frames.Header((FrameType)0, 0, 0, uint.MaxValue));
            }

            await healthy.AssertServedAsync();
        }
    }

    [Theory]
    [InlineData(FrameType.List)]
    [InlineData(FrameType.Identity)]
    [InlineData(FrameType.Heartbeat)]
    [InlineData(FrameType.Ack)]
    [InlineData(FrameType.Relay)]
    [InlineData((FrameType)0x3F)]
    public async Task No_argument_or_flag_of_a_request_does(FrameType type)
    {
        await using RunningHub hub = await RunningHub.StartAsync(options => options with { Limits = options.Limits with { MaxErrorsPerMinute = 0 } });
        await using HealthyUsers healthy = await HealthyUsers.JoinAsync(hub);
        await using RawConnection attacker = await hub.BinaryAsync();
        byte[] payload = type == FrameType.Ack ? Frames.Number(ulong.MaxValue) : [];
        foreach (ushort argument in (ushort[])[0, 1, 255, 256, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF])
        {
            for (int flags = 0; flags < 256; flags += 3)
            {
                await attacker.SendAsync(Frames.Build(type, (byte)flags, argument, payload));
            }
        }

        await attacker.SendAsync(Frames.Identity);
        while ((await attacker.FrameAsync()).Type != FrameType.IdentityReply)
        {
        }

        await healthy.AssertServedAsync();
    }
}
