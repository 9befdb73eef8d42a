using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Advisories;

/// <summary>
/// nats-server 2026-04 (CVE-2026-29785), 2026-10 (CVE-2026-33218) and 2026-19 (GHSA-3g5q-cfh2-cq67): what came in a handshake in the
/// wrong order, malformed or twice met state that was not there yet, and the server panicked; the first two were fixed incompletely.
/// </summary>
public sealed class Cve202629785HandshakeOrderTests
{
    public static TheoryData<string, byte[][]> Handshakes => new()
    {
        { "twice in one write", [[.. Frames.Hello(), .. Frames.Hello()]] },
        { "twice, resumable", [Frames.HelloResumable(), Frames.HelloResumable()] },
        { "a resume of nothing, twice", [Frames.HelloResume(new byte[16], 0), Frames.HelloResume(new byte[16], ulong.MaxValue)] },
        { "a resume behind a HELLO", [[.. Frames.Hello(), .. Frames.HelloResume(new byte[16], 1)]] },
        { "a resume without a key", [Frames.Build(FrameType.Hello, 2, 1, "MDS1"u8.ToArray())] },
        { "a resume with half a key", [Frames.Build(FrameType.Hello, 3, 1, "MDS1"u8.ToArray(), new byte[9])] },
        { "a wrong magic", [Frames.Build(FrameType.Hello, 0, 1, "MDS2"u8.ToArray()), Frames.Hello()] },
        { "another version", [Frames.Build(FrameType.Hello, 0, 0xFFFF, "MDS1"u8.ToArray()), Frames.Hello()] },
        { "every flag", [Frames.Build(FrameType.Hello, 0xFF, 1, "MDS1"u8.ToArray(), new byte[24])] },
        { "acknowledgements before anything", [[.. Frames.HelloResumable(), .. Frames.Ack(ulong.MaxValue), .. Frames.Ack(0)]] },
        { "the hub's own frames", [Frames.Welcome(1), Frames.Hello()] },
        { "a HELLO and the end", [[.. Frames.Hello(), .. Frames.Goodbye, .. Frames.Hello(), .. Frames.Relay(1, [1])]] },
        { "a HELLO inside text", [[.. "identity\n"u8, .. Frames.Hello()], Frames.Hello()] },
        { "TLS inside a HELLO", [Frames.Hello()[..4], [0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]] },
        { "HTTP behind a HELLO", [Frames.Hello(), "GET / HTTP/1.1\r\n\r\n"u8.ToArray()] },
    };

    [Theory]
    [MemberData(nameof(Handshakes))]
    public async Task No_order_of_handshakes_hurts_anybody_else(string what, byte[][] writes)
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });
        await using HealthyUsers healthy = await HealthyUsers.JoinAsync(hub);
        for (int cut = 0; cut < 24; cut += 5)
        {
            await using RawConnection attacker = await hub.ConnectAsync();
            foreach (byte[] write in writes)
            {
                await TrySendAsync(attacker, write[..Math.Min(cut, write.Length)]);
                await hub.SettleAsync();
                await TrySendAsync(attacker, write[Math.Min(cut, write.Length)..]);
            }

            await hub.SettleAsync();
        }

        await healthy.AssertNothingCameAsync();
        await healthy.AssertServedAsync();
        Assert.NotEmpty(what);
    }

    private static async Task TrySendAsync(RawConnection attacker, byte[] bytes)
    {
        try
        {
            await attacker.SendAsync(bytes);
        }
        catch (System.Net.Sockets.SocketException)
        {
            // The hub has ended it.
        }
    }
}
