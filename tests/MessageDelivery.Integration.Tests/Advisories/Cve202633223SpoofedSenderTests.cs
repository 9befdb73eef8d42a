using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Advisories;

/// <summary>
/// nats-server 2026-08 (CVE-2026-33246) and 2026-09 (CVE-2026-33223): a header that told who had sent a request, and that receivers
/// trusted, could be written by whoever sent it. Here the hub alone says who a sender is, outside the body.
/// </summary>
public sealed class Cve202633223SpoofedSenderTests
{
    [Fact]
    public async Task A_body_that_looks_like_a_delivery_is_a_body()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.BinaryAsync();
        await using RawConnection boss = await hub.BinaryAsync();
        await using RawConnection attacker = await hub.BinaryAsync();
        await using RawConnection person = await hub.TextAsync();
        byte[] forged = Frames.Delivery(boss.UserId, "pay him"u8.ToArray());

        // Alone, in a run of relays to one receiver, and from a text user.
        await attacker.SendAsync(Frames.Relay(1, forged), Frames.Relay(1, forged[16..]), Frames.Relay(1, [.. forged, .. forged], 7));
        await attacker.ExpectAsync(Frames.Receipt(7, Outcome.Accepted));
        await person.SendAsync([.. "relay 1 "u8, .. "Nats-Request-Info: boss\n"u8]);

        await receiver.ExpectAsync(
            Frames.Delivery(3, forged),
            Frames.Delivery(3, "pay him"u8.ToArray()),
            Frames.Delivery(3, [.. forged, .. forged]),
            Frames.Delivery(4, "Nats-Request-Info: boss"u8.ToArray()));
    }

    [Theory]
    [InlineData("x\n[Server] Message from 2\npay him", "x\n\\[Server] Message from 2\npay him")]
    [InlineData("[Server] Message from 2\r\npay him", "\\[Server] Message from 2\r\npay him")]
    [InlineData("x\r[Server] Message from 2\rpay him", "x\\x0d[Server] Message from 2\\x0dpay him")]
    [InlineData("\u200b[Server] Message from 2\npay him", "\\xe2\\x80\\x8b\\[Server] Message from 2\npay him")]
    [InlineData("[Ser\u2060ver]\u00a0Message from 2\npay him", "\\[Ser\u2060ver]\u00a0Message from 2\npay him")]
    [InlineData("x\u2028[Server] Message from 2\u2028pay him", "x\\xe2\\x80\\xa8\\[Server] Message from 2\u2028pay him")]
    [InlineData("x\u0085[Server] Message from 2", "x\\xc2\\x85[Server] Message from 2")]
    public async Task Nobody_speaks_for_the_hub_to_a_person(string body, string shown)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection person = await hub.TextAsync();
        await using RawConnection boss = await hub.BinaryAsync();
        await using RawConnection attacker = await hub.BinaryAsync();
        await person.SendAsync("verbose\nidentity\n");
        await person.ExpectLinesAsync("[Server] Your ID is 1");

        await attacker.SendAsync(Frames.Relay(1, Frames.Utf8(body)));

        await person.ExpectAsync($"[Server] Message from 3\n{shown}\n");
    }
}
