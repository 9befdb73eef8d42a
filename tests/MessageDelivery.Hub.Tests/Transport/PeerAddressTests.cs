using System.Net;
using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Tests.Transport;

/// <summary>Addresses as the kernel tells them, and as people read them.</summary>
public sealed class PeerAddressTests
{
    [Theory]
    [InlineData("192.0.2.1:5000")]
    [InlineData("255.255.255.255:65535")]
    [InlineData("[2001:db8::1]:5000")]
    [InlineData("[::ffff:192.0.2.1]:1")]
    public void It_says_what_the_kernel_says(string text)
    {
        var endpoint = IPEndPoint.Parse(text);
        var address = new PeerAddress(endpoint.Serialize().Buffer.Span);
        Assert.Equal((endpoint, endpoint.ToString()), (address.ToEndPoint(), address.ToString()));
        Assert.Equal(address, new PeerAddress(endpoint.Serialize().Buffer.Span));
    }

    [Fact]
    public void A_socket_that_is_not_of_the_internet_has_none()
    {
        byte[] local = [1, 0, .. "/run/socket\0"u8];
        var address = new PeerAddress(local);
        Assert.Equal((default, null, "unknown"), (address, address.ToEndPoint(), address.ToString()));
    }
}
