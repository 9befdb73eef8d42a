using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests.Advisories;

/// <summary>
/// nats-server 2026-02 (CVE-2026-27571, a compression bomb), 2026-11 (CVE-2026-33219) and 2026-25 (GHSA-r72h-j7qq-v6qg, MQTT CONNECT
/// packets that are never whole): before authentication a client could have the server keep as much as it sent, or more. Here nothing is
/// ever unpacked, and whoever sends without coming to an end is cut, answered once or made to wait.
/// </summary>
public sealed class Cve202633219MemoryBeforeAuthTests
{
    private const int Connections = 8;
    private const int BytesEach = 8 << 20;

    public static TheoryData<string, byte[]> Beginnings => new()
    {
        { "a line", [] },
        { "a token", "auth "u8.ToArray() },
        { "an HTTP header", "GET / HTTP/1.1\r\nX: "u8.ToArray() },
        { "an upgrade with compression", "GET /mqtt HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"u8.ToArray() },
        { "a HELLO of another protocol", [0x10, 0xFF, 0xFF, 0xFF, 0x7F, 0, 4] },
        { "a HELLO that is too long", Frames.Header(MessageDelivery.Protocol.FrameType.Hello, 0, 1, 8_221) },
        { "records of TLS", [0x16, 3, 1, 0x40, 0] },
    };

    [Theory]
    [MemberData(nameof(Beginnings))]
    public async Task Who_sends_without_end_before_it_is_let_in_fills_nothing(string what, byte[] beginning)
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { MemoryLimitBytes = 16 << 20, Heartbeat = TimeSpan.Zero });
        await using HealthyUsers healthy = await HealthyUsers.JoinAsync(hub);
        await healthy.AssertServedAsync();
        await hub.SettleAsync();
        long before = hub.UsedMemoryBytes;
        byte[] piece = new byte[65_536];
        Array.Fill(piece, (byte)'x');

        RawConnection[] attackers = await Task.WhenAll(Enumerable.Range(0, Connections).Select(_ => hub.ConnectAsync()));
        await Task.WhenAll(attackers.Select(attacker => FloodAsync(attacker, beginning, piece)));
        await hub.SettleAsync();

        Assert.InRange(hub.UsedMemoryBytes, 0, before + (4 << 20));
        await healthy.AssertServedAsync();
        Assert.NotEmpty(what);
        Array.ForEach(attackers, attacker => attacker.Abort());
    }

    private static async Task FloodAsync(RawConnection attacker, byte[] beginning, byte[] piece)
    {
        try
        {
            await attacker.SendAsync(beginning);
            for (int sent = 0; sent < BytesEach; sent += piece.Length)
            {
                await attacker.SendAsync(piece);
            }
        }
        catch (System.Net.Sockets.SocketException)
        {
            // The hub has ended it.
        }
    }
}
