using System.Runtime.CompilerServices;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Tests.Transport;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Tests.Routing;

/// <summary>What is kept of relays that wait to be confirmed, without sockets and time.</summary>
public sealed class UnconfirmedRelaysTests
{
    [Fact]
    public void What_waits_does_not_keep_the_senders_session()
    {
        using var still = new StillLoop();
        var line = new AcknowledgementLine(still.Pool, new object());
        var owner = Relay(still, line);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();

        Assert.False(owner.IsAlive);
        Assert.Equal(AcknowledgementLine.EntryBytes, line.Bytes);
        line.Acknowledge(1);
        line.Tell(still.Loop);
        Assert.Equal(0, still.Pool.OutstandingBlocks);
    }

    [Fact]
    public void Each_receipt_comes_once_with_what_is_known_then()
    {
        using var still = new StillLoop();
        var line = new AcknowledgementLine(still.Pool, new object());
        var owner = new Owner();
        var relays = new UnconfirmedRelays(still.Pool, new UserRegistry(still.Pool), 10_000, owner);

        // Acknowledged before it is known what became of the relay for the others.
        relays.Begin(7, [5, 9, 5, 6]);
        Join(line, relays, 0, 1);
        Join(line, relays, 3, 2);
        line.Acknowledge(1);
        line.Tell(still.Loop);
        Assert.Empty(owner.Receipts);
        relays.NoteOutcomes([5, 9, 5, 6], [Outcome.Accepted, Outcome.Unknown, Outcome.Accepted, Outcome.Held], still.Loop);
        Assert.Empty(owner.Receipts);
        line.Acknowledge(2);
        line.Tell(still.Loop);
        Assert.Equal("7: Delivered Unknown Delivered Delivered", Assert.Single(owner.Receipts));

        // Nobody acknowledges: known at once.
        relays.Begin(8, [3]);
        relays.NoteOutcomes([3], [Outcome.Unknown], still.Loop);
        Assert.Equal("8: Unknown", owner.Receipts[1]);

        // The receiver goes without a word.
        relays.Begin(9, [5]);
        Join(line, relays, 0, 3);
        relays.NoteOutcomes([5], [Outcome.Held], still.Loop);
        line.End();
        line.Tell(still.Loop);
        Assert.Equal("9: Held", owner.Receipts[2]);
        relays.Close(still.Loop);
        Assert.Equal(3, owner.Receipts.Count);
    }

    [Fact]
    public void A_sender_waits_at_the_most_and_is_told_to_go_on()
    {
        using var still = new StillLoop();
        var line = new AcknowledgementLine(still.Pool, new object());
        var owner = new Owner();
        var relays = new UnconfirmedRelays(still.Pool, new UserRegistry(still.Pool), 10_000, owner);
        for (int i = 0; i < UnconfirmedRelays.MaxReceivers; i++)
        {
            Assert.False(relays.MustWait);
            relays.Begin((ulong)i, [5]);
            Join(line, relays, 0, (ulong)i + 1);
            relays.NoteOutcomes([5], [Outcome.Accepted], still.Loop);
        }

        Assert.True(relays.MustWait);
        line.Acknowledge(1);
        line.Tell(still.Loop);
        Assert.Equal(1, owner.GoneOn);
        Assert.False(relays.MustWait);
        line.Acknowledge(UnconfirmedRelays.MaxReceivers);
        line.Tell(still.Loop);
        TakeTurns(still);
        Assert.Equal(UnconfirmedRelays.MaxReceivers, owner.Receipts.Count);
        Assert.Equal(1, owner.GoneOn);
        relays.Close(still.Loop);
    }

    [Fact]
    public void A_relay_for_which_there_is_no_memory_leaves_nothing_behind()
    {
        using var still = new StillLoop();
        var relays = new UnconfirmedRelays(still.Pool, new UserRegistry(still.Pool), 10_000, new Owner());
        int rents = 0;
        still.Pool.RentFails = () => ++rents > 1;
        Assert.Throws<InsufficientMemoryException>(() => relays.Begin(1, new ulong[255]));
        still.Pool.RentFails = null;
        Assert.Equal(2, rents);
        Assert.Equal(0, still.Pool.OutstandingBlocks);
        relays.Close(still.Loop);
    }

    [Fact]
    public void A_receiver_that_fails_to_forget_keeps_no_other_from_it()
    {
        using var still = new StillLoop();
        var users = new UserRegistry(still.Pool);
        var line = new AcknowledgementLine(still.Pool, new object());
        var forgotten = new List<ulong>();
        ulong faulty = users.Add(new ForgettingReceiver(_ => throw new InvalidTimeZoneException())).Id;
        ulong good = users.Add(new ForgettingReceiver(forgotten.Add)).Id;
        var relays = new UnconfirmedRelays(still.Pool, users, 10_000, new Owner());
        relays.Begin(1, [faulty, good]);
        Join(line, relays, 0, 1);
        Join(line, relays, 1, 2);
        relays.NoteOutcomes([faulty, good], [Outcome.Accepted, Outcome.Accepted], still.Loop);

        Assert.Throws<InvalidTimeZoneException>(() => relays.Close(still.Loop));
        TakeTurns(still);
        Assert.Equal([2], forgotten);
        line.End();
        line.Tell(still.Loop);
        users.Remove(users.Find(faulty)!);
        users.Remove(users.Find(good)!);
    }

    private sealed class ForgettingReceiver(Action<ulong> forget) : IReceiver
    {
        public QueueResult Deliver(Delivery delivery, IDeliveryWaiter? waiter, int index, EventLoop running) => QueueResult.Closed;

        public void Forget(ulong number, IOutlet outlet) => forget(number);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Relay(StillLoop still, AcknowledgementLine line)
    {
        var owner = new Owner();
        var relays = new UnconfirmedRelays(still.Pool, new UserRegistry(still.Pool), 10_000, owner);
        relays.Begin(1, [5]);
        Join(line, relays, 0, 1);
        relays.NoteOutcomes([5], [Outcome.Accepted], still.Loop);
        relays.Close(still.Loop);
        return new(owner);
    }

    private static void Join(AcknowledgementLine line, UnconfirmedRelays relays, int index, ulong number)
    {
        Assert.True(line.TryReserve());
        line.Join(relays, index, number);
    }

    private static void TakeTurns(StillLoop still)
    {
        for (int i = 0; i < 100; i++)
        {
            // A loop with a call to make does not wait for events.
            still.Loop.Call(static () => { });
            still.Loop.TurnHere();
        }
    }

    private sealed class Owner : IConfirmationOwner
    {
        public List<string> Receipts { get; } = [];

        public int GoneOn { get; private set; }

        public void Confirmed(ulong correlation, ReadOnlySpan<Outcome> outcomes, IOutlet outlet) =>
            Receipts.Add($"{correlation}: {string.Join(' ', outcomes.ToArray())}");

        public void GoOn() => GoneOn++;

        public void Failed(Exception exception) => throw exception;
    }
}
