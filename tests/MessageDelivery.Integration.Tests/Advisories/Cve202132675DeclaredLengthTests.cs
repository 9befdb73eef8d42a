using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Advisories;

/// <summary>
/// Redis CVE-2021-32675: before authentication, the declared number and lengths of a request's arguments made the server reserve
/// memory for them, on many connections at once.
/// </summary>
public sealed class Cve202132675DeclaredLengthTests
{
    private const int Connections = 200;

    private static readonly byte[] HalfHello = [.. Frames.Header(FrameType.Hello, 0, 1, 8_220), .. "MDS1"u8];

    [Theory]
    [InlineData(FrameType.Relay, 1_050_624)]
    [InlineData(FrameType.Echo, 1_048_576)]
    [InlineData((FrameType)0x3F, 1_048_576)]
    public async Task A_length_that_is_only_declared_costs_nothing(FrameType type, uint length)
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { MemoryLimitBytes = 16 << 20, Heartbeat = TimeSpan.Zero });
        await using HealthyUsers healthy = await HealthyUsers.JoinAsync(hub);
        await healthy.AssertServedAsync();
        await hub.SettleAsync();
        long before = hub.UsedMemoryBytes;

        RawConnection[] attackers = await Task.WhenAll(Enumerable.Range(0, Connections).Select(_ => hub.BinaryAsync()));
        await Task.WhenAll(attackers.Select(attacker => attacker.SendAsync(Frames.Header(type, 0, 1, length), new byte[16])));
        await hub.SettleAsync();

        // 200 MiB were declared, 5 KiB were sent.
        Assert.InRange(hub.UsedMemoryBytes, 0, before + (4 << 20));
        await healthy.AssertServedAsync();
        Array.ForEach(attackers, attacker => attacker.Abort());
    }

    [Fact]
    public async Task What_has_come_of_it_is_what_it_costs()
    {
        const int Begun = 20_000;
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { MemoryLimitBytes = 64 << 20, Heartbeat = TimeSpan.Zero });
        await using HealthyUsers healthy = await HealthyUsers.JoinAsync(hub);
        await healthy.AssertServedAsync();
        await hub.SettleAsync();
        long before = hub.UsedMemoryBytes;

        RawConnection[] attackers = await Task.WhenAll(Enumerable.Range(0, 48).Select(_ => hub.BinaryAsync()));
        await Task.WhenAll(attackers.Select(attacker => attacker.SendAsync(Frames.Header(FrameType.Echo, 0, 0, 1_048_576), new byte[Begun])));
        await hub.SettleAsync();

        // 48 MiB were declared, 1 MiB was sent.
        Assert.InRange(hub.UsedMemoryBytes, 0, before + (12 << 20));
        await healthy.AssertServedAsync();
        Array.ForEach(attackers, attacker => attacker.Abort());
    }

    [Fact]
    public async Task Nor_does_it_before_anybody_is_let_in()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { MemoryLimitBytes = 8 << 20, Heartbeat = TimeSpan.Zero });
        await using HealthyUsers healthy = await HealthyUsers.JoinAsync(hub);
        await healthy.AssertServedAsync();
        await hub.SettleAsync();
        long before = hub.UsedMemoryBytes;

        RawConnection[] attackers = await Task.WhenAll(Enumerable.Range(0, Connections).Select(_ => hub.ConnectAsync()));
        await Task.WhenAll(attackers.Select(attacker => attacker.SendAsync(HalfHello)));
        await hub.SettleAsync();

        Assert.InRange(hub.UsedMemoryBytes, 0, before + (2 << 20));
        await healthy.AssertServedAsync();
        await Task.WhenAll(attackers.Select(attacker =>
            hub.AdvanceUntilAsync(attacker.ExpectGoodbyeAsync(ProtocolCode.HandshakeTimeout), TimeSpan.FromSeconds(1))));
        await healthy.AssertServedAsync();
        Array.ForEach(attackers, attacker => attacker.Abort());
    }
}
