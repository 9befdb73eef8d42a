using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests;

/// <summary>A connection that has sent nothing for 1 s is a listener, and what may still become of it.</summary>
public sealed class SilentListenerTests
{
    [Fact]
    public async Task A_listener_is_not_listed_before_1_s()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection watcher = await hub.BinaryAsync();
        await using RawConnection silent = await hub.ConnectAsync();
        await hub.SettleAsync();
        hub.Time.Advance(TimeSpan.FromMilliseconds(900));
        await hub.SettleAsync();

        Assert.Empty(await RunningHub.ListAsync(watcher));
        await silent.ExpectNothingAsync();
    }

    [Fact]
    public async Task A_listener_speaks_text_later_with_the_same_id()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });
        await using RawConnection other = await hub.BinaryAsync();
        await using RawConnection silent = await hub.SilentAsync(other);
        await hub.PassAsync(TimeSpan.FromMinutes(1));

        await silent.SendAsync("relay 1 hello\nidentity\n");

        await silent.ExpectAsync("[Server] Your ID is 2\n");
        await other.ExpectAsync(Frames.Delivery(2, "hello"u8.ToArray()));
    }

    [Fact]
    public async Task A_hello_hours_later_takes_the_listener_over()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });
        await using RawConnection other = await hub.BinaryAsync();
        await using RawConnection silent = await hub.SilentAsync(other);
        await hub.PassAsync(TimeSpan.FromHours(5));

        await silent.SendAsync(Frames.Hello());
        await silent.ExpectAsync(Frames.Welcome(2, 0));
        Assert.True(await RunningHub.ListAsync(other) is [2]);
        await other.SendAsync(Frames.Relay(2, [1, 2, 3]));

        await silent.ExpectAsync(Frames.Delivery(1, [1, 2, 3]));
    }

    [Fact]
    public async Task What_waited_for_a_hello_comes_after_its_welcome_in_order()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using RawConnection silent = await hub.SilentAsync(other);
        await silent.SendAsync(Frames.Hello()[..1]);
        await hub.SettleAsync();
        byte[] large = Frames.Pattern(300_000);
        await other.SendAsync(Frames.Relay(2, [1]), Frames.Relay(2, large), Frames.Relay(2, [], 9));
        await other.ExpectAsync(Frames.Receipt(9, Outcome.Accepted));
        await silent.ExpectNothingAsync();

        await silent.SendAsync(Frames.Hello()[1..]);

        await silent.ExpectAsync(Frames.Welcome(2), Frames.Delivery(1, [1]), Frames.Delivery(1, large), Frames.Delivery(1, []));
    }

    [Fact]
    public async Task A_listener_whose_hello_stops_half_way_leaves_after_10_s()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });
        await using RawConnection other = await hub.BinaryAsync();
        await using RawConnection silent = await hub.SilentAsync(other);
        await silent.SendAsync(Frames.Hello()[..9]);
        await hub.SettleAsync();
        await other.SendAsync(Frames.Relay(2, [1], 1));
        await other.ExpectAsync(Frames.Receipt(1, Outcome.Accepted));

        await hub.AdvanceUntilAsync(silent.ReadToEndAsync(), TimeSpan.FromSeconds(2));

        await hub.EventuallyAsync(async () => (await RunningHub.ListAsync(other)).Length == 0);
    }

    [Theory]
    [InlineData("HELLO")]
    [InlineData("TLS")]
    [InlineData("HTTP")]
    public async Task After_something_was_written_another_protocol_is_an_error(string protocol)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using RawConnection silent = await hub.SilentAsync(other);
        await other.SendAsync(Frames.Relay(2, "hi"u8.ToArray()));
        await silent.ExpectAsync("hi\n");

        await silent.SendAsync(protocol switch
        {
            "HELLO" => Frames.Hello(),
            "TLS" => [0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0],
            _ => "GET / HTTP/1.1\r\n\r\n"u8.ToArray(),
        });

        byte[] rest = await silent.ReadToEndAsync();
        Assert.DoesNotContain("Your ID", System.Text.Encoding.UTF8.GetString(rest), StringComparison.Ordinal);
        await hub.EventuallyAsync(async () => (await RunningHub.ListAsync(other)).Length == 0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_listener_that_sends_http_or_tls_leaves(bool tls)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using RawConnection silent = await hub.SilentAsync(other);

        await silent.SendAsync(tls ? [0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0] : "GET / HTTP/1.1\r\n\r\n"u8.ToArray());

        byte[] answer = await silent.ReadToEndAsync();
        Assert.Equal(tls ? (byte)0x15 : (byte)'H', answer[0]);
        await hub.EventuallyAsync(async () => (await RunningHub.ListAsync(other)).Length == 0);
    }

    [Fact]
    public async Task A_listener_that_half_closes_gets_what_is_queued_and_leaves()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using RawConnection silent = await hub.SilentAsync(other);
        await other.SendAsync(Frames.Relay(2, "hi"u8.ToArray(), 1));
        await other.ExpectAsync(Frames.Receipt(1, Outcome.Accepted));

        silent.HalfClose();

        await silent.ExpectAsync("hi\n");
        await silent.ExpectClosedAsync();
        await hub.EventuallyAsync(async () => (await RunningHub.ListAsync(other)).Length == 0);
    }

    [Fact]
    public async Task A_listener_is_never_cut_for_saying_nothing()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.FromSeconds(1) });
        await using RawConnection other = await hub.TextAsync();
        await using RawConnection silent = await hub.ConnectAsync();
        await hub.SettleAsync();
        await hub.PassAsync(TimeSpan.FromHours(1), 10);

        await hub.EventuallyAsync(async () =>
        {
            await other.SendAsync("list\n");
            return await other.LineAsync() == "[Server] Client IDs are 2";
        });
        await other.SendAsync("relay 2 hi\n");

        await silent.ExpectAsync("hi\n");
    }
}
