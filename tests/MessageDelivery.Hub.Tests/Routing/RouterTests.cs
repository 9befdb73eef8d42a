using CsCheck;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Tests.Transport;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Tests.Routing;

/// <summary>Who gets a relay, what the sender is told, and when it goes on.</summary>
public sealed class RouterTests : IDisposable
{
    private const ulong Nobody = 999;

    private readonly StillLoop _still = new();
    private readonly UserRegistry _users;
    private readonly User[] _listed;
    private readonly Router _router;
    private readonly Delivery _delivery;
    private readonly Connection _sender;
    private readonly PendingRelay _relay;
    private readonly FakeReceiver _first = new();
    private readonly FakeReceiver _second = new();

    public RouterTests()
    {
        _users = new(_still.Pool);
        _router = new(_users, _still.Loop);
        _delivery = new(_still.Pool);
        _sender = _still.Connect();
        _relay = new(_sender);
        _listed = [_users.Add(_first), _users.Add(_second)];
    }

    public void Dispose()
    {
        Array.ForEach(_listed, _users.Remove);
        _still.Dispose();
    }

    [Fact]
    public void Each_receiver_is_delivered_to_whatever_becomes_of_the_others()
    {
        _first.Answer = QueueResult.Full;
        Assert.True(Route(mayWait: false, 1, Nobody, 2));
        Assert.Equal([Outcome.Full, Outcome.Unknown, Outcome.Accepted], Settled());
        var counters = _router.Counters;
        Assert.Equal(1, counters.NotDelivered[(int)Outcome.Full]);
        Assert.Equal(1, counters.NotDelivered[(int)Outcome.Unknown]);
        Assert.Equal(1, counters.DeliveriesQueued);
        Assert.Equal(1, counters.RelaysReceived);
        Assert.Equal(0, counters.Waits);
    }

    [Fact]
    public void Who_is_listed_twice_gets_one_copy_and_each_entry_the_outcome() => Gen.Select(
        Gen.Int[1, 6].Array[1, 40], Gen.Int[0, 2].Array[5]).Sample((listed, states) =>
    {
        using var still = new StillLoop();
        var users = new UserRegistry(still.Pool);
        QueueResult[] results = [QueueResult.Accepted, QueueResult.Full, QueueResult.Closed];
        FakeReceiver[] receivers = [.. states.Select(state => new FakeReceiver { Answer = results[state] })];
        User[] present = [.. receivers.Select(users.Add)];
        var router = new Router(users, still.Loop);
        var relay = new PendingRelay(still.Connect());
        var delivery = new Delivery(still.Pool);
        listed.Select(id => (ulong)id).ToArray().CopyTo(relay.Begin(listed.Length));
        delivery.Begin(77, 3, 30);

        Assert.True(router.Route(delivery, relay, mayWait: false));
        router.Complete(relay);
        // The sixth is nobody.
        Assert.Equal(listed.Select(id => id == 6 ? Outcome.Unknown : Expected(results[states[id - 1]])), relay.Outcomes.ToArray());
        for (int id = 1; id <= 5; id++)
        {
            Assert.Equal(listed.Contains(id) ? 1 : 0, receivers[id - 1].Offered.Count);
        }

        int accepted = listed.Distinct().Count(id => id < 6 && states[id - 1] == 0);
        Assert.Equal(3 * accepted, router.Counters.DeliveriesQueued);
        Assert.Equal(30 * accepted, router.Counters.BodyBytesQueued);
        Assert.Equal(3 * (listed.Distinct().Count() - accepted), router.Counters.NotDelivered.Sum());
        Array.ForEach(present, users.Remove);
    }, iter: 200);

    [Fact]
    public void A_sender_goes_on_when_the_last_wait_has_ended()
    {
        _first.Answer = _second.Answer = QueueResult.Waiting;
        Assert.False(Route(mayWait: true, 2, 1, 2, Nobody));
        Assert.Equal(2, _router.Counters.Waits);
        _first.EndWait(accepted: true);
        Assert.False(_relay.IsDone);
        Assert.False(StillLoop.WasWoken(_sender));
        _second.EndWait(accepted: false);
        Assert.True(_relay.IsDone);
        Assert.True(StillLoop.WasWoken(_sender));
        Assert.Equal([Outcome.Unknown, Outcome.Accepted, Outcome.Unknown, Outcome.Unknown], Settled());
        Assert.Equal(2, _router.Counters.NotDelivered[(int)Outcome.Unknown]);
    }

