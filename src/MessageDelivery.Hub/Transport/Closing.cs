using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Transport.Layers;

namespace MessageDelivery.Hub.Transport;

/// <summary>
/// How a connection closes in good order: it sends what is queued, tells its peer that nothing follows, and lingers: closing a socket
/// with unread input resets it and takes our last words along, so that input is read and dropped for a while. The loop's thread.
/// </summary>
internal sealed class Closing(Connection connection)
{
    private const int LingerMilliseconds = 2_000;
    private const int ShutdownLingerMilliseconds = 250;
    private const int MaxDropsPerTurn = 4;
    private const long MaxLingerBytes = 64L << 20;

    private byte[] _lastWords = [];
    private long _lingered;

    /// <summary>When it is closed in any case, in the loop's milliseconds.</summary>
    public long Deadline { get; private set; } = long.MaxValue;

    /// <summary>Whether everything was sent, and telling the peer so waits for room.</summary>
    public bool IsFinishing { get; private set; }

    private ConnectionSettings Settings => connection.Host.Settings;

    private bool IsShuttingDown => connection.Host.IsShuttingDown;

    private long Now => connection.Loop.Now;

    /// <summary>Sends what is queued, and nothing more.</summary>
    public void Drain()
    {
        Deadline = Now + (IsShuttingDown ? Settings.DrainMilliseconds : Settings.StallMilliseconds);
        Complete();
    }

    /// <summary>Sends what is queued in a queue that outlives the connection, as far as it goes, and then the last words.</summary>
    public void DrainKept(ReadOnlySpan<byte> lastWords)
    {
        _lastWords = lastWords.ToArray();
        Deadline = Now + Settings.StallMilliseconds;
        HandOver();
    }

    /// <summary>Lets go of the queue that outlives the connection, once nobody else sends from that.</summary>
    public void HandOver()
    {
        var queued = new SegmentList();
        try
        {
            if (!connection.Outbound.TryCopyTo(queued))
            {
                connection.Post(ConnectionWork.HandOver);
                return;
            }

            connection.Lifetime.NoteHandedOver();
            connection.Outbound = new(connection.Loop.Pool, Settings.QueueLimitBytes, connection);
            connection.Outbound.Add(queued.Items, connection.Loop);
        }
        finally
        {
            queued.ReleaseAll();
        }

        connection.SendLast(_lastWords);
        Complete();
    }

    /// <summary>Everything was sent.</summary>
    public void Linger()
    {
        if (connection.Lifetime.Phase == ConnectionPhase.Draining)
        {
            IsFinishing = !connection.Lifetime.TryBeginLinger();
            if (!IsFinishing)
            {
                Deadline = Now + (IsShuttingDown ? ShutdownLingerMilliseconds : LingerMilliseconds);
                DropInput();
            }
        }
    }

    /// <summary>Drops what the peer still sends.</summary>
    public void DropInput()
    {
        for (int reads = 0; reads < MaxDropsPerTurn; reads++)
        {
            long dropped = connection.Layer.Drop(BlockSizes.LargeBytes);
            if (dropped == ByteLayer.WouldBlock)
            {
                return;
            }

            _lingered += dropped;
            if (dropped <= 0 || _lingered > MaxLingerBytes)
            {
                connection.Abort(connection.Reason);
                return;
            }
        }

        connection.Post(ConnectionWork.Receive);
    }

    /// <summary>The hub stops: there is less time.</summary>
    public void ShutDown() => Deadline = Math.Min(Deadline, Now + Settings.DrainMilliseconds);

    /// <summary>A peer that still takes something gets all of it, however long that is.</summary>
    public void NoteProgress(long lastProgress) => Deadline = lastProgress + Settings.StallMilliseconds;

    private void Complete()
    {
        connection.BeginWatch();
        if (connection.Outbound.Complete(connection.Loop))
        {
            Linger();
        }
    }
}
