using MessageDelivery.Hub.Access;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Access;

/// <summary>Who is let in where the hub demands a token, and what everybody else is told.</summary>
public sealed class TokenTests : IDisposable
{
    private readonly Tokens _tokens = new();
    private readonly string _alice;

    public TokenTests() => _alice = _tokens.Add("alice");

    public void Dispose() => _tokens.Dispose();

    [Fact]
    public async Task A_token_lets_in_programs_and_people()
    {
        await using var hub = await _tokens.StartHubAsync();
        var (binary, id) = await hub.EnterAsync(_alice);
        await using var first = binary;
        Assert.Equal(1UL, id);
        await using var text = await hub.ConnectAsync();
        await text.SendAsync($"auth {_alice}\nlist\nrelay 1 hi\n");
        await text.ExpectLinesAsync("[Server] Your ID is 2", "[Server] Client IDs are 1");
        await binary.ExpectAsync(Frames.Delivery(2, "hi"u8.ToArray()));
    }

    [Fact]
    public async Task Requests_behind_a_hello_are_carried_out_once_the_token_is_verified()
    {
        await using var hub = await _tokens.StartHubAsync();
        await using var user = await hub.ConnectAsync();
        await user.SendAsync(Frames.Hello(_alice), Frames.Echo([7]), Frames.Identity);
        await user.ExpectAsync(Frames.Welcome(1, heartbeat: 0), Frames.EchoReply([7]), Frames.IdentityReply(1));
    }

    [Fact]
    public async Task A_half_close_behind_the_token_takes_nothing_away()
    {
        await using var hub = await _tokens.StartHubAsync();
        await using var user = await hub.ConnectAsync();
        await user.SendAsync($"auth {_alice}\necho still here");
        user.HalfClose();
        await user.ExpectLinesAsync("[Server] Your ID is 1", "still here");
        await user.ExpectClosedAsync(orderly: true);
    }

    [Fact]
    public async Task A_hello_without_a_token_is_told_that_one_is_wanted()
    {
        await using var hub = await _tokens.StartHubAsync();
        await using var user = await hub.BinaryAsync("");
        Assert.Equal("this hub lets nobody in without a token", await user.GoodbyeTextAsync(ProtocolCode.AuthRequired));
        await user.ExpectClosedAsync();
    }

