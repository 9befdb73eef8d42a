using System.ComponentModel;
using System.Net;
using System.Net.Sockets;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Transport.Layers;

namespace MessageDelivery.Hub.Tests.Running;

/// <summary>A loop that cannot go on, and what cannot begin: nobody waits for it, and nothing is left behind.</summary>
public sealed class FailingLoopTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_loop_that_cannot_go_on_ends_though_it_accepts()
    {
        using var pool = new BlockPool(64 << 20);
        var events = new FailingEvents();
        using var loop = new EventLoop(0, pool, TimeProvider.System, events);
        using var listener = Listen(loop);
        loop.Start();
        listener.Listen();
        await loop.RespondAsync().WaitAsync(Patience);
        loop.Call(FailEachTurn);
        await loop.Ended.WaitAsync(Patience);
        Assert.True(events.HasEnded);
        Assert.False(loop.Call(static () => { }));
        await Assert.ThrowsAsync<InvalidOperationException>(() => loop.RespondAsync().WaitAsync(Patience));
        await listener.StopAsync().WaitAsync(Patience);

        void FailEachTurn()
        {
            loop.Call(FailEachTurn);
            throw new InvalidTimeZoneException();
        }
    }

    [Fact]
    public void A_listener_that_cannot_begin_keeps_no_descriptor()
    {
        const int Times = 300;
        using var pool = new BlockPool(64 << 20);
        using var loop = new EventLoop(0, pool, TimeProvider.System, new FailingEvents());
        using var silent = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        int before = Reserves();
        for (int i = 0; i < Times; i++)
        {
            Assert.Throws<ArgumentException>(() => new Listener(loop, silent.SafeHandle, 0, default, new Nobody()));
        }

        // Other tests open some, too.
        Assert.InRange(Reserves() - before, -Times, Times / 2);

        // The descriptor that a listener keeps in reserve; others come and go with the tests beside this one.
        static int Reserves() => Directory.EnumerateFileSystemEntries("/proc/self/fd").Count(static entry => new FileInfo(entry).LinkTarget == "/dev/null");
    }

    [Fact]
    public void A_wait_for_events_that_cannot_begin_keeps_no_descriptor()
    {
        const int Times = 300;
        int before = OpenFiles.Count();
        for (int i = 0; i < Times; i++)
        {
            // The machine gives no descriptor to wake it with; then one that it cannot watch.
            Assert.Throws<Win32Exception>(() => new Epoll(wake: -1));
            Assert.Throws<Win32Exception>(() => new Epoll(OpenOwnFile()));
        }

        // Other tests open some, too.
        Assert.InRange(OpenFiles.Count() - before, -Times, Times / 2);
    }

    /// <summary>What waited for room to say that nothing follows lingers no longer than others.</summary>
    [Fact]
    public void A_connection_that_could_finish_late_lingers_as_long_as_others()
    {
        using var pool = new BlockPool(64 << 20);
        using var loop = new EventLoop(0, pool, TimeProvider.System, new FailingEvents());
        var host = new ConnectionHost(loop, new(64 << 20, StallMilliseconds: 600_000, DrainMilliseconds: 600_000));
        var layer = new LateLayer();
        loop.Call(static () => { });
        loop.TurnHere();
        Connection? connection = null;
        host.Adopt(layer, new NoSlot(), default, (adopted, _) => new Silence(connection = adopted));
        connection!.Close(CloseReason.Left);
        layer.HasRoom = true;
        connection.OnReady(Libc.EpollOut);
        Assert.InRange(connection.Due - loop.Now, 0, 2_000);
        connection.Abort(CloseReason.Left);
        loop.TurnHere();
        Assert.Equal(0, loop.Counters.Connections);
    }

    private static unsafe int OpenOwnFile()
    {
        fixed (byte* path = "/proc/self/exe\0"u8)
        {
            int descriptor = Libc.Open(path, Libc.CloseOnExec);
            Assert.True(descriptor >= 0);
            return descriptor;
        }
    }

    private static Listener Listen(EventLoop loop) => new(loop, new IPEndPoint(IPAddress.Loopback, 0), 8, 0, default, new Nobody());

    /// <summary>Fails itself when it is told of one entry's failure, so that the turn fails, too; not when it is told of that.</summary>
    private sealed class FailingEvents : ILoopEvents
    {
        private int _failures;

        public bool HasEnded { get; private set; }

        public void ConnectionFailed(Exception exception)
        {
            if (!HasEnded && ++_failures % 3 != 0)
            {
                throw exception;
            }
        }

        public void LoopFailed(Exception exception) => HasEnded = true;
    }

    private sealed class Nobody : IListenerEvents
    {
        public bool MayAccept => true;

        public bool TryMakeRoom() => false;

        public void Accepted(ByteLayer layer, in PeerAddress peer) => layer.Close();

        public void TurnedAway(in PeerAddress peer)
        {
        }

        public void AcceptFailed(IPEndPoint endpoint, int error)
        {
        }
    }

    private sealed class NoSlot : IConnectionSlot
    {
        public void Yield(Connection connection, bool isAllSent)
        {
        }

        public void Release()
        {
        }
    }

    private sealed class Silence(Connection connection) : IProtocol
    {
        public long Deadline => long.MaxValue;

        public void OnDeadline()
        {
        }

        public int Consume(in Segment input) => input.Length;

        public int RequestBytes(ReadOnlySpan<byte> front, bool isReceived) => 0;

        public void Resumed()
        {
        }

        public void End(CloseReason reason) => connection.Close(reason);

        public void Closed(CloseReason reason)
        {
        }
    }

    /// <summary>Has no room at first for what it says at the end.</summary>
    private sealed class LateLayer : ByteLayer
    {
        public bool HasRoom { get; set; }

        public override int Descriptor => -1;

        public override int UnacknowledgedBytes => 0;

        public override long Receive(Span<byte> destination, LoopCounters counters, out bool more)
        {
            more = false;
            return WouldBlock;
        }

        public override long Drop(int bytes) => WouldBlock;

        public override long Send(ReadOnlySpan<Libc.IoVector> vectors, LoopCounters counters) => 0;

        public override bool TryFinish(LoopCounters counters) => HasRoom;

        public override bool HasVanished(long afterMilliseconds) => false;

        public override void ResetOnClose()
        {
        }

        public override void Close()
        {
        }
    }
}
