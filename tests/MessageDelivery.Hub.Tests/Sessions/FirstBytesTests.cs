using System.Text;
using MessageDelivery.Hub.Protocols.Detection;

namespace MessageDelivery.Hub.Tests.Sessions;

/// <summary>Which protocol the first bytes are of, at every length of them.</summary>
public sealed class FirstBytesTests
{
    public static TheoryData<string> Methods => ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"];

    [Theory]
    [MemberData(nameof(Methods))]
    public void An_http_method_is_told_at_its_space_and_not_before(string method)
    {
        byte[] request = Encoding.ASCII.GetBytes(method + " / HTTP/1.1\r\n");
        for (int length = 1; length <= request.Length; length++)
        {
            Assert.Equal(
                length <= method.Length ? FirstBytesKind.Undecided : FirstBytesKind.Http, FirstBytes.Tell(request.AsSpan(0, length)));
        }

        Assert.Equal(FirstBytesKind.Text, FirstBytes.Tell(Encoding.ASCII.GetBytes(method + "\n")));
        Assert.Equal(FirstBytesKind.Text, FirstBytes.Tell(Encoding.ASCII.GetBytes(method + "S ")));
        Assert.Equal(FirstBytesKind.Text, FirstBytes.Tell(Encoding.ASCII.GetBytes(method.ToLowerInvariant() + " ")));
    }

    [Fact]
    public void Any_other_first_byte_decides_by_itself()
    {
        foreach (byte first in Enumerable.Range(0, 256).Select(i => (byte)i))
        {
            var expected = first switch
            {
                0x01 => FirstBytesKind.Hello,
                0x16 => FirstBytesKind.Tls,
                (byte)'G' or (byte)'H' or (byte)'P' or (byte)'D' or (byte)'O' or (byte)'T' or (byte)'C' => FirstBytesKind.Undecided,
                _ => FirstBytesKind.Text,
            };
            Assert.Equal(expected, FirstBytes.Tell([first]));
        }
    }
}
