using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Advisories;

/// <summary>
/// ZeroMQ CVE-2019-6250: a length near the largest number overflowed the sum of a pointer and a length, so that what followed was
/// written where it did not belong. Lengths and counts here at every place where a sum or a product could overflow.
/// </summary>
public sealed class Cve20196250LengthOverflowTests
{
    private static readonly uint[] Lengths =
        [0x7FFF_FFF7, 0x7FFF_FFF8, 0x7FFF_FFFF, 0x8000_0000, 0x8000_0008, 0xFFFF_FFF0, 0xFFFF_FFF7, 0xFFFF_FFF8, 0xFFFF_FFFF];

    public static TheoryData<byte> Types => [.. Enumerable.Range(0, 256).Select(type => (byte)type).Where(type => type is < 0x0C or 0x3F or 0x80 or 0x85 or 0xFF)];

    [Theory]
    [MemberData(nameof(Types))]
    public async Task A_length_that_overflows_ends_the_connection_and_nothing_else(byte type)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using HealthyUsers healthy = await HealthyUsers.JoinAsync(hub);
        foreach (uint length in Lengths)
        {
            await using RawConnection attacker = await hub.BinaryAsync();
            await attacker.SendAsync(Frames.Header((FrameType)type, 0, 1, length), Frames.Relay(healthy.Receiver.UserId, "overflowed"u8.ToArray()));

            await attacker.ExpectGoodbyeAsync(ProtocolCode.FrameTooLarge);
            await attacker.ReadToEndAsync();
        }

        await healthy.AssertNothingCameAsync();
        await healthy.AssertServedAsync();
    }

    [Fact]
    public async Task A_hello_of_any_such_length_is_refused()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using HealthyUsers healthy = await HealthyUsers.JoinAsync(hub);
        foreach (uint length in (uint[])[8_221, .. Lengths])
        {
            await using RawConnection attacker = await hub.ConnectAsync();
            await attacker.SendAsync(Frames.Header(FrameType.Hello, 0, 1, length), "MDS1"u8.ToArray());

            await attacker.ExpectGoodbyeAsync(ProtocolCode.FrameTooLarge);
            await attacker.ReadToEndAsync();
        }

        await healthy.AssertServedAsync();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(256)]
    [InlineData(8_192)]
    [InlineData(32_768)]
    [InlineData(65_535)]
    public async Task A_count_of_receivers_that_the_frame_has_no_room_for_is_an_error(ushort receivers)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using HealthyUsers healthy = await HealthyUsers.JoinAsync(hub);
        await using RawConnection attacker = await hub.BinaryAsync();
        foreach (int length in (int[])[0, 7, 8, 16, 4_096])
        {
            await attacker.SendAsync(Frames.Header(FrameType.Relay, 0, receivers, (uint)length), new byte[length]);
            await attacker.ExpectErrorAsync(ProtocolCode.InvalidReceivers);
        }

        await attacker.SendAsync(Frames.Identity);
        await attacker.ExpectAsync(Frames.IdentityReply(attacker.UserId));
        await healthy.AssertServedAsync();
    }

    [Theory]
    [InlineData("18446744073709551615")]
    [InlineData("18446744073709551616")]
    [InlineData("18446744073709551617")]
    [InlineData("340282366920938463463374607431768211457")]
    public async Task A_number_that_overflows_is_nobody(string id)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection first = await hub.BinaryAsync();
        await using RawConnection person = await hub.TextAsync();

        // 2^64 + 1 must not be taken for 1.
        await person.SendAsync($"relay {id} overflowed\nidentity\n");

        Assert.StartsWith("[Server] ", await person.LineAsync(), StringComparison.Ordinal);
        await person.ExpectLinesAsync("[Server] Your ID is 2");
        await first.SendAsync(Frames.Identity);
        await first.ExpectAsync(Frames.IdentityReply(1));
    }
}
