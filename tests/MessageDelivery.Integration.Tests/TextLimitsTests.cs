using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests;

/// <summary>Lines, ids and bodies of text users at, above and far above their limits.</summary>
public sealed class TextLimitsTests
{
    [Fact]
    public async Task A_line_without_end_is_answered_once_and_keeps_no_memory()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection person = await hub.TextAsync();
        byte[] piece = Frames.Utf8(new string('x', 1_000_000));
        for (int i = 0; i < 20; i++)
        {
            await person.SendAsync(piece);
        }

        await person.ErrorLineAsync("frame_too_large");
        await person.ExpectNothingAsync();
        await person.SendAsync("\nidentity\n");
        await person.ExpectLinesAsync("[Server] Your ID is 1");
    }

    [Theory]
    [InlineData(8_192, true)]
    [InlineData(8_193, false)]
    public async Task The_limit_of_a_line_holds_when_its_end_comes_later(int bytes, bool fits)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection person = await hub.TextAsync();
        string text = new('x', bytes - 5);
        await person.SendAsync("echo " + text);
        await hub.SettleAsync();
        await person.SendAsync("\r\nidentity\n");

        if (fits)
        {
            await person.ExpectLinesAsync(text, "[Server] Your ID is 1");
        }
        else
        {
            await person.ErrorLineAsync("frame_too_large");
            await person.ExpectLinesAsync("[Server] Your ID is 1");
        }
    }

    [Fact]
    public async Task A_body_too_long_is_thrown_away_up_to_its_end_and_not_taken_for_commands()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.BinaryAsync();
        await using RawConnection person = await hub.TextAsync();
        byte[] lines = Frames.Utf8(string.Concat(Enumerable.Repeat("relay 1 x\n", 200_000)));
        await person.SendAsync("relay\n1\n");
        await person.LineAsync();
        await person.SendAsync(lines, RawConnection.Patience);
        string error = await person.ErrorLineAsync("frame_too_large");
        Assert.Contains("1048576", error.Replace(",", "", StringComparison.Ordinal), StringComparison.Ordinal);
        await person.SendAsync(".\nrelay 1 after\n");

        await receiver.ExpectAsync(Frames.Delivery(2, "after"u8.ToArray()));
    }

    [Fact]
    public async Task A_body_too_long_and_without_mark_also_ends_by_a_pause()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection person = await hub.TextAsync();
        await person.SendAsync("relay\n1\n" + new string('x', 1_048_577));
        await person.ErrorLineAsync("frame_too_large");
        await hub.SettleAsync();
        hub.Time.Advance(TimeSpan.FromSeconds(1.1));
        await hub.SettleAsync();
        await person.SendAsync("identity\n");

        await person.ExpectLinesAsync("[Server] Your ID is 1");
    }

    [Theory]
    [InlineData("foo")]
    [InlineData("1,,2")]
    [InlineData("99999999999999999999")]
    public async Task An_error_names_the_value(string ids)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection person = await hub.TextAsync();
        await person.SendAsync($"relay\n{ids}\n.\nunheard-of\n");

        Assert.Contains(ids == "1,,2" ? "," : ids, await person.ErrorLineAsync("invalid_receivers"), StringComparison.Ordinal);
        Assert.Contains("unheard-of", await person.ErrorLineAsync("invalid_message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_error_that_waits_for_the_end_says_so()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection person = await hub.TextAsync();
        await person.SendAsync("relay\nfoo\n");

        Assert.Contains("\".\"", await person.ErrorLineAsync("invalid_receivers"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_error_quotes_no_more_than_a_person_reads()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection person = await hub.TextAsync();
        await person.SendAsync(new string('\u001b', 8_000) + "\n");

        Assert.InRange((await person.ErrorLineAsync("invalid_message")).Length, 1, 8_192);
    }

    [Fact]
    public async Task A_body_of_control_bytes_reaches_a_text_user_four_times_as_long()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.TextAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        byte[] body = new byte[Frames.MaxBodyBytes];
        Task sending = sender.SendAsync(Frames.Relay(1, body));

        await receiver.ExpectAsync(string.Concat(Enumerable.Repeat("\\x00", Frames.MaxBodyBytes)) + "\n");
        await sending;
    }
}
