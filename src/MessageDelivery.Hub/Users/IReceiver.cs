using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;

namespace MessageDelivery.Hub.Users;

/// <summary>Where a user's deliveries go. Any thread.</summary>
internal interface IReceiver
{
    /// <summary>Queues a delivery.</summary>
    /// <param name="waiter">Who waits if the queue is full; null if nobody is to wait.</param>
    /// <param name="index">Which of the waiter's deliveries this is.</param>
    /// <param name="running">The loop whose thread this is.</param>
    QueueResult Deliver(Delivery delivery, IDeliveryWaiter? waiter, int index, EventLoop running);

    /// <summary>Nobody waits any more for it to acknowledge the message that has this number among all that it counts.</summary>
    void Forget(ulong number, IOutlet outlet)
    {
    }

    /// <summary>The user's token was revoked: its connection ends, and its session.</summary>
    void Remove()
    {
    }
}
