using System.Net;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Tests.Transport;
using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Tests.Limits;

/// <summary>Who gets a slot, and whose slot that was.</summary>
public sealed class ConnectionQuotaTests
{
    private static readonly NetworkAddress Alice = Address("192.0.2.1"), Bob = Address("192.0.2.2");

    [Fact]
    public void One_more_than_the_limit_gets_no_place_until_one_has_left()
    {
        var quota = new ConnectionQuota(2);
        var first = quota.TryTake();
        Assert.NotNull(first);
        Assert.NotNull(quota.TryTake());
        Assert.Null(quota.TryTake());
        first.Release();
        Assert.NotNull(quota.TryTake());
        Assert.Null(quota.TryTake());
    }

    [Fact]
    public void An_address_has_no_more_than_its_own_and_the_hub_is_named_where_that_is_full()
    {
        var quota = new ConnectionQuota(3);
        var first = quota.TryTake(Alice, 2, out _);
        Assert.NotNull(quota.TryTake(Alice, 2, out _));
        Assert.Null(quota.TryTake(Alice, 2, out bool isOfAddress));
        Assert.True(isOfAddress);
        Assert.NotNull(quota.TryTake(Bob, 2, out _));
        Assert.Null(quota.TryTake(Bob, 2, out isOfAddress));
        Assert.False(isOfAddress);
        Assert.Null(quota.TryTake(Alice, 2, out isOfAddress));
        Assert.False(isOfAddress);
        first!.Release();
        Assert.NotNull(quota.TryTake(Alice, 2, out _));
    }

    [Fact]
    public void An_address_that_has_no_connections_is_forgotten()
    {
        var quota = new ConnectionQuota(1_000);
        var taken = Enumerable.Range(0, 1_000).Select(i => quota.TryTake(Address($"10.0.{i / 250}.{i % 250}"), 1, out _)!).ToList();
        Assert.Equal((1_000, 1_000), (quota.Addresses, quota.Taken));
        taken.ForEach(slot => slot.Release());
        Assert.Equal((0, 0), (quota.Addresses, quota.Taken));
    }

    [Fact]
    public void Who_comes_gets_the_place_of_who_is_closing()
    {
        using var loop = new StillLoop();
        var quota = new ConnectionQuota(1);
        var leaves = loop.Connect();
        var slot = quota.TryTake(Alice, 1, out _)!;
        slot.Yield(leaves, isAllSent: false);
        Assert.False(StillLoop.WasWoken(leaves));

        var next = quota.TryTake(Alice, 1, out _);
        Assert.NotNull(next);
        Assert.True(StillLoop.WasWoken(leaves));
        Assert.Null(quota.TryTake(Alice, 1, out _));

        // It is counted no more: when its descriptor is closed at last nobody else gains a slot.
        slot.Release();
        Assert.Null(quota.TryTake(Alice, 1, out _));
        Assert.Equal((1, 1), (quota.Taken, quota.Addresses));
        next.Release();
        Assert.Equal((0, 0), (quota.Taken, quota.Addresses));
    }

    [Fact]
    public void An_address_at_its_limit_gets_no_place_of_others_and_a_hub_at_its_limit_gives_that_of_anybody()
    {
        using var loop = new StillLoop();
        var quota = new ConnectionQuota(3);
        var ofBob = loop.Connect();
        _ = quota.TryTake(Alice, 2, out _);
        _ = quota.TryTake(Alice, 2, out _);
        quota.TryTake(Bob, 2, out _)!.Yield(ofBob, isAllSent: true);
        Assert.Null(quota.TryTake(Alice, 2, out bool isOfAddress));
        Assert.True(isOfAddress);
        Assert.False(StillLoop.WasWoken(ofBob));
        Assert.NotNull(quota.TryTake(Address("192.0.2.3"), 2, out _));
        Assert.True(StillLoop.WasWoken(ofBob));
    }

