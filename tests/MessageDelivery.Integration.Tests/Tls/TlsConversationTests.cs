using System.Security.Authentication;
using System.Security.Cryptography;
using MessageDelivery.Hub;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Tls;

/// <summary>Everything that is said in the clear can be said in TLS, on the same port.</summary>
public sealed class TlsConversationTests
{
    public static TheoryData<SslProtocols> Protocols => [SslProtocols.Tls12, SslProtocols.Tls13];

    [Theory]
    [MemberData(nameof(Protocols))]
    public async Task A_text_user_speaks_inside(SslProtocols protocol)
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection person = await (await hub.ConnectAsync()).SecureAsync(TestCertificates.Client(protocols: protocol));
        Assert.Equal(protocol, person.Tls!.SslProtocol);

        await person.SendAsync("identity\necho so be it\n");
        await person.ExpectAsync("[Server] Your ID is 1\nso be it\n");
        await person.SendAsync("quit\n");
        await person.ExpectClosedAsync(orderly: true);
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public async Task Bodies_of_1_MiB_pass_both_ways_and_among_encrypted_and_plain(SslProtocols protocol)
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection secure = await (await (await hub.ConnectAsync()).SecureAsync(TestCertificates.Client(protocols: protocol))).HelloAsync();
        await using RawConnection plain = await hub.BinaryAsync();
        byte[] body = RandomNumberGenerator.GetBytes(ProtocolLimits.MaxBodyBytes);
        for (int i = 0; i < 5; i++)
        {
            var sending = secure.SendAsync(Frames.Relay([plain.UserId, secure.UserId], body));
            await plain.ExpectAsync(Frames.Delivery(secure.UserId, body));
            await secure.ExpectAsync(Frames.Delivery(secure.UserId, body));
            await sending;
            await plain.SendAsync(Frames.Relay(secure.UserId, body));
            await secure.ExpectAsync(Frames.Delivery(plain.UserId, body));
        }
    }

    [Fact]
    public async Task A_silent_user_inside_is_listed_after_1_s_and_not_before_the_handshake()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection watcher = await hub.BinaryAsync();
        await using RawConnection silent = await (await hub.ConnectAsync()).SecureAsync(TestCertificates.Client());
        await hub.EventuallyAsync(async () => (await RunningHub.ListAsync(watcher)) is [2], TimeSpan.FromSeconds(1));

        await watcher.SendAsync(Frames.Relay(2, "psst\n"u8.ToArray()));

        await silent.ExpectAsync("psst\n");
    }

    [Fact]
    public async Task A_silent_user_who_turns_out_to_speak_tls_leaves_and_is_another_one_inside()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection watcher = await hub.BinaryAsync();
        await using RawConnection late = await hub.SilentAsync(watcher);

        await late.SecureAsync(TestCertificates.Client());
        await late.HelloAsync();

        Assert.Equal(3UL, late.UserId);
        await RunningHub.ExpectListAsync(watcher, 3);
    }

    [Fact]
    public async Task Http_inside_gets_an_http_answer_and_tls_inside_an_error()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection browser = await (await hub.ConnectAsync()).SecureAsync(TestCertificates.Client());
        await browser.SendAsync("GET / HTTP/1.1\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 404 ", await browser.LineAsync(), StringComparison.Ordinal);
        await browser.ReadToEndAsync();

        await using RawConnection twice = await (await hub.ConnectAsync()).SecureAsync(TestCertificates.Client());
        await twice.SendAsync([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]);
        await twice.ErrorLineAsync("unsupported");
        await twice.ExpectClosedAsync(orderly: true);
    }

    [Fact]
    public async Task Where_tls_is_required_who_speaks_in_the_clear_is_told_so()
    {
        await using RunningHub hub = await StartAsync(HubTlsMode.Required);
        await using RawConnection person = await hub.ConnectAsync();
        await person.SendAsync("identity\n");
        Assert.Contains("TLS only", await person.ErrorLineAsync("unsupported"), StringComparison.Ordinal);
        await person.ExpectClosedAsync();

        await using RawConnection program = await hub.ConnectAsync();
        await program.SendAsync(Frames.Hello());
        await program.ExpectGoodbyeAsync(ProtocolCode.Unsupported);
        await program.ExpectClosedAsync();

        await using RawConnection secure = await (await (await hub.ConnectAsync()).SecureAsync(TestCertificates.Client())).HelloAsync();
        Assert.Equal(1UL, secure.UserId);
    }

    [Fact]
    public async Task Where_tls_is_required_nobody_is_listed_for_being_silent()
    {
        await using RunningHub hub = await StartAsync(HubTlsMode.Required);
        await using RawConnection watcher = await (await (await hub.ConnectAsync()).SecureAsync(TestCertificates.Client())).HelloAsync();
        await using RawConnection silent = await hub.ConnectAsync();
        await hub.PassAsync(TimeSpan.FromSeconds(3), 3);
        await RunningHub.ExpectListAsync(watcher);

        await hub.AdvanceUntilAsync(silent.ErrorLineAsync("handshake_timeout"), TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task What_is_sent_in_one_write_with_the_handshake_s_end_is_not_lost()
    {
        await using RunningHub hub = await StartAsync();
        for (int i = 0; i < 20; i++)
        {
            await using RawConnection person = await (await hub.ConnectAsync()).SecureAsync(TestCertificates.Client());
            await person.SendAsync("echo a\n");
            await person.ExpectAsync("a\n");
        }
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public async Task Who_has_done_its_part_of_the_handshake_may_send_a_lot_at_once(SslProtocols protocol)
    {
        await using RunningHub hub = await StartAsync();
        byte[] payload = Frames.Pattern(ProtocolLimits.MaxBodyBytes);
        for (int i = 0; i < 10; i++)
        {
            await using RawConnection client = await (await hub.ConnectAsync()).SecureAsync(TestCertificates.Client(protocols: protocol));
            Task sending = client.SendAsync(Frames.Hello(), Frames.Echo(payload));
            await client.FrameAsync(FrameType.Welcome);
            await client.ExpectAsync(Frames.EchoReply(payload));
            await sending;
        }
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public async Task Who_has_done_its_part_of_the_handshake_may_say_all_and_end(SslProtocols protocol)
    {
        await using RunningHub hub = await StartAsync();
        for (int i = 0; i < 20; i++)
        {
            await using RawConnection person = await (await hub.ConnectAsync()).SecureAsync(TestCertificates.Client(protocols: protocol));
            await person.SendAsync("echo so be it\n");
            await person.CloseNotifyAsync();
            person.HalfClose();
            await person.ExpectAsync("so be it\n");
            await person.ExpectClosedAsync(orderly: true);
        }
    }

    [Fact]
    public async Task The_end_said_in_tls_is_like_a_half_close()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection receiver = await hub.BinaryAsync();
        await using RawConnection person = await (await hub.ConnectAsync()).SecureAsync(TestCertificates.Client());
        await person.SendAsync("verbose\nrelay 1\nabc");
        await person.CloseNotifyAsync();

        await receiver.ExpectAsync(Frames.Delivery(2, "abc"u8.ToArray()));
        await person.ExpectAsync("[Server] Relayed to 1\n");
        await person.ExpectClosedAsync(orderly: true);
    }

    [Fact]
    public async Task A_body_whose_end_was_not_said_in_tls_is_not_delivered()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection receiver = await hub.BinaryAsync();
        await using RawConnection person = await (await hub.ConnectAsync()).SecureAsync(TestCertificates.Client());
        await person.SendAsync("identity\n");
        await person.ExpectAsync("[Server] Your ID is 2\n");
        await person.SendAsync("relay 1\nto be cut");
        person.HalfClose();

        await person.ExpectClosedAsync();
        await RunningHub.ExpectListAsync(receiver);
    }

    [Fact]
    public async Task A_fan_out_reaches_encrypted_and_plain_text_and_binary()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection sender = await (await (await hub.ConnectAsync()).SecureAsync(TestCertificates.Client())).HelloAsync();
        await using RawConnection plain = await hub.BinaryAsync();
        await using RawConnection text = await hub.TextAsync();
        await using RawConnection secureText = await (await (await hub.ConnectAsync()).SecureAsync(TestCertificates.Client())).IdentifyAsync();
        await using RawConnection secure = await (await (await hub.ConnectAsync()).SecureAsync(TestCertificates.Client())).HelloAsync();
        for (int i = 0; i < 300; i++)
        {
            byte[] body = System.Text.Encoding.UTF8.GetBytes($"number {i}\n");
            await sender.SendAsync(Frames.Relay([plain.UserId, text.UserId, secureText.UserId, secure.UserId], body));
        }

        for (int i = 0; i < 300; i++)
        {
            byte[] body = System.Text.Encoding.UTF8.GetBytes($"number {i}\n");
            await plain.ExpectAsync(Frames.Delivery(1, body));
            await secure.ExpectAsync(Frames.Delivery(1, body));
            await text.ExpectAsync(body);
            await secureText.ExpectAsync(body);
        }
    }

    private static Task<RunningHub> StartAsync(HubTlsMode mode = HubTlsMode.Optional) =>
        RunningHub.StartAsync(options => options with { Tls = TestCertificates.Tls(mode) });
}
