using System.Net;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Tests.Transport;
using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Tests.Limits;

/// <summary>Who gets a place, and whose place that was.</summary>
public sealed class ConnectionPlacesTests
{
    private static readonly NetworkAddress Alice = Address("192.0.2.1"), Bob = Address("192.0.2.2");

    [Fact]
    public void One_more_than_the_limit_gets_no_place_until_one_has_left()
    {
        var places = new ConnectionPlaces(2);
        var first = places.TryTake();
        Assert.NotNull(first);
        Assert.NotNull(places.TryTake());
        Assert.Null(places.TryTake());
        first.Leave();
        Assert.NotNull(places.TryTake());
        Assert.Null(places.TryTake());
    }

    [Fact]
    public void An_address_has_no_more_than_its_own_and_the_hub_is_named_where_that_is_full()
    {
        var places = new ConnectionPlaces(3);
        var first = places.TryTake(Alice, 2, out _);
        Assert.NotNull(places.TryTake(Alice, 2, out _));
        Assert.Null(places.TryTake(Alice, 2, out bool isOfAddress));
        Assert.True(isOfAddress);
        Assert.NotNull(places.TryTake(Bob, 2, out _));
        Assert.Null(places.TryTake(Bob, 2, out isOfAddress));
        Assert.False(isOfAddress);
        Assert.Null(places.TryTake(Alice, 2, out isOfAddress));
        Assert.False(isOfAddress);
        first!.Leave();
        Assert.NotNull(places.TryTake(Alice, 2, out _));
    }

    [Fact]
    public void An_address_that_has_no_connections_is_forgotten()
    {
        var places = new ConnectionPlaces(1_000);
        var taken = Enumerable.Range(0, 1_000).Select(i => places.TryTake(Address($"10.0.{i / 250}.{i % 250}"), 1, out _)!).ToList();
        Assert.Equal((1_000, 1_000), (places.Addresses, places.Taken));
        taken.ForEach(place => place.Leave());
        Assert.Equal((0, 0), (places.Addresses, places.Taken));
    }

    [Fact]
    public void Who_comes_gets_the_place_of_who_is_closing()
    {
        using var loop = new StillLoop();
        var places = new ConnectionPlaces(1);
        var leaves = loop.Connect();
        var place = places.TryTake(Alice, 1, out _)!;
        place.Yield(leaves, isAllSent: false);
        Assert.False(StillLoop.WasWoken(leaves));

        var next = places.TryTake(Alice, 1, out _);
        Assert.NotNull(next);
        Assert.True(StillLoop.WasWoken(leaves));
        Assert.Null(places.TryTake(Alice, 1, out _));

        // It is counted no more: when its descriptor is closed at last nobody else gains a place.
        place.Leave();
        Assert.Null(places.TryTake(Alice, 1, out _));
        Assert.Equal((1, 1), (places.Taken, places.Addresses));
        next.Leave();
        Assert.Equal((0, 0), (places.Taken, places.Addresses));
    }

    [Fact]
    public void An_address_at_its_limit_gets_no_place_of_others_and_a_hub_at_its_limit_gives_that_of_anybody()
    {
        using var loop = new StillLoop();
        var places = new ConnectionPlaces(3);
        var ofBob = loop.Connect();
        _ = places.TryTake(Alice, 2, out _);
        _ = places.TryTake(Alice, 2, out _);
        places.TryTake(Bob, 2, out _)!.Yield(ofBob, isAllSent: true);
        Assert.Null(places.TryTake(Alice, 2, out bool isOfAddress));
        Assert.True(isOfAddress);
        Assert.False(StillLoop.WasWoken(ofBob));
        Assert.NotNull(places.TryTake(Address("192.0.2.3"), 2, out _));
        Assert.True(StillLoop.WasWoken(ofBob));
    }

    [Fact]
    public void Who_has_everything_sent_gives_way_first_and_then_who_has_been_closing_for_longest()
    {
        using var loop = new StillLoop();
        var places = new ConnectionPlaces(4);
        var connections = Enumerable.Range(0, 4).Select(_ => loop.Connect()).ToList();
        var taken = connections.ConvertAll(_ => places.TryTake(Alice, 4, out bool _)!);
        for (int i = 0; i < 4; i++)
        {
            taken[i].Yield(connections[i], isAllSent: i == 2);
        }

        // The second has sent its last now, and stands behind the third.
        taken[1].Yield(connections[1], isAllSent: true);
        foreach (int next in (int[])[2, 1, 0, 3])
        {
            Assert.False(StillLoop.WasWoken(connections[next]));
            Assert.NotNull(places.TryTake(Alice, 4, out _));
            Assert.True(StillLoop.WasWoken(connections[next]));
        }

        Assert.Null(places.TryTake(Alice, 4, out _));
    }

    [Fact]
    public void Who_has_closed_gives_way_no_more()
    {
        using var loop = new StillLoop();
        var places = new ConnectionPlaces(3);
        var connections = Enumerable.Range(0, 3).Select(_ => loop.Connect()).ToList();
        var taken = connections.ConvertAll(_ => places.TryTake(Alice, 3, out bool _)!);
        for (int i = 0; i < 3; i++)
        {
            taken[i].Yield(connections[i], isAllSent: true);
        }

        taken[1].Leave();
        Assert.NotNull(places.TryTake(Alice, 3, out _));
        Assert.All(connections, connection => Assert.False(StillLoop.WasWoken(connection)));
        taken[0].Leave();
        taken[2].Leave();
        Assert.Equal(1, places.Taken);
        Assert.False(places.TryMakeRoom());
    }

    [Fact]
    public void Nobody_is_accepted_while_many_descriptors_are_still_to_be_given_back()
    {
        using var loop = new StillLoop();
        var places = new ConnectionPlaces(ConnectionPlaces.MaxGivingWay);
        var taken = Enumerable.Range(0, ConnectionPlaces.MaxGivingWay).Select(_ => places.TryTake()!).ToList();
        foreach (var place in taken)
        {
            place.Yield(loop.Connect(), isAllSent: true);
        }

        for (int i = 0; i < ConnectionPlaces.MaxGivingWay; i++)
        {
            Assert.True(places.MayAccept);
            Assert.NotNull(places.TryTake());
        }

        Assert.False(places.MayAccept);
        taken[0].Leave();
        Assert.True(places.MayAccept);
    }

    [Fact]
    public void Where_there_is_no_descriptor_one_that_is_closing_gives_way_and_others_wait_for_it()
    {
        using var loop = new StillLoop();
        var places = new ConnectionPlaces(10, maxRefused: 1);
        Assert.False(places.TryMakeRoom());
        var (leaves, refused) = (loop.Connect(), loop.Connect());
        var place = places.TryTake()!;
        place.Yield(leaves, isAllSent: false);
        var ofRefused = places.TryTakeToRefuse()!;
        Assert.Null(places.TryTakeToRefuse());
        ofRefused.Yield(refused, isAllSent: true);

        Assert.True(places.TryMakeRoom());
        Assert.True(StillLoop.WasWoken(refused));
        Assert.True(places.TryMakeRoom());
        Assert.False(StillLoop.WasWoken(leaves));
        ofRefused.Leave();
        Assert.True(places.TryMakeRoom());
        Assert.True(StillLoop.WasWoken(leaves));
        place.Leave();
        Assert.False(places.TryMakeRoom());
        Assert.Equal(0, places.Taken);
    }

    private static NetworkAddress Address(string text) => new(new PeerAddress(new IPEndPoint(IPAddress.Parse(text), 5_000).Serialize().Buffer.Span));
}
