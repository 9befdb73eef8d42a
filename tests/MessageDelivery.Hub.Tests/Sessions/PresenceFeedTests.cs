using System.Buffers;
using CsCheck;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Protocols.Binary;
using MessageDelivery.Hub.Tests.Transport;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;
using Microsoft.Extensions.Logging.Abstractions;

namespace MessageDelivery.Hub.Tests.Sessions;

/// <summary>
/// Watchers without sockets: what each knows is who is there, whatever comes between; and what that costs. Batches are told
/// when the test says so.
/// </summary>
public sealed class PresenceFeedTests : IDisposable
{
    private const long QueueLimitBytes = 256;

    private readonly StillLoop _still = new(QueueLimitBytes);
    private readonly UserRegistry _users;
    private readonly BinaryServices _services;
    private readonly List<WatchingUser> _watchers = [];
    private readonly List<User> _guests = [];

    public PresenceFeedTests()
    {
        _users = new(_still.Pool);
        _services = Services(_users, _still);
    }

    public void Dispose()
    {
        _watchers.ForEach(watcher => watcher.Leave());
        _guests.ForEach(_users.Remove);
        _still.Dispose();
    }

    private enum Step
    {
        Join,
        Leave,
        Watch,
        EndWatch,
        StopReading,
        Read,
        Tell,
    }

