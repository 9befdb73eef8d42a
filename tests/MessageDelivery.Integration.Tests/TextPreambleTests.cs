using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests;

/// <summary>What programs send before the first command, and how telnet ends a line (protocol, section 3).</summary>
public sealed class TextPreambleTests
{
    private static byte[] ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>What a telnet client says first: WILL and DO of some options, and a subnegotiation with an escaped 255 and line ends.</summary>
    private static byte[] Negotiation =>
        [0xFF, 0xFB, 0x1F, 0xFF, 0xFD, 0x03, 0xFF, 0xFA, 0x1F, 0x0A, 0xFF, 0xFF, 0x0D, 0x0A, 0xFF, 0xF0, 0xFF, 0xF1];

    public static TheoryData<string> Preambles => ["mark", "telnet", "both"];

    [Theory]
    [MemberData(nameof(Preambles))]
    public async Task What_is_in_front_of_the_first_command_is_ignored_however_it_is_cut(string preamble)
    {
        byte[] first = [.. Preamble(preamble), .. "identity\n"u8];
        await using RunningHub hub = await RunningHub.StartAsync();
        for (int cut = 0; cut < first.Length; cut++)
        {
            await using RawConnection person = await hub.ConnectAsync();
            await person.SendAsync(first[..cut]);
            await Task.Delay(2);
            await person.SendAsync(first[cut..]);

            await person.ExpectLinesAsync($"[Server] Your ID is {cut + 1}");
        }
    }

    [Theory]
    [MemberData(nameof(Preambles))]
    public async Task It_says_nothing_by_itself(string preamble)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection person = await hub.ConnectAsync();
        await person.SendAsync(Preamble(preamble));
        await person.ExpectNothingAsync();
        person.HalfClose();

        await person.ExpectClosedAsync(orderly: true);
    }

    [Fact]
    public async Task Telnet_ends_lines_with_CR_NUL_but_never_a_line_of_a_body()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.BinaryAsync();
        await using RawConnection person = await hub.ConnectAsync();
        await person.SendAsync("identity\r\0echo foo\r\0relay\r\01\r\0foo\r\0.\r\0relay 1 evil\r\0\r\n.\r\nlist\r\0relay 1 a\r\0list\n");

        await person.ExpectLinesAsync("[Server] Your ID is 2", "foo", "[Server] Client IDs are 1");
        await receiver.ExpectAsync(
            Frames.Delivery(2, "foo\r\0.\r\0relay 1 evil\r\0"u8.ToArray()), Frames.Delivery(2, "a\r\0list"u8.ToArray()));
    }

    [Theory]
    [InlineData("\u200bidentity", "\\xe2\\x80\\x8bidentity")]
    [InlineData("iden\u00adtity", "iden\\xc2\\xadtity")]
    [InlineData("\u202eytitnedi", "\\xe2\\x80\\xaeytitnedi")]
    [InlineData("list\u00a0", "list\\xc2\\xa0")]
    [InlineData("\u3164", "\\xe3\\x85\\xa4")]
    [InlineData("Grüße", "Grüße")]
    public async Task What_cannot_be_seen_in_quoted_input_is_shown_as_bytes(string command, string shown)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection person = await hub.TextAsync();
        await person.SendAsync($"{command}\nrelay {command} x\n");

        Assert.Contains($"\"{shown}\"", await person.ErrorLineAsync("invalid_message"), StringComparison.Ordinal);
        Assert.Contains($"\"{shown}\"", await person.ErrorLineAsync("invalid_receivers"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_byte_order_mark_behind_the_first_command_is_none()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection person = await hub.TextAsync();
        await person.SendAsync("\ufeffidentity\n");

        Assert.Contains("\"\\xef\\xbb\\xbfidentity\"", await person.ErrorLineAsync("invalid_message"), StringComparison.Ordinal);
    }

    private static byte[] Preamble(string name) => name switch
    {
        "mark" => ByteOrderMark,
        "telnet" => Negotiation,
        _ => [.. Negotiation, .. ByteOrderMark],
    };
}
