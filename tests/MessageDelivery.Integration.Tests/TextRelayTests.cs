using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests;

/// <summary>How a text user's relay ends, and who sees what, beyond the transcripts of the vectors.</summary>
public sealed class TextRelayTests
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task A_conversation_cut_at_every_byte_is_the_same_conversation()
    {
        const string Commands = "relay\r\n1, 9\r\nfoo\r\n..\r\n.\r\nrelay 1 one line\necho \t!\nlist\n";
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.BinaryAsync();
        await using RawConnection sender = await hub.TextAsync();
        for (int cut = 1; cut < Commands.Length; cut++)
        {
            await sender.SendAsync(Commands[..cut]);
            await Task.Delay(2);
            await sender.SendAsync(Commands[cut..]);

            string first = await sender.LineAsync();
            if (first == "[Server] Type the body, then a line with only \".\"")
            {
                first = await sender.LineAsync();
            }

            Assert.Equal("[Server] Not delivered to 9: unknown", first);
            await sender.ExpectLinesAsync("\t!", "[Server] Client IDs are 1");
            await receiver.ExpectAsync(Frames.Delivery(2, "foo\r\n."u8.ToArray()), Frames.Delivery(2, "one line"u8.ToArray()));
        }
    }

    [Fact]
    public async Task A_typed_body_never_ends_by_a_pause()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });
        await using RawConnection receiver = await hub.BinaryAsync();
        await using RawConnection sender = await hub.TextAsync();
        await sender.SendAsync("relay\n1\n");
        await sender.ExpectLinesAsync("[Server] Type the body, then a line with only \".\"");
        await sender.SendAsync("foo\n");
        await hub.SettleAsync();
        await hub.PassAsync(TimeSpan.FromMinutes(10));
        await receiver.ExpectNothingAsync();

        await sender.SendAsync("bar\n.\n");

        await receiver.ExpectAsync(Frames.Delivery(2, "foo\nbar"u8.ToArray()));
    }

    [Fact]
    public async Task More_bytes_put_off_the_end_by_a_pause()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.BinaryAsync();
        await using RawConnection sender = await hub.TextAsync();
        await sender.SendAsync("relay\n1\none ");
        for (int i = 0; i < 5; i++)
        {
            await hub.SettleAsync();
            hub.Time.Advance(Pause * 0.6);
            await sender.SendAsync($"{i} ");
        }

        await receiver.ExpectNothingAsync();
        await hub.SettleAsync();

        await hub.AdvanceUntilAsync(receiver.ExpectAsync(Frames.Delivery(2, "one 0 1 2 3 4 "u8.ToArray())), Pause);
    }

    [Fact]
    public async Task A_body_begun_together_may_still_end_with_its_mark()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.BinaryAsync();
        await using RawConnection sender = await hub.TextAsync();
        await sender.SendAsync("relay\n1\nfoo\n");
        await hub.SettleAsync();
        await sender.SendAsync("bar\n.\nidentity\n");

        await receiver.ExpectAsync(Frames.Delivery(2, "foo\nbar"u8.ToArray()));
        await sender.ExpectLinesAsync("[Server] Your ID is 2");
        await hub.PassAsync(Pause * 3);
        await receiver.ExpectNothingAsync();
    }

    [Fact]
    public async Task A_relay_behind_other_commands_in_one_write_also_ends_by_a_pause()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.BinaryAsync();
        await using RawConnection sender = await hub.TextAsync();
        await sender.SendAsync("identity\nrelay\n1\nfoo");
        await sender.ExpectLinesAsync("[Server] Your ID is 2");

        await hub.AdvanceUntilAsync(receiver.ExpectAsync(Frames.Delivery(2, "foo"u8.ToArray())), Pause);
        await sender.SendAsync("identity\n");
        await sender.ExpectLinesAsync("[Server] Sent after a pause of 1 s; a line with only \".\" ends a body at once", "[Server] Your ID is 2");
    }

    [Theory]
    [InlineData("relay\n1\n", "foo\n.\n", "foo")]
    [InlineData("relay\n1", "\nfoo\n.\n", "foo")]
    [InlineData("relay", "\n1\nfoo\n.\n", "foo")]
    [InlineData("relay 1", " foo\n", "foo")]
    [InlineData("relay 1 ", "foo\n", "foo")]
    [InlineData("relay\n1\nfoo\n.", "\n", "foo")]
    [InlineData("relay\n1\nfoo\n.", ".\n.\n", "foo\n.")]
    [InlineData("relay\n1\nfoo\r", "\n.\r\n", "foo")]
    public async Task The_place_of_a_cut_does_not_change_the_body(string first, string rest, string body)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.BinaryAsync();
        await using RawConnection sender = await hub.TextAsync();
        await sender.SendAsync(first);
        await hub.SettleAsync();
        await sender.SendAsync(rest);

        await receiver.ExpectAsync(Frames.Delivery(2, Frames.Utf8(body)));
    }

    [Fact]
    public async Task Half_close_answers_everything_before_it_ends()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection sender = await hub.ConnectAsync();
        await sender.SendAsync("relay 1 first\nrelay\n1\nsecond\n.\necho third\nlist");
        sender.HalfClose();

        await sender.ExpectLinesAsync("first", "second", "third", "[Server] Client IDs are ");
        await sender.ExpectClosedAsync(orderly: true);
    }

    [Fact]
    public async Task Quit_writes_megabytes_that_are_queued()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.TextAsync(receiveBufferBytes: 8_192);
        await using RawConnection sender = await hub.BinaryAsync();
        byte[] body = Frames.Utf8(new string('x', Frames.MaxBodyBytes - 1) + "\n");
        for (ulong i = 0; i < 12; i++)
        {
            await sender.SendAsync(Frames.Relay(1, body, i));
            await sender.ExpectAsync(Frames.Receipt(i, Outcome.Accepted));
        }

        await receiver.SendAsync("quit\n");

        await receiver.ExpectAsync([.. Enumerable.Repeat(body, 12)]);
        await receiver.ExpectClosedAsync(orderly: true);
    }

    [Fact]
    public async Task Verbose_is_each_users_own_and_follows_the_order()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection loud = await hub.TextAsync();
        await using RawConnection quiet = await hub.TextAsync();
        await using RawConnection binary = await hub.BinaryAsync();
        await loud.SendAsync("verbose\nidentity\n");
        await loud.ExpectLinesAsync("[Server] Your ID is 1");

        await binary.SendAsync(Frames.Relay([1, 2], "a"u8.ToArray()), Frames.Relay([1, 2], "b\nc"u8.ToArray()));

        await loud.ExpectLinesAsync("[Server] Message from 3", "a", "[Server] Message from 3", "b", "c");
        await quiet.ExpectLinesAsync("a", "b", "c");
    }

    [Fact]
    public async Task A_line_that_speaks_for_the_hub_is_marked_however_the_body_arrived()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.TextAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        byte[] relay = Frames.Relay(1, "x\n[Server] \r\n[Server] Your ID is 9"u8.ToArray());
        for (int cut = 20; cut < relay.Length; cut++)
        {
            await sender.SendAsync(relay[..cut]);
            await Task.Delay(1);
            await sender.SendAsync(relay[cut..]);
            await receiver.ExpectAsync("x\n\\[Server] \r\n\\[Server] Your ID is 9\n");
        }
    }

    [Fact]
    public async Task The_body_of_one_relay_does_not_begin_in_the_line_of_another()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.TextAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        await sender.SendAsync(Frames.Relay(1, "foo\r"u8.ToArray()), Frames.Relay(1, "\n[Server] x"u8.ToArray()));

        await receiver.ExpectAsync("foo\\x0d\n\n\\[Server] x\n");
    }

    [Theory]
    [InlineData("\u001b[2Jx")]
    [InlineData("x\u0085y\u007fz\rw")]
    public async Task Input_quoted_in_errors_is_shown_as_text(string command)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection person = await hub.ConnectAsync();
        await person.SendAsync(command + "\nrelay\n" + command + "\n.\nidentity\n");

        string first = await person.ErrorLineAsync("invalid_message");
        string second = await person.ErrorLineAsync("invalid_receivers");

        Assert.DoesNotContain(first + second, c => char.IsControl(c));
        await person.ExpectLinesAsync("[Server] Your ID is 1");
    }
}
