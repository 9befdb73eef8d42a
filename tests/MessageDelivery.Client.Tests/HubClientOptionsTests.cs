using MessageDelivery.Protocol;

namespace MessageDelivery.Client.Tests;

public sealed class HubClientOptionsTests
{
    [Theory]
    [InlineData("hub:1234", "hub", 1234)]
    [InlineData("hub", "hub", 8888)]
    [InlineData(":99", "127.0.0.1", 99)]
    [InlineData("[::1]:77", "::1", 77)]
    [InlineData("[fe80::1]", "fe80::1", 8888)]
    [InlineData(" 10.0.0.1:1 ", "10.0.0.1", 1)]
    public void Parse_reads(string text, string host, int port)
    {
        HubClientOptions options = HubClientOptions.Parse(text);
        Assert.Equal((host, port), (options.Host, options.Port));
    }

    [Theory]
    [InlineData("")]
    [InlineData("hub:")]
    [InlineData("hub:0")]
    [InlineData("hub:65536")]
    [InlineData("hub:+1")]
    [InlineData("::1")]
    [InlineData("[::1]x")]
    [InlineData("[::1]:")]
    [InlineData("[]:1")]
    [InlineData("[hub]:1")]
    [InlineData("[::1")]
    [InlineData("a b:1")]
    [InlineData("http://hub:1")]
    public void Parse_names_what_it_refuses(string text) =>
        Assert.Contains($"'{text}'", Assert.Throws<FormatException>(() => HubClientOptions.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void The_token_is_never_printed() =>
        Assert.DoesNotContain("hush", new HubClientOptions { Token = "hush" }.ToString(), StringComparison.Ordinal);

    public static TheoryData<HubClientOptions> Impossible =>
    [
        new HubClientOptions() { Host = "" },
        new HubClientOptions() { Port = 0 },
        new HubClientOptions() { ConnectTimeout = TimeSpan.Zero },
        new HubClientOptions() { CloseTimeout = TimeSpan.FromSeconds(-3) },
        new HubClientOptions() { ReceiveBufferBytes = 0 },
        new HubClientOptions() { SendBufferBytes = -1 },
        new HubClientOptions() { Token = new('x', ProtocolLimits.MaxTokenBytes + 1) },
        new HubClientOptions() { Reconnect = new() { MaxAttempts = -1 } },
        new HubClientOptions() { Reconnect = new() { InitialDelay = TimeSpan.FromMinutes(1) } },
    ];

    [Theory]
    [MemberData(nameof(Impossible), DisableDiscoveryEnumeration = true)]
    public Task An_impossible_option_is_refused_before_anything_is_connected(HubClientOptions options) =>
        Assert.ThrowsAnyAsync<ArgumentException>(() => HubClient.ConnectAsync(options).AsTask());

    [Fact]
    public void Pauses_double_up_to_the_most_and_are_drawn_from_all_of_it()
    {
        var policy = new ReconnectPolicy();
        Assert.Equal(TimeSpan.Zero, policy.DelayBefore(5, ReconnectAdvice.Yes, 0));
        Assert.Equal(TimeSpan.FromMilliseconds(100), policy.DelayBefore(0, ReconnectAdvice.Yes, 1));
        Assert.Equal(TimeSpan.FromMilliseconds(800), policy.DelayBefore(3, ReconnectAdvice.Yes, 1));
        Assert.Equal(policy.MaxDelay, policy.DelayBefore(int.MaxValue, ReconnectAdvice.Yes, 1));
    }

    [Fact]
    public void As_long_as_a_session_may_be_resumed_several_attempts_fall_into_the_time_for_it()
    {
        var policy = new ReconnectPolicy();
        Assert.Equal(TimeSpan.FromSeconds(2), policy.DelayBefore(20, ReconnectAdvice.Yes, 1, TimeSpan.FromSeconds(16)));
        Assert.Equal(TimeSpan.FromSeconds(2), policy.DelayBefore(20, ReconnectAdvice.AfterPause, 1, TimeSpan.FromSeconds(16)));
        Assert.Equal(policy.MaxDelay, policy.DelayBefore(20, ReconnectAdvice.Yes, 1, TimeSpan.FromSeconds(120)));
    }

    [Fact]
    public void A_hub_that_asks_for_a_pause_gets_one()
    {
        var policy = new ReconnectPolicy();
        Assert.Equal(TimeSpan.FromMilliseconds(500), policy.DelayBefore(0, ReconnectAdvice.AfterPause, 0));
        Assert.Equal(TimeSpan.FromMilliseconds(1000), policy.DelayBefore(0, ReconnectAdvice.AfterPause, 1));
        Assert.Equal(policy.MaxDelay / 2, policy.DelayBefore(20, ReconnectAdvice.AfterPause, 0));
    }
}
