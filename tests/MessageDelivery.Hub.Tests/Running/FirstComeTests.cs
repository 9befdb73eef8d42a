using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Tests.Running;

/// <summary>First come, first served: in a turn, too, whoever was first in line is the first to be sent to.</summary>
public sealed class FirstComeTests
{
    [Fact]
    public void Receivers_are_sent_to_in_the_order_in_which_they_are_listed()
    {
        using var hub = new SteppedLoop(queueLimitBytes: 1 << 20);
        var sender = hub.Join();
        ulong[] receivers = Shuffled([.. Enumerable.Range(0, ProtocolLimits.MaxReceivers).Select(_ => hub.Join().Id)]);

        sender.Send(Peer.Relay([1, 2, 3], RelayFlags.None, receivers));

        Assert.Equal(receivers, hub.Settle());
    }

    [Fact]
    public void Users_are_answered_in_the_order_in_which_they_asked()
    {
        using var hub = new SteppedLoop(queueLimitBytes: 1 << 20);
        SteppedUser[] users = Shuffled([.. Enumerable.Range(0, 50).Select(_ => hub.Join())]);

        foreach (var user in users)
        {
            Ask(user, FrameType.Identity);
        }

        Assert.Equal(users.Select(user => user.Id), hub.Settle());
    }

    [Fact]
    public void Senders_that_waited_for_a_receiver_go_on_in_the_order_in_which_they_came()
    {
        using var hub = new SteppedLoop(queueLimitBytes: 10_000);
        var receiver = hub.Join();
        var filler = hub.Join();
        SteppedUser[] senders = Shuffled([.. Enumerable.Range(0, 30).Select(_ => hub.Join())]);
        while (!hub.Settle().Contains(filler.Id) || filler.Read()[^1] == (byte)Outcome.Accepted)
        {
            filler.Send(Peer.Relay(new byte[5_000], RelayFlags.Receipt | RelayFlags.BestEffort, receiver.Id));
        }

        foreach (var sender in senders)
        {
            sender.Send(Peer.Relay([1], RelayFlags.Receipt, receiver.Id));
        }

        Assert.Empty(hub.Settle());
        // All of them have room now, in one turn.
        receiver.Read();

        Assert.Equal(senders.Select(sender => sender.Id), hub.Settle().Where(id => id != receiver.Id));
    }

    [Fact]
    public void Watchers_are_told_in_the_order_in_which_they_began()
    {
        using var hub = new SteppedLoop(queueLimitBytes: 1 << 20);
        SteppedUser[] watchers = Shuffled([.. Enumerable.Range(0, 20).Select(_ => hub.Join())]);
        foreach (var watcher in watchers)
        {
            Ask(watcher, FrameType.List, (byte)ListFlags.Watch);
            hub.Settle();
        }

        hub.Join();
        hub.Settle();
        hub.Wait(TimeSpan.FromMilliseconds(200));

        Assert.Equal(watchers.Select(watcher => watcher.Id), hub.Settle());
    }

    private static void Ask(SteppedUser user, FrameType type, byte flags = 0)
    {
        Span<byte> frame = stackalloc byte[ProtocolLimits.HeaderBytes];
        new FrameHeader(type, flags, 0, 0).Write(frame);
        user.Send(frame);
    }

    private static T[] Shuffled<T>(T[] items)
    {
        new Random(1).Shuffle(items);
        return items;
    }
}
