using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests;

/// <summary>
/// A body that a pause ends is a guess, since a stalled network looks the same (protocol, section 3): who stalls is told what became of
/// it, and nothing that was not meant so is carried out.
/// </summary>
public sealed class TextPauseTests
{
    private const string Sent = "[Server] Sent after a pause of 1 s; a line with only \".\" ends a body at once";

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task A_network_that_stalls_for_less_than_the_pause_changes_nothing()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.BinaryAsync();
        await using RawConnection sender = await hub.TextAsync();
        await sender.SendAsync("relay\n1\nfoo ");
        await hub.SettleAsync();
        hub.Time.Advance(Pause * 0.9);
        await hub.SettleAsync();
        await sender.SendAsync("bar\nrelay 1 evil\n.\nidentity\n");

        await receiver.ExpectAsync(Frames.Delivery(2, "foo bar\nrelay 1 evil"u8.ToArray()));
        await sender.ExpectLinesAsync("[Server] Your ID is 2");
    }

    [Fact]
    public async Task What_comes_after_the_pause_is_no_command_and_is_thrown_away_with_one_error()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.BinaryAsync();
        await using RawConnection sender = await hub.TextAsync();
        await SendAndPauseAsync(hub, sender, "relay\n1\nfoo ");
        await sender.ExpectLinesAsync(Sent);

        await sender.SendAsync("bar\nrelay 1 evil\nrelay\n1\nevil\n..\nquit\n.\nidentity\n");

        Assert.Contains("\"bar\"", await sender.ErrorLineAsync("invalid_message"), StringComparison.Ordinal);
        await sender.ExpectLinesAsync("[Server] Your ID is 2");
        await receiver.ExpectAsync(Frames.Delivery(2, "foo "u8.ToArray()));
        await receiver.ExpectNothingAsync();
    }

    [Theory]
    [InlineData(".\n")]
    [InlineData("\r\n\n.\r\n")]
    [InlineData("  \n.\n")]
    public async Task An_end_mark_that_comes_late_is_ignored(string late)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.BinaryAsync();
        await using RawConnection sender = await hub.TextAsync();
        await SendAndPauseAsync(hub, sender, "relay\n1\nfoo\n");
        await sender.ExpectLinesAsync(Sent);

        await sender.SendAsync(late + "identity\nnonsense\n");

        await sender.ExpectLinesAsync("[Server] Your ID is 2");
        Assert.Contains("unknown command", await sender.ErrorLineAsync("invalid_message"), StringComparison.Ordinal);
        await receiver.ExpectAsync(Frames.Delivery(2, "foo"u8.ToArray()));
    }

    [Fact]
    public async Task It_is_said_once_on_a_connection_and_before_whom_the_relay_reached()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.BinaryAsync();
        await using RawConnection sender = await hub.TextAsync();
        await sender.SendAsync("verbose\nidentity\n");
        await sender.ExpectLinesAsync("[Server] Your ID is 2");
        await SendAndPauseAsync(hub, sender, "relay\n1,9\nfoo\n");
        await sender.ExpectLinesAsync(Sent, "[Server] Not delivered to 9: unknown", "[Server] Relayed to 1");

        await SendAndPauseAsync(hub, sender, "relay\n1\nbar\n");

        await sender.ExpectLinesAsync("[Server] Relayed to 1");
        await receiver.ExpectAsync(Frames.Delivery(2, "foo"u8.ToArray()), Frames.Delivery(2, "bar"u8.ToArray()));
    }

    [Theory]
    [InlineData("relay\nx\nfoo\n", "invalid_receivers")]
    [InlineData("relay\n1\nfoo and more than ten\n", "frame_too_large")]
    public async Task The_rest_of_a_body_that_is_thrown_away_is_none_of_commands_either(string begun, string error)
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Limits = new() { MaxBodyBytes = 10 } });
        await using RawConnection receiver = await hub.BinaryAsync();
        await using RawConnection sender = await hub.TextAsync();
        await SendAndPauseAsync(hub, sender, begun);
        await sender.ErrorLineAsync(error);

        await sender.SendAsync("bar\nrelay 1 evil\n.\nidentity\n");

        await sender.ErrorLineAsync("invalid_message");
        await sender.ExpectLinesAsync("[Server] Your ID is 2");
        await receiver.ExpectNothingAsync();
    }

    [Fact]
    public async Task What_is_thrown_away_ends_by_the_next_pause_and_what_follows_is_judged_again()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.BinaryAsync();
        await using RawConnection sender = await hub.TextAsync();
        await SendAndPauseAsync(hub, sender, "relay\n1\nfoo\n");
        await sender.ExpectLinesAsync(Sent);
        for (int i = 0; i < 2; i++)
        {
            await SendAndPauseAsync(hub, sender, "bar\nrelay 1 evil\n");
            Assert.Contains(
                "thrown away", await sender.ErrorLineAsync("invalid_message"), StringComparison.Ordinal);
        }

        await sender.SendAsync("relay 1 meant so\n");

        await receiver.ExpectAsync(Frames.Delivery(2, "foo"u8.ToArray()), Frames.Delivery(2, "meant so"u8.ToArray()));
        await sender.ExpectNothingAsync();
    }

    [Fact]
    public async Task A_half_close_ends_what_is_thrown_away()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.BinaryAsync();
        await using RawConnection sender = await hub.TextAsync();
        await SendAndPauseAsync(hub, sender, "relay\n1\nfoo\n");
        await sender.ExpectLinesAsync(Sent);
        await sender.SendAsync("bar\nrelay 1 evil");
        sender.HalfClose();

        await sender.ErrorLineAsync("invalid_message");
        await sender.ExpectClosedAsync(orderly: true);
        await receiver.ExpectAsync(Frames.Delivery(2, "foo"u8.ToArray()));
        await receiver.ExpectNothingAsync();
    }

    [Fact]
    public async Task Time_in_which_the_hub_does_not_read_is_no_pause()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Limits = new() { RelaysPerSecond = 1 } });
        await using RawConnection receiver = await hub.BinaryAsync();
        await using RawConnection sender = await hub.TextAsync();

        // The second of the relays in one line is one too many: the rest waits, unread, until it is made up for.
        await sender.SendAsync("relay 1 a\nrelay 1 b\nrelay\n1\nfoo ");
        await receiver.ExpectAsync(Frames.Delivery(2, "a"u8.ToArray()), Frames.Delivery(2, "b"u8.ToArray()));
        await hub.SettleAsync();
        hub.Time.Advance(Pause * 1.1);
        await hub.SettleAsync();
        hub.Time.Advance(Pause * 0.8);
        await hub.SettleAsync();
        await sender.SendAsync("bar\n.\n");

        await hub.AdvanceUntilAsync(receiver.ExpectAsync(Frames.Delivery(2, "foo bar"u8.ToArray())), Pause);
        await sender.ExpectNothingAsync();
    }

    private static async Task SendAndPauseAsync(RunningHub hub, RawConnection sender, string text)
    {
        await sender.SendAsync(text);
        await hub.SettleAsync();
        // A loop looks at its deadlines every 16 ms.
        hub.Time.Advance(Pause * 1.1);
        await hub.SettleAsync();
    }
}
