namespace MessageDelivery.Hub.Transport;

/// <summary>
/// What a loop does while memory is low. Receivers that take nothing are cut off after the stall limit, which for now holds
/// for every queue with something in it. If that frees none for another stall limit, the connection whose unfinished input
/// holds most is closed: it may be one that will never finish. So a full hub cannot stand still.
/// </summary>
internal static class MemoryRelief
{
    public static void Seek(EventLoop loop, ConnectionTable connections)
    {
        // With many loops and little memory, these alone might be what is missing.
        loop.ReceiveBuffer.LetGoIfExclusive();
        loop.CopyBuffer.LetGoIfExclusive();
        Connection? largest = null;
        foreach (var connection in connections)
        {
            connection.Reschedule();
            if (connection.IsOpen && connection.UnfinishedInputBytes > (largest?.UnfinishedInputBytes ?? 0))
            {
                largest = connection;
            }
        }

        // Also when there is no candidate here, so that the clock of low memory starts; another loop may have one.
        if (loop.Pool.TryClaimRelief(loop.Now, largest is null ? long.MaxValue : 2 * loop.StallMilliseconds))
        {
            largest!.Handler.Overloaded();
        }
    }
}
