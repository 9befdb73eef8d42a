using MessageDelivery.Client;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Access;

/// <summary>The client library with a token, without one, and with one that ends.</summary>
public sealed class ClientTokenTests : IDisposable
{
    private readonly Tokens _tokens = new();

    public void Dispose() => _tokens.Dispose();

    [Fact]
    public async Task A_token_lets_it_in_and_rights_show_as_errors()
    {
        string mute = _tokens.Add("mute", entry => entry with { Send = false, List = false });
        await using var hub = await _tokens.StartHubAsync();
        await using var client = await HubClient.ConnectAsync(Options(hub) with { Token = mute });
        Assert.Equal(1UL, client.UserId);
        var refused = await Assert.ThrowsAsync<HubRequestException>(async () => await client.RelayWithReceiptAsync(1, new byte[] { 1 }));
        Assert.Equal(ProtocolCode.NotAllowed, refused.Code);
        Assert.Equal(ProtocolCode.NotAllowed, (await Assert.ThrowsAsync<HubRequestException>(async () => await client.ListAsync())).Code);
        Assert.Equal(1UL, await client.GetIdentityAsync());
    }

    [Theory]
    [InlineData(null, ProtocolCode.AuthRequired)]
    [InlineData("wrong", ProtocolCode.AuthFailed)]
    public async Task Without_a_token_that_is_good_it_says_so(string? token, ProtocolCode code)
    {
        _tokens.Add("alice");
        await using var hub = await _tokens.StartHubAsync();
        var refused = await Assert.ThrowsAsync<HubAuthenticationException>(async () => await HubClient.ConnectAsync(Options(hub) with { Token = token }));
        Assert.Equal(code, refused.Code);
    }

    [Fact]
    public async Task A_fixed_token_that_ends_is_the_end()
    {
        string brief = _tokens.Add("brief", entry => entry with { Expires = new(2000, 1, 1, 0, 1, 0, TimeSpan.Zero) });
        await using var hub = await _tokens.StartHubAsync();
        await using var client = await HubClient.ConnectAsync(Options(hub) with { Token = brief });
        var end = ReadToEndAsync(client);
        await hub.AdvanceUntilAsync(end, TimeSpan.FromSeconds(5));
        Assert.Equal("auth_failed: the token has expired", (await end).Message);
    }

    [Fact]
    public async Task A_provider_is_asked_for_each_connection_and_once_more_when_its_token_is_refused()
    {
        var brief = Queue(_tokens.Add("one", entry => entry with { Expires = new(2000, 1, 1, 0, 1, 0, TimeSpan.Zero) }), _tokens.Add("two"));
        await using var hub = await _tokens.StartHubAsync();
        await using var client = await HubClient.ConnectAsync(Options(hub) with { TokenProvider = _ => ValueTask.FromResult(brief.Dequeue()) });
        var connected = new TaskCompletionSource();
        client.ConnectionStateChanged += (_, change) => _ = change.NewState == ConnectionState.Connected && connected.TrySetResult();
        await hub.AdvanceUntilAsync(connected.Task, TimeSpan.FromSeconds(5));
        Assert.Empty(brief);
        Assert.Equal(2UL, await client.GetIdentityAsync());
    }

    [Fact]
    public async Task A_provider_whose_next_token_is_refused_too_is_asked_no_more()
    {
        var tokens = Queue(_tokens.Add("one", entry => entry with { Expires = new(2000, 1, 1, 0, 1, 0, TimeSpan.Zero) }), "wrong", "never asked for");
        await using var hub = await _tokens.StartHubAsync();
        await using var client = await HubClient.ConnectAsync(Options(hub) with { TokenProvider = _ => ValueTask.FromResult(tokens.Dequeue()) });
        var end = ReadToEndAsync(client);
        await hub.AdvanceUntilAsync(end, TimeSpan.FromSeconds(5));
        Assert.IsType<HubAuthenticationException>(await end);
        Assert.Single(tokens);
    }

    [Fact]
    public async Task A_provider_that_fails_is_a_connection_that_cannot_be_made()
    {
        _tokens.Add("alice");
        await using var hub = await _tokens.StartHubAsync();
        var failed = await Assert.ThrowsAsync<HubConnectionException>(async () =>
            await HubClient.ConnectAsync(Options(hub) with { TokenProvider = _ => throw new InvalidOperationException("no vault") }));
        Assert.Equal("the token provider failed: no vault", failed.Message);
        Assert.Throws<ArgumentException>(() => HubClient.ConnectAsync(Options(hub) with { Token = "a", TokenProvider = _ => ValueTask.FromResult("b") }).AsTask().GetAwaiter().GetResult());
    }

    private static HubClientOptions Options(RunningHub hub) => new()
    {
        Port = hub.Endpoint.Port,
        Reconnect = new() { InitialDelay = TimeSpan.Zero },
    };

    private static Queue<string> Queue(params string[] tokens) => new(tokens);

    private static async Task<Exception> ReadToEndAsync(HubClient client) => await Assert.ThrowsAnyAsync<HubConnectionException>(async () =>
    {
        await foreach (var delivery in client.ReceiveAsync())
        {
            delivery.Dispose();
        }
    });
}
