using System.Collections.Concurrent;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Transport.Layers;

namespace MessageDelivery.Hub.Transport;

/// <summary>What is kept for a peer that has no connection at the moment.</summary>
internal interface IBacklog
{
    long HeldBytes { get; }

    /// <summary>Drops it, for the memory it holds.</summary>
    void GiveUp();
}

/// <summary>The connections of one loop. The loop's thread, except where it says otherwise.</summary>
internal sealed class ConnectionHost : IHousekeeper
{
    // Edges: where a closed socket's duplicate lives on, as in a child that is being started, its events are no more than noise.
    public const uint SocketEvents = Libc.EpollIn | Libc.EpollOut | Libc.EpollRdHup | Libc.EpollEdge;

    private readonly VanishedPeers? _vanished;

    // Those that another loop has accepted, and what takes the first of them: nothing is allocated for each.
    private readonly ConcurrentQueue<Newcomer> _newcomers = new();
    private readonly Action _adoptNext;

    public ConnectionHost(EventLoop loop, ConnectionSettings settings)
    {
        Loop = loop;
        Settings = settings;
        _vanished = settings.KeepAliveMilliseconds > 0 ? new(this) : null;
        _adoptNext = AdoptNext;
        loop.Housekeeper = this;
    }

    public EventLoop Loop { get; }

    public ConnectionSettings Settings { get; }

    /// <summary>Connections that have ended. Read by any thread.</summary>
    public CloseCounts Closed { get; } = new();

    public bool IsShuttingDown { get; private set; }

    /// <summary>What is kept for peers that were last on this loop and are away.</summary>
    public HashSet<IBacklog> Backlogs { get; } = [];

    /// <summary>The connections at this moment.</summary>
    public IEnumerable<Connection> Connections
    {
        get
        {
            foreach (var entry in Loop.Entries)
            {
                if (entry is Connection connection)
                {
                    yield return connection;
                }
            }
        }
    }

    /// <summary>Makes a connection, which takes up <paramref name="slot"/> and owns the layer. Any thread.</summary>
    /// <param name="converse">Makes what is spoken on it, with its number. The loop's thread.</param>
    /// <param name="number">Its number among all that were accepted.</param>
    public void Adopt(ByteLayer layer, IConnectionSlot slot, PeerAddress peer, Func<Connection, long, IProtocol> converse, long number = 0)
    {
        var newcomer = new Newcomer(layer, slot, peer, converse, number);
        if (Loop.IsCurrent)
        {
            AdoptHere(newcomer);
            return;
        }

        _newcomers.Enqueue(newcomer);
        if (!TryCallToAdopt() && _newcomers.TryDequeue(out var left))
        {
            // As many as are called for stay, whichever this is.
            left.Release();
        }
    }

    /// <summary>Lets every connection say goodbye, and ends the loop when all are gone.</summary>
    public void ShutDown()
    {
        IsShuttingDown = true;
        foreach (var connection in Connections)
        {
            connection.Post(ConnectionWork.ShutDown);
        }

        Loop.Stop();
    }

    /// <summary>Closes every connection at once.</summary>
    public void AbortAll()
    {
        foreach (var connection in Connections)
        {
            Loop.Failures.Call(connection, () => connection.Abort(CloseReason.ShuttingDown));
        }
    }

    public void KeepHouse(long shortMilliseconds) => MemoryRelief.Seek(this, shortMilliseconds);

    /// <summary>False if the loop has ended, or there is no memory to call it.</summary>
    private bool TryCallToAdopt()
    {
        try
        {
            return Loop.Call(_adoptNext);
        }
        catch (Exception exception)
        {
            Loop.NoteFailure(exception);
            return false;
        }
    }

    private void AdoptNext()
    {
        if (_newcomers.TryDequeue(out var newcomer))
        {
            AdoptHere(newcomer);
        }
    }

    private void AdoptHere(in Newcomer newcomer)
    {
        Connection? connection = null;
        try
        {
            connection = new(this, newcomer.Layer, newcomer.Slot, newcomer.Peer);
            if (Loop.TryAdd(connection, newcomer.Layer.Descriptor, SocketEvents))
            {
                Loop.Counters.Connections++;
                connection.Handler = newcomer.Converse(connection, newcomer.Number);
                connection.Reschedule();
                connection.BeginReceiving();
                _vanished?.Begin();
                return;
            }
        }
        catch (Exception exception)
        {
            Loop.NoteFailure(exception);
            if (connection is { Tag: not 0 })
            {
                connection.Fail();
                return;
            }
        }

        newcomer.Release();
    }

    /// <summary>What a connection is made of.</summary>
    private readonly record struct Newcomer(
        ByteLayer Layer, IConnectionSlot Slot, PeerAddress Peer, Func<Connection, long, IProtocol> Converse, long Number)
    {
        public void Release()
        {
            Layer.Close();
            Slot.Release();
        }
    }
}