    [Fact]
    public void Who_has_everything_sent_gives_way_first_and_then_who_has_been_closing_for_longest()
    {
        using var loop = new StillLoop();
        var quota = new ConnectionQuota(4);
        var connections = Enumerable.Range(0, 4).Select(_ => loop.Connect()).ToList();
        var taken = connections.ConvertAll(_ => quota.TryTake(Alice, 4, out bool _)!);
        for (int i = 0; i < 4; i++)
        {
            taken[i].Yield(connections[i], isAllSent: i == 2);
        }

        // The second has sent its last now, and stands behind the third.
        taken[1].Yield(connections[1], isAllSent: true);
        foreach (int next in (int[])[2, 1, 0, 3])
        {
            Assert.False(StillLoop.WasWoken(connections[next]));
            Assert.NotNull(quota.TryTake(Alice, 4, out _));
            Assert.True(StillLoop.WasWoken(connections[next]));
        }

        Assert.Null(quota.TryTake(Alice, 4, out _));
    }

    [Fact]
    public void Who_has_closed_gives_way_no_more()
    {
        using var loop = new StillLoop();
        var quota = new ConnectionQuota(3);
        var connections = Enumerable.Range(0, 3).Select(_ => loop.Connect()).ToList();
        var taken = connections.ConvertAll(_ => quota.TryTake(Alice, 3, out bool _)!);
        for (int i = 0; i < 3; i++)
        {
            taken[i].Yield(connections[i], isAllSent: true);
        }

        taken[1].Release();
        Assert.NotNull(quota.TryTake(Alice, 3, out _));
        Assert.All(connections, connection => Assert.False(StillLoop.WasWoken(connection)));
        taken[0].Release();
        taken[2].Release();
        Assert.Equal(1, quota.Taken);
        Assert.False(quota.TryMakeRoom());
    }

    [Fact]
    public void Nobody_is_accepted_while_many_descriptors_are_still_to_be_given_back()
    {
        using var loop = new StillLoop();
        var quota = new ConnectionQuota(ConnectionQuota.MaxGivingWay);
        var taken = Enumerable.Range(0, ConnectionQuota.MaxGivingWay).Select(_ => quota.TryTake()!).ToList();
        foreach (var slot in taken)
        {
            slot.Yield(loop.Connect(), isAllSent: true);
        }

        for (int i = 0; i < ConnectionQuota.MaxGivingWay; i++)
        {
            Assert.True(quota.MayAccept);
            Assert.NotNull(quota.TryTake());
        }

        Assert.False(quota.MayAccept);
        taken[0].Release();
        Assert.True(quota.MayAccept);
    }

    [Fact]
    public void Where_there_is_no_descriptor_one_that_is_closing_gives_way_and_others_wait_for_it()
    {
        using var loop = new StillLoop();
        var quota = new ConnectionQuota(10, maxRefused: 1);
        Assert.False(quota.TryMakeRoom());
        var (leaves, refused) = (loop.Connect(), loop.Connect());
        var slot = quota.TryTake()!;
        slot.Yield(leaves, isAllSent: false);
        var ofRefused = quota.TryTakeToRefuse()!;
        Assert.Null(quota.TryTakeToRefuse());
        ofRefused.Yield(refused, isAllSent: true);

        Assert.True(quota.TryMakeRoom());
        Assert.True(StillLoop.WasWoken(refused));
        Assert.True(quota.TryMakeRoom());
        Assert.False(StillLoop.WasWoken(leaves));
        ofRefused.Release();
        Assert.True(quota.TryMakeRoom());
        Assert.True(StillLoop.WasWoken(leaves));
        slot.Release();
        Assert.False(quota.TryMakeRoom());
        Assert.Equal(0, quota.Taken);
    }

    private static NetworkAddress Address(string text) => new(new PeerAddress(new IPEndPoint(IPAddress.Parse(text), 5_000).Serialize().Buffer.Span));
}
