using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Tests.Running;

/// <summary>Through pipes within the process a message allocates nothing on its way either, on any thread. See <see cref="AllocationTests"/>.</summary>
[Collection(nameof(AllocationTests))]
public sealed class InProcessAllocationTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // A large batch is more than a pipe holds: both the program's end and the hub's wait for room in it.
    [Theory]
    [InlineData(1, 100)]
    [InlineData(2, 100)]
    [InlineData(1, 100_000)]
    [InlineData(2, 100_000)]
    public async Task A_message_allocates_nothing(int loops, int bodyBytes)
    {
        await using var hub = new MessageHub(new() { Listen = [new(IPAddress.Loopback, 0)], EventLoops = loops });
        await hub.StartAsync();
        using var sender = hub.ConnectInProcess();
        await SignInAsync(sender);
        using var receiver = hub.ConnectInProcess();
        ulong id = await SignInAsync(receiver);

        bool isLarge = bodyBytes > 1_000;
        int batch = isLarge ? 2 : 50, messages = isLarge ? 400 : 4_000;
        byte[] relay = Peer.Relay(new byte[bodyBytes], RelayFlags.None, id);
        byte[] relays = [.. Enumerable.Repeat(relay, batch).SelectMany(bytes => bytes)];
        byte[] deliveries = new byte[batch * (16 + bodyBytes)];
        // The round itself and the runtime now and then; an object for each batch is three times as much.
        const int allowed = 1_000;
        long best = long.MaxValue;
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < Patience && best > allowed;)
        {
            best = Math.Min(best, await Task.Run(() => RoundAsync(sender, receiver, relays, deliveries, messages / batch)));
        }

        Assert.True(best <= allowed, $"{best} bytes for {messages} messages");
        receiver.Dispose();
        sender.Dispose();
        await hub.StopAsync();
        Assert.Equal(0, hub.OutstandingBlocks);
    }

    /// <summary>Bytes allocated while so many batches are relayed. Every first read of a batch waits.</summary>
    private static async Task<long> RoundAsync(Stream sender, Stream receiver, byte[] relays, byte[] deliveries, int batches)
    {
        long before = GC.GetTotalAllocatedBytes(precise: true);
        for (int batch = 0; batch < batches; batch++)
        {
            var reading = receiver.ReadAsync(deliveries);
            var sending = sender.WriteAsync(relays);
            for (int received = await reading; received < deliveries.Length;)
            {
                received += await receiver.ReadAsync(deliveries.AsMemory(received));
            }

            await sending;
        }

        return GC.GetTotalAllocatedBytes(precise: true) - before;
    }

    private static async Task<ulong> SignInAsync(Stream stream)
    {
        byte[] hello = new byte[12];
        new FrameHeader(FrameType.Hello, 0, ProtocolLimits.Version, 4).Write(hello);
        "MDS1"u8.CopyTo(hello.AsSpan(8));
        await stream.WriteAsync(hello);
        byte[] welcome = new byte[24];
        await stream.ReadExactlyAsync(welcome);
        Assert.Equal(FrameType.Welcome, FrameHeader.Read(welcome).Type);
        return BinaryPrimitives.ReadUInt64LittleEndian(welcome.AsSpan(8));
    }
}
