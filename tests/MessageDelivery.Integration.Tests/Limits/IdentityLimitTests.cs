using MessageDelivery.Hub;
using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Integration.Tests.Access;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Limits;

/// <summary>What a token limits of its own, what one identity may have of all its connections, and what a stranger makes the hub hold.</summary>
public sealed class IdentityLimitTests : IDisposable
{
    private static readonly TimeSpan Quarter = TimeSpan.FromMilliseconds(250);
    private readonly Tokens _tokens = new();

    public static TheoryData<string> Protocols => [.. SpokenProtocol.All.Where(spoken => !spoken.IsGuarded).Select(spoken => spoken.Name)];

    public void Dispose() => _tokens.Dispose();

    [Theory]
    [MemberData(nameof(Protocols))]
    public async Task A_token_with_relays_per_second_makes_its_users_wait_and_nobody_else(string protocol)
    {
        var spoken = Spoken(protocol);
        string slow = _tokens.Add("slow", entry => entry with { RelaysPerSecond = 2 }), free = _tokens.Add("free");
        await using var hub = await StartAsync(spoken, new());
        await using var receiver = await spoken.JoinAsync(hub, free);
        await using var user = await spoken.JoinAsync(hub, slow);
        await user.SendAsync([.. Enumerable.Range(1, 5).Select(i => spoken.Relay([receiver.UserId], i))]);
        for (int i = 1; i <= 3; i++)
        {
            await spoken.ExpectMessageAsync(receiver, user.UserId, i);
        }

        await receiver.ExpectNothingAsync();
        await using var other = await spoken.JoinAsync(hub, free);
        for (int i = 1; i <= 10; i++)
        {
            await other.SendAsync(spoken.Relay([receiver.UserId], 100 + i));
            await spoken.ExpectMessageAsync(receiver, other.UserId, 100 + i);
        }

        await hub.AdvanceUntilAsync(spoken.ExpectMessageAsync(receiver, user.UserId, 4), Quarter);
        await hub.AdvanceUntilAsync(spoken.ExpectMessageAsync(receiver, user.UserId, 5), Quarter);
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public async Task A_token_with_bytes_per_second_is_told_what_is_too_much_for_it(string protocol)
    {
        var spoken = Spoken(protocol);
        string slow = _tokens.Add("slow", entry => entry with { BytesPerSecond = 1_000 }), free = _tokens.Add("free");
        await using var hub = await StartAsync(spoken, new());
        await using var receiver = await spoken.JoinAsync(hub, free);
        await using var user = await spoken.JoinAsync(hub, slow);
        await user.SendAsync(spoken.Relay([receiver.UserId, receiver.UserId], 1_501), spoken.Relay([receiver.UserId], 1));
        await spoken.ExpectErrorAsync(user, ProtocolCode.RateLimited);
        await spoken.ExpectMessageAsync(receiver, user.UserId, 1);

        await receiver.SendAsync(spoken.Relay([user.UserId], 100_000));
        await spoken.ExpectMessageAsync(user, receiver.UserId, 100_000);
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public async Task A_token_with_rates_of_its_own_may_do_more_than_others(string protocol)
    {
        var spoken = Spoken(protocol);
        string fast = _tokens.Add("fast", entry => entry with { RelaysPerSecond = 1_000, BytesPerSecond = 1 << 20 });
        await using var hub = await StartAsync(spoken, new() { RelaysPerSecond = 1, BytesPerSecond = 10 });
        await using var user = await spoken.JoinAsync(hub, fast);
        for (int i = 1; i <= 20; i++)
        {
            await user.SendAsync(spoken.Relay([user.UserId], i));
            await spoken.ExpectMessageAsync(user, user.UserId, i);
        }
    }

    [Fact]
    public async Task Connections_of_one_identity_are_counted_in_all_protocols_together_and_given_back()
    {
        string alice = _tokens.Add("alice"), bob = _tokens.Add("bob");
        var ways = SpokenProtocol.All.Where(spoken => !spoken.IsGuarded).ToList();
        await using var hub = await RunningHub.StartAsync((options, time) => options with
        {
            Tls = TestCertificates.Tls(),
            Authenticator = _tokens.Load(time),
            Limits = new() { MaxConnectionsPerUser = ways.Count },
            Heartbeat = TimeSpan.Zero,
        });
        var users = new List<RawConnection>();
        foreach (var way in ways)
        {
            users.Add(await way.JoinAsync(hub, alice));
        }

        for (int i = 0; i < ways.Count; i++)
        {
            foreach (var way in ways)
            {
                await using var oneMore = await way.ConnectAsync(hub);
                await oneMore.SendAsync(way.SayWho(alice));
                await way.ExpectEndAsync(
                    oneMore,
                    ProtocolCode.TooManyConnections,
                    $"this identity has {ways.Count} connections, which is the limit (max-connections-per-user)");
            }

            await using var other = await ways[i].JoinAsync(hub, bob);
            users[i].Abort();
            RawConnection? next = null;
            var another = ways[(i + 1) % ways.Count];
            await hub.EventuallyAsync(async () =>
            {
                var newcomer = await another.ConnectAsync(hub);
                await newcomer.SendAsync(another.SayWho(alice), another.Echo("in"));
                string said = await FirstAsync(newcomer, another);
                next = said.Contains("too_many", StringComparison.Ordinal) ? null : newcomer;
                return next is not null;
            });
            users[i] = next!;
        }

        await Task.WhenAll(users.Select(user => user.DisposeAsync().AsTask()));
    }

    [Fact]
    public async Task Who_resumes_may_come_while_its_lost_connection_still_counts()
    {
        string alice = _tokens.Add("alice");
        await using var hub = await RunningHub.StartAsync((options, time) => options with
        {
            Authenticator = _tokens.Load(time),
            Limits = new() { MaxConnectionsPerUser = 1 },
            Heartbeat = TimeSpan.Zero,
        });
        var (lost, id, key) = await hub.EnterResumableAsync(alice);
        await using var first = lost;
        await using var again = await hub.ConnectAsync();
        await again.SendAsync(Frames.HelloResume(key, 0, token: alice));
        Assert.Equal(id, (await again.FrameAsync(FrameType.Welcome)).Number(0));

        // The one that it replaces is over, and neither a second one gets in by the way nor the session of somebody who is away.
        await first.ReadToEndAsync();
        await using var oneMore = await hub.BinaryAsync(alice);
        await oneMore.ExpectGoodbyeAsync(ProtocolCode.TooManyConnections);
        await again.SendAsync(Frames.Identity);
        await again.ExpectAsync(Frames.IdentityReply(id));
    }

    [Fact]
    public async Task Who_resumes_from_away_counts_like_any_other()
    {
        string alice = _tokens.Add("alice");
        await using var hub = await RunningHub.StartAsync((options, time) => options with
        {
            Authenticator = _tokens.Load(time),
            Limits = new() { MaxConnectionsPerUser = 1 },
            Heartbeat = TimeSpan.Zero,
        });
        var (away, id, key) = await hub.EnterResumableAsync(alice);
        away.Abort();
        RawConnection? other = null;
        await hub.EventuallyAsync(async () =>
        {
            other = await hub.BinaryAsync(alice);
            return (await other.FrameAsync()).Type == FrameType.Welcome;
        });
        await using (other)
        {
            await using var early = await hub.ConnectAsync();
            await early.SendAsync(Frames.HelloResume(key, 0, token: alice));
            await early.ExpectGoodbyeAsync(ProtocolCode.TooManyConnections);
            await early.ExpectClosedAsync();
        }

        // The session has lost nothing by that.
        await hub.EventuallyAsync(async () =>
        {
            await using var again = await hub.ConnectAsync();
            await again.SendAsync(Frames.HelloResume(key, 0, token: alice));
            Frame first = await again.FrameAsync();
            return first.Type == FrameType.Welcome && first.Number(0) == id;
        });
    }

    [Fact]
    public async Task What_comes_behind_a_HELLO_waits_outside_until_its_token_is_verified()
    {
        const int Strangers = 20, MaxEach = 64 << 10;
        var verdicts = new HeldVerdicts();
        await using var hub = await RunningHub.StartAsync(options => options with { Authenticator = verdicts, Heartbeat = TimeSpan.Zero });
        var (inside, id) = await hub.EnterAsync(HeldVerdicts.AtOnce);
        await using var receiver = inside;
        long before = hub.UsedMemoryBytes;
        byte[] body = Frames.Pattern(ProtocolLimits.MaxBodyBytes);
        var users = new List<RawConnection>();
        var sending = new List<Task>();
        for (int i = 0; i < Strangers; i++)
        {
            users.Add(await hub.ConnectAsync());
            sending.Add(users[i].SendAsync(Frames.Hello("later"), Frames.Relay(id, body), Frames.Echo([7])));
        }

        // Not all are asked about at one time.
        await hub.EventuallyAsync(() => Task.FromResult(verdicts.Waiting > 0));
        await hub.SettleAsync();
        Assert.InRange(hub.UsedMemoryBytes - before, 0, Strangers * MaxEach);
        await RunningHub.ExpectListAsync(receiver);

        verdicts.Allow();
        for (int i = 0; i < Strangers; i++)
        {
            Frame message = await receiver.FrameAsync(FrameType.Delivery);
            Assert.Equal(body, message.Payload[8..]);
        }

        for (int i = 0; i < Strangers; i++)
        {
            await users[i].FrameAsync(FrameType.Welcome);
            await users[i].ExpectAsync(Frames.EchoReply([7]));
            await sending[i];
            await users[i].DisposeAsync();
        }
    }

    [Fact]
    public async Task Groups_are_listed_ascending_with_ids_that_cannot_be_guessed()
    {
        string[] secrets = [.. Enumerable.Range(0, 8).Select(i => _tokens.Add($"user {i}", entry => entry with { Group = "one", Reach = Reach.Group }))];
        await using var hub = await RunningHub.StartAsync((options, time) => options with
        {
            Authenticator = _tokens.Load(time),
            Heartbeat = TimeSpan.Zero,
            Limits = new() { Ids = UserIdOrder.Random },
        });
        var users = new List<(RawConnection User, ulong Id)>();
        foreach (string secret in secrets)
        {
            users.Add(await hub.EnterAsync(secret));
        }

        while (users.Count > 1)
        {
            var (asker, own) = users[^1];
            await RunningHub.ExpectListAsync(asker, [.. users.Select(user => user.Id).Where(id => id != own).Order()]);
            await users[0].User.DisposeAsync();
            users.RemoveAt(0);
            await hub.EventuallyAsync(async () => (await RunningHub.ListAsync(asker)).Length == users.Count - 1);
        }

        await users[0].User.DisposeAsync();
    }

    [Fact]
    public async Task What_a_token_forbids_counts_as_an_error_in_text_too()
    {
        string secret = _tokens.Add("quiet", entry => entry with { List = false });
        await using var hub = await RunningHub.StartAsync((options, time) => options with
        {
            Authenticator = _tokens.Load(time),
            Limits = new() { MaxErrorsPerMinute = 3 },
        });
        await using var user = await hub.ConnectAsync();
        await user.SendAsync($"auth {secret}\nlist\nlist\nlist\nlist\n");
        await user.ExpectLinesAsync("[Server] Your ID is 1");
        for (int i = 0; i < 4; i++)
        {
            await user.ErrorLineAsync("not_allowed");
        }

        await user.ErrorLineAsync("rate_limited");
        await user.ExpectClosedAsync();
    }

    [Fact]
    public async Task Another_token_brings_its_own_rates()
    {
        await using var hub = await RunningHub.StartAsync(options => options with { Authenticator = new RatedAuthenticator(), Heartbeat = TimeSpan.Zero });
        await using var user = await hub.ConnectAsync();
        await user.SendAsync("auth free\nlist\n" + string.Concat(Enumerable.Repeat("relay 1 a\n", 5)));
        await user.ExpectLinesAsync(["[Server] Your ID is 1", "[Server] Client IDs are ", .. Enumerable.Repeat("a", 5)]);

        await user.SendAsync("auth slow\n" + string.Concat(Enumerable.Repeat("relay 1 b\n", 5)));
        await user.ExpectLinesAsync("[Server] Your ID is 1", "b", "b");
        await user.ExpectNothingAsync();
        await hub.AdvanceUntilAsync(user.ExpectLinesAsync("b", "b", "b"), Quarter);
    }

    [Fact]
    public async Task Who_says_nothing_has_the_time_for_a_token_where_a_handshake_has_no_limit()
    {
        _tokens.Add("somebody");
        await using var hub = await RunningHub.StartAsync((options, time) => options with
        {
            Authenticator = _tokens.Load(time),
            Tls = TestCertificates.Tls(HubTlsMode.Required),
            Limits = new() { HandshakeTimeout = TimeSpan.Zero, AuthenticationTimeout = TimeSpan.FromSeconds(5) },
        });
        await using var silent = await hub.ConnectAsync();
        await hub.AdvanceUntilAsync(silent.ErrorLineAsync("handshake_timeout"), Quarter);
        await silent.ExpectClosedAsync();
    }

    private static SpokenProtocol Spoken(string name) => SpokenProtocol.All.Single(spoken => spoken.Name == name);

    /// <summary>The first thing that is said to somebody: a line, or the text of a last frame.</summary>
    private static async Task<string> FirstAsync(RawConnection newcomer, SpokenProtocol spoken)
    {
        if (spoken is SpokenText)
        {
            return await newcomer.LineAsync();
        }

        Frame frame = await newcomer.FrameAsync();
        return frame.Type == FrameType.GoodbyeReply ? frame.Code.Name() : "";
    }

    private Task<RunningHub> StartAsync(SpokenProtocol spoken, HubLimits limits) => RunningHub.StartAsync((options, time) =>
        spoken.Prepare(options) with { Authenticator = _tokens.Load(time), Limits = limits, Heartbeat = TimeSpan.Zero });

    /// <summary>Takes all tokens, but one of them only when told.</summary>
    private sealed class HeldVerdicts : IAuthenticator
    {
        public const string AtOnce = "at once";

        private readonly TaskCompletionSource _allowed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _waiting;

        public int Waiting => Volatile.Read(ref _waiting);

        public void Allow() => _allowed.SetResult();

        public async ValueTask<AuthenticationResult> AuthenticateAsync(
            ReadOnlyMemory<byte> token, AuthenticationContext context, CancellationToken cancellationToken)
        {
            if (!token.Span.SequenceEqual("at once"u8))
            {
                Interlocked.Increment(ref _waiting);
                await _allowed.Task.WaitAsync(cancellationToken);
            }

            return AuthenticationResult.Success(new("anybody"));
        }
    }

    /// <summary>Knows one user with two tokens.</summary>
    private sealed class RatedAuthenticator : IAuthenticator
    {
        public ValueTask<AuthenticationResult> AuthenticateAsync(
            ReadOnlyMemory<byte> token, AuthenticationContext context, CancellationToken cancellationToken) =>
            ValueTask.FromResult(AuthenticationResult.Success(new("one") { RelaysPerSecond = token.Span.SequenceEqual("slow"u8) ? 1 : null }));
    }
}