    [Fact]
    public void Waits_that_end_on_another_thread_before_everything_is_queued_are_no_waits()
    {
        _first.Answer = _second.Answer = QueueResult.Waiting;
        _first.WhileQueueing = () => Elsewhere(() => _first.EndWait(accepted: true));
        _second.WhileQueueing = () => Elsewhere(() => _second.EndWait(accepted: false));
        Assert.True(Route(mayWait: true, 1, 2));
        Assert.False(StillLoop.WasWoken(_sender));
        Assert.Equal([Outcome.Accepted, Outcome.Unknown], Settled());
        Assert.Equal(1, _router.Counters.NotDelivered[(int)Outcome.Unknown]);
    }

    [Fact]
    public async Task A_sender_is_woken_exactly_if_it_was_told_to_wait()
    {
        _first.Answer = QueueResult.Waiting;
        using var queued = new SemaphoreSlim(0);
        _first.WhileQueueing = () => queued.Release();
        using var ended = new SemaphoreSlim(0);
        const int Times = 20_000;
        var ending = Task.Run(() =>
        {
            for (int i = 0; i < Times; i++)
            {
                queued.Wait();
                _first.EndWait(accepted: true);
                ended.Release();
            }
        });
        for (int i = 0; i < Times; i++)
        {
            var sender = _still.Connect();
            var relay = new PendingRelay(sender);
            relay.Begin(1)[0] = 1;
            _delivery.Begin(7, 1, 0);
            bool isDone = _router.Route(_delivery, relay, mayWait: true);
            Assert.True(await ended.WaitAsync(TimeSpan.FromSeconds(20)));
            Assert.Equal(!isDone, StillLoop.WasWoken(sender));
            Assert.Equal(Outcome.Accepted, relay[0]);
        }

        await ending.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void A_relay_after_a_larger_one_has_nothing_of_it()
    {
        Assert.True(Route(mayWait: true, [.. Enumerable.Range(1, ProtocolLimits.MaxReceivers).Select(id => (ulong)id)]));
        Assert.Equal(Outcome.Unknown, Settled()[^1]);
        Assert.True(Route(mayWait: true, 2));
        Assert.Equal([Outcome.Accepted], Settled());
        Assert.Equal([2UL], _relay.Receivers.ToArray());
    }

    [Fact]
    public void Who_does_not_read_its_own_answers_waits_for_room()
    {
        using var still = new StillLoop(queueLimitBytes: 100);
        var sender = still.Connect();
        var relay = new PendingRelay(sender);
        Assert.False(relay.WaitsForRoom(sender.Outbound));
        sender.Send(new byte[150]);
        Assert.True(relay.WaitsForRoom(sender.Outbound));
        Assert.False(StillLoop.WasWoken(sender));
        var peer = new FakePeer { Room = 60 };
        sender.Outbound.Flush(peer, peer, scheduled: true);
        Assert.True(StillLoop.WasWoken(sender));
        Assert.True(relay.IsDone);
        Assert.False(relay.WaitsForRoom(sender.Outbound));
        sender.Outbound.Close(peer);
    }

    private static Outcome Expected(QueueResult result) => result switch
    {
        QueueResult.Accepted => Outcome.Accepted,
        QueueResult.Full or QueueResult.Overflowed => Outcome.Full,
        QueueResult.Held => Outcome.Held,
        _ => Outcome.Unknown,
    };

    private static void Elsewhere(Action action) => Assert.True(Task.Run(action).Wait(TimeSpan.FromSeconds(20)));

    private bool Route(bool mayWait, params ulong[] receivers)
    {
        receivers.CopyTo(_relay.Begin(receivers.Length));
        _delivery.Begin(7, 1, 10);
        return _router.Route(_delivery, _relay, mayWait);
    }

    private Outcome[] Settled()
    {
        _router.Complete(_relay);
        return _relay.Outcomes.ToArray();
    }
}