    [Theory]
    [InlineData("wrong")]
    [InlineData("mds_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public async Task A_wrong_token_ends_the_connection(string token)
    {
        await using var hub = await _tokens.StartHubAsync();
        await using var binary = await hub.BinaryAsync(token);
        Assert.Equal("the token is not one that this hub knows", await binary.GoodbyeTextAsync(ProtocolCode.AuthFailed));
        await binary.ExpectClosedAsync();

        await using var text = await hub.ConnectAsync();
        await text.SendAsync($"auth {token}\nidentity\n");
        await text.ExpectAsync("[Server] Error: auth_failed: the token is not one that this hub knows\n");
        await text.ExpectClosedAsync();
    }

    [Fact]
    public async Task Neither_a_part_of_a_token_nor_its_hash_lets_anybody_in()
    {
        await using var hub = await _tokens.StartHubAsync();
        foreach (string token in (string[])[_alice[..^1], _alice + "A", _alice.ToUpperInvariant(), TokenSecret.HashOf(_alice), "alice"])
        {
            await using var user = await hub.BinaryAsync(token);
            await user.ExpectGoodbyeAsync(ProtocolCode.AuthFailed);
        }
    }

    [Fact]
    public async Task A_token_of_8192_bytes_is_looked_at_and_one_more_is_not()
    {
        await using var hub = await _tokens.StartHubAsync();
        await using var longest = await hub.BinaryAsync(new string('x', 8_192));
        await longest.ExpectGoodbyeAsync(ProtocolCode.AuthFailed);
        await using var longer = await hub.BinaryAsync(new string('x', 8_193));
        await longer.ExpectGoodbyeAsync(ProtocolCode.ProtocolError);

        await using var line = await hub.ConnectAsync();
        await line.SendAsync($"auth {new string('x', 8_187)}\n");
        await line.ErrorLineAsync("auth_failed");
        await line.ExpectClosedAsync();
        await using var tooLong = await hub.ConnectAsync();
        await tooLong.SendAsync($"auth {new string('x', 8_188)}\nauth {_alice}\n");
        await tooLong.ErrorLineAsync("frame_too_large");

        // That was no token, and more than may come before one.
        await tooLong.ErrorLineAsync("auth_required");
        await tooLong.ExpectClosedAsync();
    }

    [Fact]
    public async Task A_person_who_says_something_else_is_told_what_to_say()
    {
        await using var hub = await _tokens.StartHubAsync();
        await using var user = await hub.ConnectAsync();
        await user.SendAsync($"list\nauth\nauth {_alice}\n");
        await user.ExpectLinesAsync(
            "[Server] Error: auth_required: this hub lets nobody in without a token; say: auth TOKEN",
            "[Server] Error: invalid_message: \"auth\" wants a token",
            "[Server] Your ID is 1");
    }

    [Fact]
    public async Task The_third_error_before_a_token_ends_the_connection()
    {
        await using var hub = await _tokens.StartHubAsync();
        await using var user = await hub.ConnectAsync();
        await user.SendAsync($"identity\nfoo\necho hi\nauth {_alice}\n");
        await user.ErrorLineAsync("auth_required");
        await user.ErrorLineAsync("invalid_message");
        await user.ErrorLineAsync("auth_required");
        await user.ExpectClosedAsync();
    }

    [Fact]
    public async Task Help_and_quit_need_no_token()
    {
        await using var hub = await _tokens.StartHubAsync();
        await using var user = await hub.ConnectAsync();
        await user.SendAsync("help\nquit\n");
        Assert.StartsWith("[Server] identity", System.Text.Encoding.UTF8.GetString(await user.ReadToEndAsync()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_stands_in_the_body_of_a_relay_is_no_command_before_a_token_either()
    {
        await using var hub = await _tokens.StartHubAsync();
        var (inside, _) = await hub.EnterAsync(_alice);
        await using var receiver = inside;
        await using var user = await hub.ConnectAsync();
        await user.SendAsync($"relay\n1\nauth {_alice}\nidentity\n.\nrelay 1 hi\nauth {_alice}\n");
        await user.ErrorLineAsync("auth_required");
        await user.ErrorLineAsync("auth_required");
        await user.ExpectLinesAsync("[Server] Your ID is 2");
        await receiver.ExpectNothingAsync();
    }

    [Fact]
    public async Task Before_a_token_nobody_is_listed_or_reached_however_long_it_is_silent()
    {
        await using var hub = await _tokens.StartHubAsync();
        var (inside, _) = await hub.EnterAsync(_alice);
        await using var watcher = inside;
        await using var silent = await hub.ConnectAsync();
        await using var talker = await hub.ConnectAsync();
        await talker.SendAsync("list\n");
        await talker.ErrorLineAsync("auth_required");
        await hub.PassAsync(TimeSpan.FromSeconds(5));

        await RunningHub.ExpectListAsync(watcher);
        await watcher.SendAsync(Frames.Relay([2, 3], [1], correlation: 9));
        await watcher.ExpectAsync(Frames.Receipt(9, Outcome.Unknown, Outcome.Unknown));
        await silent.ExpectNothingAsync();
        await silent.SendAsync(Frames.Hello(_alice));
        await silent.ExpectAsync(Frames.Welcome(2, heartbeat: 0));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("help\n")]
    public async Task There_are_30_s_to_show_a_token(string? said)
    {
        await using var hub = await _tokens.StartHubAsync();
        await using var user = await hub.ConnectAsync();
        if (said is not null)
        {
            await user.SendAsync(said);
            await user.LineAsync();
        }

        await hub.SettleAsync();
        await hub.PassAsync(TimeSpan.FromSeconds(29));
        Assert.DoesNotContain("timeout", System.Text.Encoding.UTF8.GetString(await user.TakeReceivedAsync()), StringComparison.Ordinal);
        var end = user.ReadToEndAsync();
        await hub.AdvanceUntilAsync(end, TimeSpan.FromSeconds(1));
        Assert.EndsWith(
            "[Server] Error: handshake_timeout: nobody was authenticated within 30 s\n",
            System.Text.Encoding.UTF8.GetString(await end), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_text_user_may_show_another_token_of_its_own_and_no_other()
    {
        string bob = _tokens.Add("bob");
        await using var hub = await _tokens.StartHubAsync();
        await using var user = await hub.TextAsync(_alice);
        await user.SendAsync($"auth {_alice}\n");
        await user.ExpectLinesAsync("[Server] Your ID is 1");
        await user.SendAsync($"auth {bob}\n");
        await user.ErrorLineAsync("auth_failed");
        await user.ExpectClosedAsync();
    }

    [Fact]
    public async Task An_open_hub_takes_any_token_for_none()
    {
        await using var hub = await RunningHub.StartAsync();
        await using var user = await hub.ConnectAsync();
        await user.SendAsync("auth whatever\n");
        await user.ExpectLinesAsync("[Server] Your ID is 1");
        Assert.Throws<InvalidOperationException>(() => hub.Hub.UseAuthenticator(_tokens.Load()));
    }

    [Fact]
    public async Task Who_resumes_shows_its_token_again()
    {
        await using var hub = await _tokens.StartHubAsync();
        var (first, id, key) = await hub.EnterResumableAsync(_alice);
        first.Abort();

        await using var without = await hub.ConnectAsync();
        await without.SendAsync(Frames.HelloResume(key, 0));
        await without.ExpectGoodbyeAsync(ProtocolCode.AuthRequired);
        await using var wrong = await hub.ConnectAsync();
        await wrong.SendAsync(Frames.HelloResume(key, 0, token: "wrong"));
        await wrong.ExpectGoodbyeAsync(ProtocolCode.AuthFailed);

        await using var again = await hub.ConnectAsync();
        await again.SendAsync(Frames.HelloResume(key, 0, token: _alice));
        Frame welcome = await again.FrameAsync(FrameType.Welcome);
        Assert.Equal((id, (byte)(WelcomeFlags.Resumable | WelcomeFlags.Resumed)), (welcome.Number(0), welcome.Flags));
    }

    [Fact]
    public async Task The_key_of_somebody_else_is_worth_nothing()
    {
        string mallory = _tokens.Add("mallory");
        await using var hub = await _tokens.StartHubAsync();
        var (alice, id, key) = await hub.EnterResumableAsync(_alice);
        await using var victim = alice;
        await using var thief = await hub.ConnectAsync();
        await thief.SendAsync(Frames.HelloResume(key, 0, token: mallory));
        Frame welcome = await thief.FrameAsync(FrameType.Welcome);
        Assert.Equal((id + 1, (byte)WelcomeFlags.Resumable), (welcome.Number(0), welcome.Flags));
        await victim.SendAsync(Frames.Identity);
        await victim.ExpectAsync(Frames.IdentityReply(id));
    }

    [Fact]
    public async Task The_end_of_a_token_ends_connections_with_notice()
    {
        DateTimeOffset end = new(2000, 1, 1, 1, 0, 0, TimeSpan.Zero);
        string brief = _tokens.Add("brief", entry => entry with { Expires = end });
        await using var hub = await _tokens.StartHubAsync();
        var (binary, _) = await hub.EnterAsync(brief);
        await using var text = await hub.TextAsync(brief);
        await using var program = binary;
        await hub.PassAsync(TimeSpan.FromMinutes(1), 1);
        await text.ExpectNothingAsync();
        var lines = text.ErrorLineAsync("auth_failed");
        var goodbye = binary.GoodbyeTextAsync(ProtocolCode.AuthFailed);
        await hub.PassAsync(end - hub.Time.GetUtcNow() - TimeSpan.FromSeconds(1), 1);
        await hub.AdvanceUntilAsync(Task.WhenAll(lines, goodbye), TimeSpan.FromMilliseconds(500));
        Assert.Equal("the token has expired", await goodbye);
        Assert.EndsWith("the token has expired", await lines, StringComparison.Ordinal);
        await text.ExpectClosedAsync();
        Assert.True(hub.Time.GetUtcNow() >= end);

        await using var late = await hub.BinaryAsync(brief);
        Assert.Equal("the token has expired", await late.GoodbyeTextAsync(ProtocolCode.AuthFailed));
    }
}
