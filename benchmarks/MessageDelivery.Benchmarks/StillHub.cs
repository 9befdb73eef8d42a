using System.Buffers.Binary;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Protocols;
using MessageDelivery.Hub.Protocols.Binary;
using MessageDelivery.Hub.Resuming;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Transport.Layers;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;
using Microsoft.Extensions.Logging.Abstractions;

namespace MessageDelivery.Benchmarks;

/// <summary>
/// A hub without sockets whose loop's thread never runs: binary users, and a network that takes everything at once. All that
/// the benchmarks know of the hub's insides is here.
/// </summary>
internal sealed class StillHub : ILoopEvents, IOutboundSink, IDisposable
{
    private readonly ConnectionHost _host;
    private readonly BinaryServices _services;

    public StillHub()
    {
        Pool = new(256 << 20);
        Users = new(Pool);
        Loop = new(0, Pool, TimeProvider.System, this);
        _host = new(Loop, new(QueueLimitBytes: 64 << 20, StallMilliseconds: 10_000, DrainMilliseconds: 10_000));
        var term = new SessionTerm(WindowMilliseconds: 0, RetentionBytes: 0, ConfirmMilliseconds: 1, MaxAway: 0);
        // On a clock that stands still, a rate would soon let nobody do anything.
        var limits = new SessionLimits(HeartbeatSeconds: 0, MaxConnections: 1) { User = new() { ListsPerSecond = 0, EchoesPerSecond = 0 } };
        _services = new(new(_host, new(Users, term, NullLogger.Instance), limits, NullLogger.Instance));
    }

    public BlockPool Pool { get; }

    public UserRegistry Users { get; }

    public EventLoop Loop { get; }

    bool IOutboundSink.HasToSay => false;

    /// <summary>Bytes the network has taken.</summary>
    public long SentBytes { get; private set; }

    /// <summary>A block with these bytes in front; the caller's to release.</summary>
    public Segment Fill(ReadOnlySpan<byte> bytes)
    {
        var block = Pool.Rent(BlockSizes.For(bytes.Length));
        bytes.CopyTo(block.Span(0, bytes.Length));
        return new(block, 0, bytes.Length);
    }

    public StillUser Join()
    {
        var connection = new Connection(_host, new SocketLayer(-1), new ConnectionQuota(1).TryTake()!, peer: default);
        var user = Users.Add(null!);
        var session = new BinarySession(_services, connection, user, resumable: null);
        connection.Handler = session;
        user.Receiver = session;
        return new(this, connection, user, session);
    }

    public bool HasToSay => false;

    public long Send(ReadOnlySpan<Segment> segments, LoopCounters counters)
    {
        long bytes = Segment.TotalBytes(segments);
        SentBytes += bytes;
        return bytes;
    }

    public void ConnectionFailed(Exception exception) => throw exception;

    public void LoopFailed(Exception exception) => throw exception;

    public void Dispose()
    {
        Loop.ReceiveBuffer.Dispose();
        Loop.CopyBuffer.Dispose();
        Loop.Dispose();
        Pool.Dispose();
    }
}

/// <summary>A binary user of a still hub.</summary>
internal sealed class StillUser(StillHub hub, Connection connection, User user, BinarySession session)
{
    public ulong Id => user.Id;

    /// <summary>Puts whole frames in front of the session, as if they had been received there.</summary>
    public void Receive(in Segment frames)
    {
        if (session.Consume(frames) != frames.Length)
        {
            throw new InvalidOperationException($"Not all of {frames.Length} bytes were taken.");
        }
    }

    public void Queue(ReadOnlySpan<Segment> segments) => connection.Outbound.TryAdd(segments, units: 1, null, null, 0, hub.Loop);

    public void Flush()
    {
        while (connection.Outbound.Flush(hub, hub.Loop, scheduled: true) == FlushResult.More)
        {
        }
    }

    public void Leave() => hub.Users.Remove(user);
}

/// <summary>Frames as clients send them.</summary>
internal static class ClientFrames
{
    public static readonly byte[] List = [(byte)FrameType.List, 0, 0, 0, 0, 0, 0, 0];

    public static byte[] Relay(int bodyBytes, params ReadOnlySpan<ulong> receivers)
    {
        int head = RelayLayout.HeadBytes(RelayFlags.None, receivers.Length);
        var frame = new byte[head + bodyBytes];
        new FrameHeader(FrameType.Relay, 0, (ushort)receivers.Length, (uint)(frame.Length - ProtocolLimits.HeaderBytes)).Write(frame);
        for (int i = 0; i < receivers.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(frame.AsSpan(ProtocolLimits.HeaderBytes + (i * sizeof(ulong))), receivers[i]);
        }

        return frame;
    }
}
