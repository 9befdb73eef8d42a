using System.Text;
using MessageDelivery.Cli.Attacks;
using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests.Advisories;

/// <summary>
/// Postfix CVE-2023-51764, SMTP smuggling: what one server took for a part of a message's body, the next one took for its end, and what
/// followed for commands. Here only LF . LF and LF . CRLF end a body (protocol, section 3): a program that passes on the
/// words of others, and looks for these two, is safe.
/// </summary>
public sealed class Cve202351764SmugglingTests
{
    public static TheoryData<string> NoEnds => [.. SmuggledCommands.NoEnds];

    [Theory]
    [MemberData(nameof(NoEnds))]
    public async Task What_is_not_the_end_of_a_body_is_a_part_of_it(string end)
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });
        await using RawConnection receiver = await hub.BinaryAsync();
        string body = $"first{end}relay 1 SMUGGLED\nrelay\n1\nSMUGGLED\nquit\nlast";
        byte[] bytes = Frames.Utf8(body);

        // However it is cut: in one piece, and once at each byte around what is not an end.
        int begin = "first".Length, length = Encoding.UTF8.GetByteCount(end);
        foreach (int cut in (int[])[0, .. Enumerable.Range(begin, length + 2)])
        {
            await using RawConnection sender = await hub.TextAsync();
            await sender.SendAsync("relay\n1\n");
            await sender.LineAsync();
            await sender.SendAsync(bytes[..cut]);
            await hub.SettleAsync();
            await sender.SendAsync([.. bytes[cut..], .. "\n.\nidentity\n"u8]);

            await sender.ExpectLinesAsync($"[Server] Your ID is {sender.UserId}");
            await receiver.ExpectAsync(Frames.Delivery(sender.UserId, Unstuffed(body)));
        }

        await receiver.SendAsync(Frames.Identity);
        await receiver.ExpectAsync(Frames.IdentityReply(1));
    }

    [Theory]
    [InlineData("\n.\n")]
    [InlineData("\n.\r\n")]
    [InlineData("\r\n.\r\n")]
    [InlineData("\r\n.\n")]
    public async Task What_is_the_end_is_stuffed_by_who_passes_it_on_and_then_is_none(string end)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.BinaryAsync();
        await using RawConnection sender = await hub.TextAsync();
        string words = $"first{end}relay 1 SMUGGLED\nlast";
        string stuffed = words.Replace("\n.", "\n..", StringComparison.Ordinal);

        await sender.SendAsync($"relay\n1\n{stuffed}\n.\nidentity\n");

        await sender.ExpectLinesAsync("[Server] Your ID is 2");
        await receiver.ExpectAsync(Frames.Delivery(2, Frames.Utf8(words)));
        await receiver.SendAsync(Frames.Identity);
        await receiver.ExpectAsync(Frames.IdentityReply(1));
    }

    [Theory]
    [InlineData("\r")]
    [InlineData("\r\0")]
    [InlineData("\0")]
    [InlineData("\v")]
    [InlineData("\f")]
    [InlineData("\u0085")]
    [InlineData("\u2028")]
    public async Task Nothing_but_LF_ends_a_relay_of_one_line(string other)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.BinaryAsync();
        await using RawConnection sender = await hub.TextAsync();

        await sender.SendAsync($"relay 1 first{other}relay 1 SMUGGLED\nidentity\n");

        await sender.ExpectLinesAsync("[Server] Your ID is 2");
        await receiver.ExpectAsync(Frames.Delivery(2, Frames.Utf8($"first{other}relay 1 SMUGGLED")));
    }

    /// <summary>The body as the hub must take it: one dot less where a line begins with one.</summary>
    private static byte[] Unstuffed(string body) =>
        Frames.Utf8(string.Join('\n', body.Split('\n').Select(line => line.StartsWith('.') ? line[1..] : line)));
}
