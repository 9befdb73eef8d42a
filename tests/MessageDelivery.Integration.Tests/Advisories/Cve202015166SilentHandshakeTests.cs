using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Advisories;

/// <summary>
/// ZeroMQ CVE-2020-15166: a client that connected and did not go on with its handshake kept others, who were let in, from sending and
/// receiving.
/// </summary>
public sealed class Cve202015166SilentHandshakeTests
{
    private const int Connections = 64;

    public static TheoryData<string, byte[]> Beginnings => new()
    {
        { "nothing", [] },
        { "a byte of a HELLO", [1] },
        { "a header of a HELLO", Frames.Header(FrameType.Hello, 0, 1, 8_220) },
        { "a byte of TLS", [0x16] },
        { "half a method", "POS"u8.ToArray() },
        { "half a command", "relay"u8.ToArray() },
    };

    [Theory]
    [MemberData(nameof(Beginnings))]
    public async Task Who_stops_in_its_handshake_keeps_nobody_waiting(string what, byte[] beginning)
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });
        await using HealthyUsers healthy = await HealthyUsers.JoinAsync(hub);

        RawConnection[] attackers = await Task.WhenAll(Enumerable.Range(0, Connections).Select(_ => hub.ConnectAsync()));
        await Task.WhenAll(attackers.Select(attacker => attacker.SendAsync(beginning)));
        await hub.SettleAsync();

        for (int i = 0; i < 12; i++)
        {
            await healthy.AssertServedAsync();
            hub.Time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.NotEmpty(what);
        Array.ForEach(attackers, attacker => attacker.Abort());
    }

    [Fact]
    public async Task Nor_does_one_that_a_message_is_under_way_to()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });
        await using HealthyUsers healthy = await HealthyUsers.JoinAsync(hub);
        await using RawConnection watcher = await hub.BinaryAsync();
        await using RawConnection silent = await hub.SilentAsync(watcher);
        ulong id = watcher.UserId + 1;

        // A listener that has begun a HELLO: what comes for it meanwhile waits, and so must nobody else.
        await silent.SendAsync(Frames.Hello()[..9]);
        await hub.SettleAsync();
        for (ulong i = 0; i < 50; i++)
        {
            await watcher.SendAsync(Frames.Relay(id, new byte[65_536], i));
            await watcher.ExpectAsync(Frames.Receipt(i, Outcome.Accepted));
        }

        await healthy.AssertServedAsync();
        await hub.PassAsync(TimeSpan.FromSeconds(12));
        await healthy.AssertServedAsync();
    }
}
