using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests;

/// <summary>What the first bytes of a connection decide, and how long they may take.</summary>
public sealed class FirstByteTests
{
    [Fact]
    public async Task A_hello_that_stops_half_way_is_a_handshake_timeout_after_10_s()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection client = await hub.ConnectAsync();
        await client.SendAsync(Frames.Hello()[..9]);
        await hub.SettleAsync();

        await hub.PassAsync(TimeSpan.FromSeconds(9));
        await client.ExpectNothingAsync();

        await hub.AdvanceUntilAsync(client.ExpectGoodbyeAsync(ProtocolCode.HandshakeTimeout), TimeSpan.FromSeconds(1));
        await client.ExpectClosedAsync();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(11)]
    public async Task A_hello_has_10_s_in_all_however_its_bytes_trickle(int bytes)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection client = await hub.ConnectAsync();
        byte[] hello = Frames.Hello();
        for (int i = 0; i < bytes; i++)
        {
            await client.SendAsync([hello[i]]);
            await hub.PassAsync(TimeSpan.FromMilliseconds(700), 1);
        }

        await hub.AdvanceUntilAsync(client.ExpectGoodbyeAsync(ProtocolCode.HandshakeTimeout), TimeSpan.FromMilliseconds(700));
        await client.ExpectClosedAsync();
    }

    [Fact]
    public async Task Who_has_not_finished_its_hello_is_not_listed_after_1_s()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection watcher = await hub.BinaryAsync();
        await using RawConnection client = await hub.ConnectAsync();
        await client.SendAsync(Frames.Hello()[..9]);
        await hub.SettleAsync();
        await hub.PassAsync(TimeSpan.FromSeconds(3));

        Assert.Empty(await RunningHub.ListAsync(watcher));
        await client.SendAsync(Frames.Hello()[9..]);
        await client.ExpectAsync(Frames.Welcome(2));
    }

    [Theory]
    [InlineData("ide", "ntity\n")]
    [InlineData("identity", "\n")]
    public async Task A_person_may_type_a_line_for_as_long_as_it_takes(string first, string rest)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection person = await hub.ConnectAsync();
        await person.SendAsync(first);
        await hub.SettleAsync();
        await hub.PassAsync(TimeSpan.FromMinutes(3), 6);

        await person.SendAsync(rest);

        await person.ExpectAsync("[Server] Your ID is 1\n");
    }

    [Fact]
    public async Task A_text_user_with_half_a_line_is_listed_after_1_s()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection watcher = await hub.BinaryAsync();
        await using RawConnection person = await hub.ConnectAsync();
        await person.SendAsync("ident");
        Assert.Empty(await RunningHub.ListAsync(watcher));

        await hub.EventuallyAsync(
            async () => (await RunningHub.ListAsync(watcher)) is [2], TimeSpan.FromSeconds(1));

        await person.SendAsync("ity\n");
        await person.ExpectAsync("[Server] Your ID is 2\n");
    }

    [Theory]
    [InlineData("G")]
    [InlineData("GE")]
    [InlineData("DELETE")]
    [InlineData("CONNEC")]
    public async Task The_beginning_of_an_http_method_may_still_become_a_text_command(string start)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection person = await hub.ConnectAsync();
        await person.SendAsync(start);
        await hub.SettleAsync();
        await person.SendAsync("X y\n");

        await person.ErrorLineAsync("invalid_message");
        await person.SendAsync("identity\n");
        await person.ExpectAsync("[Server] Your ID is 1\n");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task An_http_method_is_recognised_however_it_is_cut(int cut)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection browser = await hub.ConnectAsync();
        const string Request = "GET / HTTP/1.1\r\nHost: hub\r\n\r\n";
        await browser.SendAsync(Request[..cut]);
        await hub.SettleAsync();
        await browser.SendAsync(Request[cut..]);

        Assert.StartsWith("HTTP/1.", await browser.LineAsync(), StringComparison.Ordinal);
        await browser.ReadToEndAsync();
    }

    [Fact]
    public async Task The_http_answer_is_whole_and_says_its_length_or_closes()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection browser = await hub.ConnectAsync();
        await browser.SendAsync("POST /x HTTP/1.1\r\nHost: hub\r\nContent-Length: 8\r\n\r\nrelay 1\n");

        string answer = System.Text.Encoding.UTF8.GetString(await browser.ReadToEndAsync());

        Assert.Matches(@"^HTTP/1\.[01] [45]\d\d ", answer);
        Assert.Contains("\r\n\r\n", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("[Server]", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tls_and_http_users_have_no_id()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection tls = await hub.ConnectAsync();
        await tls.SendAsync([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]);
        Assert.NotEmpty(await tls.ReadToEndAsync());
        await using RawConnection http = await hub.ConnectAsync();
        await http.SendAsync("GET / HTTP/1.1\r\n\r\n");
        Assert.NotEmpty(await http.ReadToEndAsync());

        await using RawConnection first = await hub.BinaryAsync();

        Assert.Equal(1UL, first.UserId);
        Assert.Empty(await RunningHub.ListAsync(first));
    }

    [Fact]
    public async Task An_id_is_never_used_again()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        for (ulong id = 1; id <= 5; id++)
        {
            await using RawConnection client = id % 2 == 0 ? await hub.TextAsync() : await hub.BinaryAsync();
            Assert.Equal(id, client.UserId);
        }
    }
}