    /// <summary>
    /// Users come and go, and watch on two loops, of which each tells its batches when it likes. In the end each watcher that
    /// reads knows who is there; that nothing is told twice is looked at with each frame.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_watcher_knows_who_is_there(bool randomIds) => Gen.Select(
        Gen.Frequency(
            (6, Gen.Const(Step.Join)),
            (5, Gen.Const(Step.Leave)),
            (3, Gen.Const(Step.Watch)),
            (1, Gen.Const(Step.EndWatch)),
            (1, Gen.Const(Step.StopReading)),
            (2, Gen.Const(Step.Read)),
            (3, Gen.Const(Step.Tell))),
        Gen.Int[0, 1_000]).Array[1, 200].Sample(steps =>
    {
        using var still = new StillLoop(QueueLimitBytes);
        var users = new UserRegistry(still.Pool, randomIds ? RandomIds.Create() : null);
        BinaryServices[] loops = [Services(users, still), Services(users, still)];
        WatchingUser[] watchers = [.. Enumerable.Range(0, 6).Select(i => new WatchingUser(loops[i % 2], still))];
        var guests = new List<User>();
        foreach (var (step, which) in steps)
        {
            var watcher = watchers[which % watchers.Length];
            switch (step)
            {
                case Step.Join:
                    guests.Add(users.Add(null!));
                    break;
                case Step.Leave when guests.Count > 0:
                    users.Remove(guests[which % guests.Count]);
                    guests.RemoveAt(which % guests.Count);
                    break;
                case Step.Watch:
                    watcher.List(ListFlags.Watch);
                    break;
                case Step.EndWatch:
                    watcher.List(ListFlags.None);
                    break;
                case Step.StopReading:
                    watcher.Reads = false;
                    break;
                case Step.Read:
                    watcher.Reads = true;
                    watcher.Receive();
                    break;
                case Step.Tell:
                    loops[which % 2].Presence.OnDue();
                    watcher.Receive();
                    break;
                default:
                    break;
            }
        }

        ulong[] all = [.. watchers.Select(watcher => watcher.Id), .. guests.Select(guest => guest.Id)];
        foreach (var watcher in watchers)
        {
            watcher.Reads = true;
            watcher.Receive();
        }

        Array.ForEach(loops, loop => loop.Presence.OnDue());
        foreach (var watcher in watchers)
        {
            watcher.Receive();
            if (watcher.IsWatching)
            {
                Assert.Equal(all.Order().Where(id => id != watcher.Id), watcher.Known);
            }

            watcher.Leave();
        }

        Assert.Equal(0, users.Watchers);
        guests.ForEach(users.Remove);
    }, iter: 300);

    [Fact]
    public void One_batch_is_written_for_all_who_were_told_the_one_before()
    {
        const int Watchers = 1_000;
        const int Joins = 1_000;
        Watch(Watchers);
        Settle();
        int before = _still.Pool.OutstandingBlocks;
        for (int batch = 1; batch <= 3; batch++)
        {
            Join(Joins);
            int pages = _still.Pool.OutstandingBlocks - before;
            _services.Presence.OnDue();
            Assert.Equal(before + pages + 1, _still.Pool.OutstandingBlocks);
            _watchers.ForEach(watcher => watcher.Receive());
            Assert.Equal(before + pages, _still.Pool.OutstandingBlocks);
            Assert.All(_watchers, watcher => Assert.Equal(batch, watcher.Told.Count));
            Assert.All(_watchers, watcher => Assert.Equal(Joins, watcher.Told[^1].Ids.Length));
        }
    }

    [Fact]
    public void Who_comes_and_goes_within_a_batch_is_left_out()
    {
        Watch(1);
        Settle();
        Join(3);
        Leave(1);
        Tell();
        Assert.Equal("Joined 2 4", _watchers[0].ToldText);

        Leave(1);
        Join(1);
        Leave(1);
        Leave(0);
        Tell();
        Assert.Equal("Joined 2 4, Left 2 4", _watchers[0].ToldText);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Frames_ascend_and_no_id_is_in_both_in_whatever_order_ids_are_given(bool randomIds)
    {
        using var still = new StillLoop();
        var users = new UserRegistry(still.Pool, randomIds ? RandomIds.Create() : null);
        var services = Services(users, still);
        var watcher = new WatchingUser(services, still);
        watcher.List(ListFlags.Watch);
        watcher.Receive();
        User[] first = [.. Enumerable.Range(0, 50).Select(_ => users.Add(null!))];
        services.Presence.OnDue();
        watcher.Receive();
        Assert.Equal(first.Select(user => user.Id).Order(), watcher.Told[0].Ids);

        // Half of those who were there go, and half of those who come.
        User[] second = [.. Enumerable.Range(0, 50).Select(_ => users.Add(null!))];
        User[] gone = [.. first.Concat(second).Where((_, i) => i % 2 == 0)];
        Array.ForEach(gone, users.Remove);
        services.Presence.OnDue();
        watcher.Receive();
        Assert.Equal(second.Except(gone).Select(user => user.Id).Order(), watcher.Told[1].Ids);
        Assert.Equal(first.Intersect(gone).Select(user => user.Id).Order(), watcher.Told[2].Ids);
        Assert.Equal(3, watcher.Told.Count);
        watcher.Leave();
        Array.ForEach([.. first.Concat(second).Except(gone)], users.Remove);
    }

    [Fact]
    public void Who_begins_within_a_batch_is_told_what_came_after_its_list()
    {
        Watch(1);
        Join(2);
        Watch(1);
        Leave(0);
        Join(1);
        Tell();
        Assert.Equal("Joined 3 4 5", _watchers[0].ToldText);
        Assert.Equal("Joined 5, Left 2", _watchers[1].ToldText);
    }

    [Fact]
    public void Nothing_is_kept_while_nobody_watches()
    {
        Watch(1);
        Join(1);
        _watchers[0].List(ListFlags.None);
        var kept = new ArrayBufferWriter<PresenceEvent>();
        Assert.Equal((0, 1), _users.ReadPresence(kept, from: 0));
        Join(10);
        Tell();
        Assert.Empty(_watchers[0].Told);
        Assert.Equal([2UL], _watchers[0].Known);
        Assert.Equal((0, 1), _users.ReadPresence(kept, from: 1));
        Assert.Equal(1, kept.WrittenCount);
    }

    [Fact]
    public void Who_does_not_read_is_told_nothing_more_and_catches_up()
    {
        Watch(2);
        Settle();
        _watchers[0].Reads = false;
        for (int i = 0; i < 500; i++)
        {
            Join(2);
            Tell();
            Leave(0);
            Tell();
        }

        Assert.InRange(_watchers[0].Connection.Outbound.PendingBytes, QueueLimitBytes, QueueLimitBytes + 64);
        Assert.Equal(1_000, _watchers[1].Told.Count);
        Assert.NotEqual(WheelEntry.None, _services.Presence.Slot);

        _watchers[0].Reads = true;
        Tell();
        Tell();
        Assert.Equal(_watchers[1].Known.Where(id => id > 2), _watchers[0].Known.Where(id => id > 2));
        Assert.Equal(501, _watchers[0].Known.Count);
        Assert.InRange(_watchers[0].Told.Count, 2, 30);
    }

    [Fact]
    public void Who_is_further_behind_than_events_are_kept_is_cut_off()
    {
        Watch(2);
        Settle();
        _watchers[0].Reads = false;
        Join(100);
        Tell();
        Assert.True(_watchers[0].Connection.Outbound.IsFull);
        for (int i = 0; i < PresenceLog.MaxEvents / 2; i++)
        {
            _users.Remove(_users.Add(null!));
        }

        _services.Presence.OnDue();
        Assert.True(_watchers[0].Connection.IsOpen);
        _watchers[1].Receive();

        Join(1);
        _services.Presence.OnDue();
        Assert.False(_watchers[0].Connection.IsOpen);
        Assert.Equal(1, _users.Watchers);
        Tell();
        Assert.Equal(_guests.Select(guest => guest.Id), _watchers[1].Known);
    }

    [Fact]
    public void A_frame_holds_all_that_is_kept()
    {
        Watch(1);
        Settle();
        Join(PresenceLog.MaxEvents);
        Tell();
        Assert.Equal(ProtocolLimits.MaxIdsPerFrame, Assert.Single(_watchers[0].Told).Ids.Length);

        // In any order.
        foreach (var guest in _guests.OrderBy(guest => guest.Id % 1_021))
        {
            _users.Remove(guest);
        }

        _guests.Clear();
        Tell();
        Assert.Equal((PresenceChange.Left, ProtocolLimits.MaxIdsPerFrame), (_watchers[0].Told[1].Change, _watchers[0].Told[1].Ids.Length));
        Assert.Empty(_watchers[0].Known);
    }

    [Fact]
    public void Telling_allocates_nothing()
    {
        Watch(10);
        long best = long.MaxValue;
        for (int round = 0; round < 100; round++)
        {
            Join(20);
            Leave(0);
            long before = GC.GetAllocatedBytesForCurrentThread();
            _services.Presence.OnDue();
            best = Math.Min(best, GC.GetAllocatedBytesForCurrentThread() - before);
            _watchers.ForEach(watcher => watcher.Receive());
        }

        Assert.Equal(0, best);
    }

    private static BinaryServices Services(UserRegistry users, StillLoop still) =>
        new(new(still.Host, new(users, new(0, 0, 1, 0), NullLogger.Instance), new(HeartbeatSeconds: 0, MaxConnections: 1), NullLogger.Instance));

    private void Watch(int count)
    {
        for (int i = 0; i < count; i++)
        {
            var watcher = new WatchingUser(_services, _still);
            watcher.List(ListFlags.Watch);
            watcher.Receive();
            _watchers.Add(watcher);
        }
    }

    private void Join(int count) => _guests.AddRange(Enumerable.Range(0, count).Select(_ => _users.Add(null!)));

    private void Leave(int guest)
    {
        _users.Remove(_guests[guest]);
        _guests.RemoveAt(guest);
    }

    /// <summary>Tells the watchers of each other, and begins to count.</summary>
    private void Settle()
    {
        Tell();
        _watchers.ForEach(watcher => watcher.Told.Clear());
    }

    private void Tell()
    {
        _services.Presence.OnDue();
        _watchers.ForEach(watcher => watcher.Receive());
    }
}
