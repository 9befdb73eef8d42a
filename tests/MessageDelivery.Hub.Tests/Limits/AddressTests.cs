using System.Net;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Tests.Limits;

/// <summary>Who counts as one, how fast its connections come, and that remembering it is bounded.</summary>
public sealed class AddressTests
{
    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1", "192.0.2.1", false)]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1", false)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64", false)]
    [InlineData("127.0.0.1", "127.0.0.1", "127.0.0.1", true)]
    [InlineData("::ffff:127.1.2.3", "127.1.2.3", "127.1.2.3", true)]
    [InlineData("::1", "::1", "::1", true)]
    public void These_are_one(string one, string other, string name, bool isLoopback)
    {
        Assert.Equal(Address(one), Address(other));
        Assert.Equal(Address(one).GetHashCode(), Address(other).GetHashCode());
        Assert.Equal((name, isLoopback), (Address(one).ToString(), Address(one).IsLoopback));
    }

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.2")]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1")]
    [InlineData("192.0.2.1", "::192.0.2.1")]
    [InlineData("::1", "::2")]
    public void These_are_two(string one, string other) => Assert.NotEqual(Address(one), Address(other));

    [Fact]
    public void Loopback_has_a_share_of_its_own()
    {
        var table = new AddressTable(new(1, 1), default);
        Assert.Equal((1, 0), (table.ShareOf(Address("192.0.2.1")).MaxConnections, table.ShareOf(Address("127.0.0.1")).MaxConnections));
        for (int i = 0; i < 100; i++)
        {
            Assert.True(table.IsInTime(Address("::1"), 0));
            // From inside the process.
            Assert.True(table.IsInTime(new(default(PeerAddress)), 0));
        }
    }

    [Fact]
    public void As_many_as_the_rate_come_at_once_and_then_one_at_a_time()
    {
        var table = new AddressTable(new(0, 10), default);
        var address = Address("192.0.2.1");
        Assert.Equal(10, Enumerable.Range(0, 50).Count(_ => table.IsInTime(address, 1_000)));
        Assert.False(table.IsInTime(address, 1_099));
        Assert.True(table.IsInTime(address, 1_100));
        Assert.False(table.IsInTime(address, 1_100));
        Assert.Equal(10, Enumerable.Range(0, 50).Count(_ => table.IsInTime(address, 5_000)));
    }

    /// <summary>A million networks, each once: nothing grows, and hardly anybody is taken for somebody else.</summary>
    [Fact]
    public void However_many_come_the_table_of_rates_stays_as_it_is()
    {
        var table = new AddressTable(new(1, 100), default);
        Assert.True(table.IsInTime(Address("192.0.2.1"), 0));
        int refused = 0, seen = 0;

        Assert.Equal(0, Allocations.MinOf(() =>
        {
            Span<byte> address = stackalloc byte[24];
            address[0] = 10;
            address[8] = 0x20;
            for (int last = seen + 1_000_000; seen < last; seen++)
            {
                BitConverter.TryWriteBytes(address[12..], seen);
                refused += table.IsInTime(new(new PeerAddress(address)), seen / 500) ? 0 : 1;
            }
        }));
        Assert.InRange(refused, 0, seen / 100);
    }

    [Fact]
    public void An_identity_has_as_many_connections_as_it_may_and_is_forgotten_with_the_last()
    {
        var quota = new IdentityQuota(2);
        ISlot first = quota.TryTake("a")!;
        ISlot second = quota.TryTake("a")!;
        ISlot other = quota.TryTake("A")!;
        Assert.Null(quota.TryTake("a"));
        ISlot third = quota.TakeInstead("a");
        first.Release();
        Assert.Null(quota.TryTake("a"));
        second.Release();
        quota.TryTake("a")!.Release();
        third.Release();
        other.Release();
        Assert.Equal(0, quota.Identities);
    }

    [Fact]
    public void Without_a_limit_nobody_is_remembered()
    {
        var quota = new IdentityQuota(0);
        var slot = quota.TryTake("a");
        Assert.Equal(0, quota.Identities);
        slot!.Release();
    }

    private static NetworkAddress Address(string text) => new(new PeerAddress(new IPEndPoint(IPAddress.Parse(text), 5_000).Serialize().Buffer.Span));
}
