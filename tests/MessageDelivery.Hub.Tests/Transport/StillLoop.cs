using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Transport.Layers;

namespace MessageDelivery.Hub.Tests.Transport;

/// <summary>An event loop whose thread never runs, and connections without a socket: what tests do to them is all that happens.</summary>
internal sealed class StillLoop : ILoopEvents, IDisposable
{
    public StillLoop(long queueLimitBytes = 64 << 20)
    {
        Pool = new(64 << 20);
        Loop = new(0, Pool, TimeProvider.System, this);
        Host = new(Loop, new(queueLimitBytes, 10_000, 10_000));
    }

    public BlockPool Pool { get; }

    public EventLoop Loop { get; }

    public ConnectionHost Host { get; }

    public Connection Connect() => new(Host, new SocketLayer(-1), new ConnectionQuota(1).TryTake()!, peer: default);

    /// <summary>Whether work was left for the connection; a connection that went to sleep was woken.</summary>
    public static bool WasWoken(Connection connection) => !connection.NotePosted(0);

    public void ConnectionFailed(Exception exception) => throw exception;

    public void LoopFailed(Exception exception) => throw exception;

    /// <summary>Everything has to be let go by now.</summary>
    public void Dispose()
    {
        Loop.ReceiveBuffer.Dispose();
        Loop.CopyBuffer.Dispose();
        Loop.Dispose();
        Assert.Equal(0, Pool.OutstandingBlocks);
        Pool.Dispose();
    }
}
