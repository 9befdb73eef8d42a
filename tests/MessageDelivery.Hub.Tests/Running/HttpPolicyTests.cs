using System.Net;

namespace MessageDelivery.Hub.Tests.Running;

/// <summary>Names, origins and addresses that HTTP tells.</summary>
public sealed class HttpPolicyTests
{
    [Theory]
    [InlineData("localhost", true)]
    [InlineData("LocalHost:8888", true)]
    [InlineData("localhost.", true)]
    [InlineData("127.0.0.1:8888", true)]
    [InlineData("192.0.2.7", true)]
    [InlineData("[::1]", true)]
    [InlineData("[2001:db8::1]:443", true)]
    [InlineData("hub.example", true)]
    [InlineData("HUB.example:1", true)]
    [InlineData("shown.example", true)]
    [InlineData("", false)]
    [InlineData(":80", false)]
    [InlineData("127.1", false)]
    [InlineData("0x7f000001", false)]
    [InlineData("127.0.0.1:", false)]
    [InlineData("127.0.0.1:65536", false)]
    [InlineData("127.0.0.1:+1", false)]
    [InlineData("[127.0.0.1]", false)]
    [InlineData("[::1", false)]
    [InlineData("::1", false)]
    [InlineData("evil.example", false)]
    [InlineData("hub.example.evil.example", false)]
    [InlineData("hub.example@evil.example", false)]
    [InlineData("hub.example/", false)]
    [InlineData("localhost, evil.example", false)]
    public void A_host_is_an_address_localhost_a_name_of_the_certificate_or_allowed(string host, bool isAllowed)
    {
        var options = new HubHttpOptions();
        options.AllowedHosts.Add("hub.example");
        var policy = new HttpPolicy(options, name => name.Equals("shown.example", StringComparison.OrdinalIgnoreCase));
        Assert.Equal(isAllowed, policy.AllowsHost(host));
    }

    [Theory]
    [InlineData("http://hub.example", "hub.example", true)]
    [InlineData("https://hub.example:8443", "HUB.example:8443", true)]
    [InlineData("https://app.example", "hub.example", true)]
    [InlineData("https://hub.example", "hub.example:443", false)]
    [InlineData("http://app.example", "hub.example", false)]
    [InlineData("null", "hub.example", false)]
    [InlineData("null", "null", false)]
    [InlineData("hub.example", "hub.example", false)]
    [InlineData("://hub.example", "hub.example", false)]
    [InlineData("", "", false)]
    public void An_origin_names_the_host_that_was_asked_or_is_allowed(string origin, string host, bool isAllowed)
    {
        var options = new HubHttpOptions();
        options.AllowedOrigins.Add("https://app.example");
        Assert.Equal(isAllowed, new HttpPolicy(options, static _ => false).AllowsOrigin(origin, host));
    }

    [Theory]
    [InlineData("10.0.0.1", "203.0.113.1", "203.0.113.1")]
    [InlineData("10.0.0.1", "198.51.100.1, 203.0.113.1", "203.0.113.1")]
    [InlineData("10.0.0.1", "203.0.113.1, 10.0.0.2,10.0.0.3", "203.0.113.1")]
    [InlineData("10.0.0.1", "203.0.113.1|10.0.0.2", "203.0.113.1")]
    [InlineData("10.0.0.1", "10.0.0.7, 10.0.0.2", "10.0.0.7")]
    [InlineData("10.0.0.1", "", "10.0.0.1")]
    [InlineData("10.0.0.1", "203.0.113.1, unknown", "10.0.0.1")]
    [InlineData("10.0.0.1", "203.0.113.1, unknown, 10.0.0.2", "10.0.0.2")]
    [InlineData("10.0.0.1", "203.0.113.1:4711", "203.0.113.1")]
    [InlineData("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1")]
    [InlineData("10.0.0.1", "2001:db8::1", "2001:db8::1")]
    [InlineData("10.0.0.1", "7", "10.0.0.1")]
    [InlineData("::ffff:10.0.0.1", "::ffff:203.0.113.1", "203.0.113.1")]
    [InlineData("203.0.113.9", "203.0.113.1", "203.0.113.9")]
    public void The_client_is_the_last_address_that_is_no_proxy_of_ours(string peer, string forwardedFor, string client)
    {
        var options = new HubHttpOptions();
        options.TrustedProxies.Add(IPNetwork.Parse("10.0.0.0/8"));
        var policy = new HttpPolicy(options, static _ => false);
        Assert.True(policy.HasTrustedProxies);
        Assert.Equal(IPAddress.Parse(client), policy.ClientAddress(IPAddress.Parse(peer), forwardedFor.Split('|')));
    }

    [Fact]
    public void Without_proxies_nobody_is_believed()
    {
        var policy = new HttpPolicy(new(), static _ => false);
        Assert.False(policy.HasTrustedProxies);
        Assert.Equal(IPAddress.Loopback, policy.ClientAddress(IPAddress.Loopback, ["203.0.113.1"]));
    }
}
