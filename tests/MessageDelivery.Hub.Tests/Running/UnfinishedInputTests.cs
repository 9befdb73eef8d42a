using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Tests.Running;

/// <summary>Frames that begin and never end fill the message memory; those who hold it are cut off, and others are served.</summary>
public sealed class UnfinishedInputTests
{
    private static readonly TimeSpan Stall = TimeSpan.FromMilliseconds(200);

    public static TheoryData<int, int, int, int> Floods => new()
    {
        // loops, connections, bytes declared, bytes sent
        { 2, 16, 1 << 20, (1 << 20) - 1 },
        { 1, 800, 15_000, 12_000 },
    };

    /// <summary>Not one for each stall limit: that many connections would keep the others out for minutes.</summary>
    [Theory]
    [MemberData(nameof(Floods))]
    public async Task Others_are_served_after_a_few_stall_limits(int loops, int connections, int declared, int sent)
    {
        await using var hub = new MessageHub(new()
        {
            Listen = [new(IPAddress.Loopback, 0)],
            EventLoops = loops,
            MemoryLimitBytes = BlockPool.MinLimitBytes,
            StallTimeout = Stall,
            DrainTimeout = TimeSpan.Zero,
        });
        await hub.StartAsync();
        using var sender = new Peer(hub.Endpoints[0]);
        using var receiver = new Peer(hub.Endpoints[0]);
        byte[] beginning = [.. Peer.Relay(new byte[declared], RelayFlags.None, receiver.Id).Take(sent)];
        var flood = Enumerable.Range(0, connections).Select(_ => new Peer(hub.Endpoints[0])).ToList();
        foreach (var peer in flood)
        {
            // What the kernel does not take at once is sent by nobody: these frames never end.
            peer.Socket.Blocking = false;
            peer.Socket.Send(beginning, SocketFlags.None, out _);
        }

        for (int i = 0; i < 2_000 && !hub.Pool!.IsShort; i++)
        {
            await Task.Delay(10);
        }

        Assert.True(hub.Pool!.IsShort);

        var body = new byte[1_000];
        var delivery = new byte[16 + body.Length];
        for (long number = 0; number < 50; number++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(body, number);
            sender.Send(Peer.Relay(body, RelayFlags.None, receiver.Id));
            receiver.Receive(delivery);
            Assert.Equal(number, BinaryPrimitives.ReadInt64LittleEndian(delivery.AsSpan(16)));
        }

        // What is small passes them while they have time; then whoever leaves something unfinished is in the way.
        for (int i = 0; i < 2_000 && !flood.Any(WasToldOverloaded); i++)
        {
            Assert.True(i < 1_999, "The hub had memory for all of them.");
            await Task.Delay(10);
        }

        flood.ForEach(peer => peer.Dispose());
        sender.Dispose();
        receiver.Dispose();
        await hub.StopAsync();
        Assert.Equal(0, hub.OutstandingBlocks);
    }

    private static bool WasToldOverloaded(Peer peer)
    {
        var frame = new byte[ProtocolLimits.HeaderBytes];
        return peer.Socket.Receive(frame, SocketFlags.None, out _) == frame.Length
            && FrameHeader.Read(frame) is { Type: FrameType.GoodbyeReply, Argument: (ushort)ProtocolCode.Overloaded };
    }
}
