namespace MessageDelivery.Hub.Transport;

/// <summary>
/// What loops do while memory is low. Receivers that take nothing are cut off after the stall limit, which for now holds for
/// every queue with something in it. If memory has been low without a break for twice the stall limit, the connections that
/// hold most of it are closed, one a second, whether it waits for them to read or to finish what they began to send. So a full hub
/// cannot stand still.
/// </summary>
internal static class MemoryRelief
{
    public static void Seek(EventLoop loop, ConnectionTable connections)
    {
        // With many loops and little memory, these alone might be what is missing.
        loop.ReceiveBuffer.LetGoIfExclusive();
        loop.CopyBuffer.LetGoIfExclusive();
        Connection? largest = null;
        long most = 0;
        foreach (var connection in connections)
        {
            connection.Reschedule();
            // What a paused sender has in hand is not its doing, but the receiver's that it waits for.
            long input = connection.IsPaused ? 0 : connection.UnfinishedInputBytes;
            long bytes = Math.Max(input, connection.Outbound.PendingBytes);
            if (!connection.IsClosed && bytes > most)
            {
                largest = connection;
                most = bytes;
            }
        }

        if (loop.Pool.TryClaimRelief(loop.Now, 2 * loop.StallMilliseconds, most))
        {
            largest!.GiveUp();
        }
    }
}
