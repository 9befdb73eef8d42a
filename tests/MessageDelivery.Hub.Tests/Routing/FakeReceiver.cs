using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Users;

namespace MessageDelivery.Hub.Tests.Routing;

/// <summary>Does with its deliveries what it is told to.</summary>
internal sealed class FakeReceiver : IReceiver
{
    private readonly List<WaitingDelivery> _line = [];

    public QueueResult Answer { get; set; }

    /// <summary>The bytes of each delivery, whatever became of it.</summary>
    public List<byte[]> Offered { get; } = [];

    /// <summary>Of how many segments each was.</summary>
    public List<int> Segments { get; } = [];

    /// <summary>Called when a delivery waits, before the sender knows.</summary>
    public Action? WhileQueueing { get; set; }

    public QueueResult Deliver(Delivery delivery, IDeliveryWaiter? waiter, int index, EventLoop running)
    {
        byte[] bytes = [];
        foreach (var segment in delivery.Frames.Items)
        {
            bytes = [.. bytes, .. segment.Span];
        }

        Offered.Add(bytes);
        Segments.Add(delivery.Frames.Count);
        if (Answer != QueueResult.Waiting)
        {
            return Answer;
        }

        if (waiter is null)
        {
            return QueueResult.Full;
        }

        _line.Add(waiter.DeliveryAt(index));
        WhileQueueing?.Invoke();
        return QueueResult.Waiting;
    }

    public void EndWait(bool accepted)
    {
        WaitingDelivery[] line = [.. _line];
        _line.Clear();
        Array.ForEach(line, delivery => delivery.Waiter.WaitEnded(delivery, accepted ? QueueResult.Accepted : QueueResult.Closed));
    }
}
