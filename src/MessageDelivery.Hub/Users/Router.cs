using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Users;

/// <summary>Finds the receivers of relays and hands them their deliveries. Each loop has its own.</summary>
internal sealed class Router(UserRegistry users, EventLoop loop)
{
    private readonly Dictionary<ulong, int> _firstIndexes = new(ProtocolLimits.MaxReceivers);

    public RouterCounters Counters { get; } = new();

    /// <summary>
    /// Delivers to every receiver of <paramref name="relay"/> once, whatever becomes of the others. True if all outcomes are
    /// known; else the sender has to wait and is resumed when they are.
    /// </summary>
    public bool Route(Delivery delivery, PendingRelay relay, bool mayWait)
    {
        var receivers = relay.Receivers;
        var rights = relay.Rights;
        mayWait &= !relay.LeavesOutFull;
        bool repeats = MayRepeat(receivers);
        long accepted = 0;
        int waiting = 0;
        relay.Queueing(delivery.Relays);
        for (int i = 0; i < receivers.Length; i++)
        {
            if (repeats && !_firstIndexes.TryAdd(receivers[i], i))
            {
                continue;
            }

            var result = users.Find(receivers[i]) is { } user && (rights is null || rights.Reaches(user.Group))
                ? user.Receiver.Deliver(delivery, mayWait ? relay : null, i, loop)
                : QueueResult.Closed;
            switch (result)
            {
                case QueueResult.Accepted or QueueResult.Held:
                    relay[i] = result == QueueResult.Held ? Outcome.Held : Outcome.Accepted;
                    accepted++;
                    break;
                case QueueResult.Waiting:
                    waiting++;
                    break;
                default:
                    var outcome = result == QueueResult.Closed ? Outcome.Unknown : Outcome.Full;
                    relay[i] = outcome;
                    Counters.NotDelivered[(int)outcome] += delivery.Relays;
                    break;
            }
        }

        Counters.RelaysReceived += delivery.Relays;
        Counters.BodyBytesReceived += delivery.BodyBytes;
        Counters.Waits += waiting;
        Counters.DeliveriesQueued += (accepted + waiting) * delivery.Relays;
        Counters.BodyBytesQueued += (accepted + waiting) * delivery.BodyBytes;
        delivery.End();
        bool isDone = relay.Queued(waiting);
        if (isDone && waiting > 0)
        {
            CountRefused(relay);
        }

        return isDone;
    }

    /// <summary>
    /// Completes a relay that is done: counts what waited in vain, and gives each repeated receiver the outcome that it has
    /// where it is listed first.
    /// </summary>
    public void Complete(PendingRelay relay)
    {
        CountRefused(relay);
        var receivers = relay.Receivers;
        if (!MayRepeat(receivers))
        {
            return;
        }

        for (int i = 0; i < receivers.Length; i++)
        {
            if (!_firstIndexes.TryAdd(receivers[i], i))
            {
                relay[i] = relay[_firstIndexes[receivers[i]]];
            }
        }
    }

    private void CountRefused(PendingRelay relay)
    {
        Counters.NotDelivered[(int)Outcome.Unknown] += relay.TakeRefused();
        Counters.NotDelivered[(int)Outcome.Full] += relay.TakeOverflowed();
    }

    /// <summary>Whether a receiver may be listed twice; lists that ascend, as clients mostly send them, cannot.</summary>
    private bool MayRepeat(ReadOnlySpan<ulong> receivers)
    {
        for (int i = 1; i < receivers.Length; i++)
        {
            if (receivers[i] <= receivers[i - 1])
            {
                _firstIndexes.Clear();
                return true;
            }
        }

        return false;
    }
}
