using System.Buffers.Binary;
using System.ComponentModel;
using System.Runtime.InteropServices;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Protocols;
using MessageDelivery.Hub.Protocols.Detection;
using MessageDelivery.Hub.Resuming;
using MessageDelivery.Hub.Transport.Layers;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace MessageDelivery.Hub.Tests.Running;

/// <summary>
/// A hub of one event loop whose turns are taken here, and binary users at the other ends of socket pairs: what the hub sends has
/// arrived when its call returns, so that the order in which they are sent to can be seen.
/// </summary>
internal sealed class SteppedLoop : ILoopEvents, IDisposable
{
    private const int IdleTurns = 3;

    private readonly BlockPool _pool = new(64 << 20);
    private readonly FakeTimeProvider _time = new();
    private readonly EventLoop _loop;
    private readonly SessionTable _sessions;
    private readonly Detector _detector;
    private readonly ConnectionQuota _places = new(1_000);
    private readonly Epoll _arrivals = new();
    private readonly List<SteppedUser> _users = [];

    public SteppedLoop(long queueLimitBytes)
    {
        _loop = new(0, _pool, _time, this);
        _sessions = new(new UserRegistry(_pool), new SessionTerm(120_000, 8 << 20, 30_000, 1_000), NullLogger.Instance);
        _detector = new(new(_loop, new(queueLimitBytes, 10_000, 10_000)), _sessions, new SessionLimits(0, 1_000), NullLogger.Instance);
    }

    /// <summary>Somebody who has said HELLO. The first has id 1, the next 2.</summary>
    public SteppedUser Join()
    {
        var (hub, descriptor) = SocketPair.Open();
        var user = new SteppedUser(descriptor, (ulong)_users.Count + 1);
        _users.Add(user);
        _detector.Host.Adopt(new SocketLayer(hub), _places.TryTake()!, default, _detector.Open, _users.Count);
        Span<byte> hello = stackalloc byte[12];
        new FrameHeader(FrameType.Hello, 0, ProtocolLimits.Version, 4).Write(hello);
        "MDS1"u8.CopyTo(hello[8..]);
        user.Send(hello);
        Turn();
        Turn();
        Assert.Equal(user.Id, BinaryPrimitives.ReadUInt64LittleEndian(user.Read().AsSpan(8)));
        _arrivals.Add(descriptor, Libc.EpollIn | Libc.EpollEdge, user.Id);
        Settle();
        return user;
    }

    /// <summary>Takes one turn.</summary>
    public void Turn()
    {
        // A loop with a call to make does not wait for events.
        _loop.Call(static () => { });
        _loop.TurnHere();
    }

    /// <summary>Takes turns until nothing moves any more; returns to whom something came, in that order.</summary>
    public List<ulong> Settle()
    {
        var arrivals = new List<ulong>();
        for (int idle = 0; idle < IdleTurns;)
        {
            long before = _loop.Counters.BytesReceived + _loop.Counters.BytesSent;
            Turn();
            arrivals.AddRange(Arrivals());
            idle = _loop.Counters.BytesReceived + _loop.Counters.BytesSent == before ? idle + 1 : 0;
        }

        return arrivals;
    }

    /// <summary>Lets time pass.</summary>
    public void Wait(TimeSpan time) => _time.Advance(time);

    /// <summary>To whom something has come since the last call, whoever it came to first being the first.</summary>
    public List<ulong> Arrivals()
    {
        int count = _arrivals.Wait(0);
        return [.. Enumerable.Range(0, count).Select(i => _arrivals[i].Tag)];
    }

    public void ConnectionFailed(Exception exception) => throw exception;

    public void LoopFailed(Exception exception) => throw exception;

    public void Dispose()
    {
        _users.ForEach(user => user.Close());
        for (int turns = 0; _loop.Counters.Connections > 0; turns++)
        {
            Assert.True(turns < 1_000, "A connection does not end.");
            _time.Advance(TimeSpan.FromSeconds(1));
            Turn();
        }

        _sessions.EndAll();
        _loop.ReceiveBuffer.Dispose();
        _loop.CopyBuffer.Dispose();
        Assert.Equal(0, _pool.OutstandingBlocks);
        _arrivals.Dispose();
        _loop.Dispose();
        _pool.Dispose();
    }
}

/// <summary>A user of a <see cref="SteppedLoop"/>, whose socket does not block.</summary>
internal sealed unsafe class SteppedUser(int descriptor, ulong id)
{
    public ulong Id => id;

    public void Send(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            Assert.Equal(bytes.Length, Libc.Send(descriptor, start, bytes.Length, Libc.MsgNoSignal));
        }
    }

    /// <summary>All that has come.</summary>
    public byte[] Read()
    {
        var received = new List<byte>();
        byte* room = stackalloc byte[4_096];
        while (Libc.Receive(descriptor, room, 4_096, Libc.MsgDontWait) is var count and > 0)
        {
            received.AddRange(new ReadOnlySpan<byte>(room, (int)count));
        }

        return [.. received];
    }

    public void Close() => Libc.Close(descriptor);
}

/// <summary>Two sockets that are connected to each other and do not block (socketpair(2)).</summary>
internal static unsafe partial class SocketPair
{
    private const int UnixDomain = 1;
    private const int Stream = 1;

    public static (int Hub, int Peer) Open()
    {
        int* sockets = stackalloc int[2];
        return Create(UnixDomain, Stream | Libc.NonBlocking | Libc.CloseOnExec, 0, sockets) == 0
            ? (sockets[0], sockets[1])
            : throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    [LibraryImport("libc", EntryPoint = "socketpair", SetLastError = true)]
    private static partial int Create(int domain, int type, int protocol, int* sockets);
}
