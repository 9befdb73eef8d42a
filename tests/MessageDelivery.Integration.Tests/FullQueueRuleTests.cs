using MessageDelivery.Hub;
using MessageDelivery.Integration.Tests.Access;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests;

/// <summary>Whose relays wait for a receiver whose queue is full, and whose leave it out: by the hub's rule, and by a token's.</summary>
public sealed class FullQueueRuleTests : IDisposable
{
    private readonly Tokens _tokens = new();

    public void Dispose() => _tokens.Dispose();

    [Fact]
    public async Task Every_kind_of_relay_leaves_out_who_is_full_and_reaches_the_others()
    {
        await using var hub = await StartAsync(FullQueue.LeaveOut);
        await using var slow = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        await using var sender = await hub.BinaryAsync();
        await Filling.FillAsync(sender, slow.UserId);
        await using var other = await hub.BinaryAsync();

        // Alone, in a run of its kind, to several, in a run to several, large, with a receipt, with CONFIRM.
        byte[] large = Frames.Pattern(300_000);
        await sender.SendAsync(
            Frames.Relay(1, [1]), Frames.Relay(1, [2]), Frames.Relay(1, [3]), Frames.Relay([1, 3], [4]), Frames.Relay([1, 3], [5]),
            Frames.Relay([3, 1], large), Frames.Relay([1, 3, 9, 1], [6], 7), Frames.Relay(1, [7], 8, RelayFlags.Confirm), Frames.Identity);

        await other.ExpectAsync(Frames.Delivery(2, [4]), Frames.Delivery(2, [5]), Frames.Delivery(2, large), Frames.Delivery(2, [6]));
        await sender.ExpectAsync(
            Frames.Receipt(7, Outcome.Full, Outcome.Accepted, Outcome.Unknown, Outcome.Full), Frames.Receipt(8, Outcome.Full), Frames.IdentityReply(2));
    }

    [Fact]
    public async Task People_are_told_whom_it_did_not_reach()
    {
        await using var hub = await StartAsync(FullQueue.LeaveOut);
        await using var slow = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        await using var filler = await hub.BinaryAsync();
        await Filling.FillAsync(filler, slow.UserId);
        await using var person = await hub.TextAsync();
        await person.SendAsync("verbose\nrelay 1,2,9 hi\nrelay\n1\nfoo\n.\nidentity\n");
        await person.ExpectLinesAsync(
            "[Server] Not delivered to 1: full; 9: unknown", "[Server] Relayed to 2",
            "[Server] Not delivered to 1: full", "[Server] Your ID is 3");
    }

    [Fact]
    public async Task A_resumable_sender_is_told_and_its_relays_count_as_processed()
    {
        await using var hub = await StartAsync(FullQueue.LeaveOut);
        await using var slow = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        await using var filler = await hub.BinaryAsync();
        await Filling.FillAsync(filler, slow.UserId);
        await using var sender = await hub.ResumingAsync();
        await sender.Connection.SendAsync(Frames.Relay(1, [1]), Frames.Relay(1, [2], 7), Frames.Identity);
        await sender.Connection.ExpectAsync(Frames.Receipt(7, Outcome.Full), Frames.IdentityReply(3));
    }

    [Theory]
    [InlineData(FullQueue.Wait)]
    [InlineData(FullQueue.LeaveOut)]
    public async Task A_tokens_rule_is_stronger_than_the_hubs(FullQueue rule)
    {
        string plain = _tokens.Add("as the hub");
        string waits = _tokens.Add("waits", entry => entry with { FullQueue = FullQueue.Wait });
        string leaves = _tokens.Add("leaves out", entry => entry with { FullQueue = FullQueue.LeaveOut });
        await using var hub = await StartAsync(rule, withTokens: true);
        await using var slow = await (await hub.ConnectAsync(16_384)).HelloAsync(plain);
        await using var filler = await (await hub.ConnectAsync()).HelloAsync(plain);
        List<byte[]> bodies = await Filling.FillAsync(filler, slow.UserId);

        await using var leaver = await (await hub.ConnectAsync()).HelloAsync(leaves);
        await leaver.SendAsync(Frames.Relay(1, [1]), Frames.Relay(1, [2], 7));
        await leaver.ExpectAsync(Frames.Receipt(7, Outcome.Full));
        await using var leavingPerson = await hub.TextAsync(leaves);
        await leavingPerson.SendAsync("relay 1 hi\n");
        await leavingPerson.ExpectLinesAsync("[Server] Not delivered to 1: full");

        await using var waiter = await (await hub.ConnectAsync()).HelloAsync(waits);
        await waiter.SendAsync(Frames.Relay([1, 2], [3]), Frames.Relay(1, [4], 8));
        await using var waitingPerson = await hub.TextAsync(waits);
        await waitingPerson.SendAsync("relay 1 hi\nidentity\n");
        await filler.ExpectAsync(Frames.Delivery(5, [3]));
        await waiter.ExpectNothingAsync();
        await waitingPerson.ExpectNothingAsync();

        // Both of those who waited get through in the end, in whatever order.
        await slow.ExpectAsync([.. bodies.Select(body => Frames.Delivery(2, body))]);
        await waiter.ExpectAsync(Frames.Receipt(8, Outcome.Accepted));
        await waitingPerson.ExpectLinesAsync("[Server] Your ID is 6");
    }

    [Fact]
    public async Task Another_token_of_the_same_name_has_a_rule_of_its_own()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(DateTimeOffset.FromUnixTimeSeconds(Jwt.Now));
        using var jwt = new Jwt();
        string leaves = jwt.Sign("secret", Jwt.Claims("\"mds_full_queue\":\"leave-out\""));
        string waits = jwt.Sign("secret", Jwt.Claims("\"mds_full_queue\":\"wait\""));
        await using var hub = await RunningHub.StartAsync(
            (options, _) => Options(options, FullQueue.Wait) with { Authenticator = jwt.Authenticator(time) });
        await using var slow = await (await hub.ConnectAsync(16_384)).HelloAsync(waits);
        await using var filler = await (await hub.ConnectAsync()).HelloAsync(waits);
        await Filling.FillAsync(filler, slow.UserId);
        await using var person = await hub.TextAsync(leaves);
        await person.SendAsync("relay 1 hi\n");
        await person.ExpectLinesAsync("[Server] Not delivered to 1: full");
        await person.SendAsync($"auth {waits}\nrelay 1 hi\n");
        await person.ExpectLinesAsync("[Server] Your ID is 3");
        await person.ExpectNothingAsync();
    }

    private static MessageHubOptions Options(MessageHubOptions options, FullQueue rule) =>
        options with { FullQueue = rule, QueueLimitBytes = 1 << 20, Heartbeat = TimeSpan.Zero, StallTimeout = TimeSpan.FromHours(1) };

    private Task<RunningHub> StartAsync(FullQueue rule, bool withTokens = false) => RunningHub.StartAsync(
        (options, time) => Options(options, rule) with { Authenticator = withTokens ? _tokens.Load(time) : null });
}
