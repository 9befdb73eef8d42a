using System.Diagnostics;
using System.Net;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Tests.Running;

/// <summary>Encrypted, a message allocates nothing on its way either. See <see cref="AllocationTests"/>.</summary>
[Collection(nameof(AllocationTests))]
public sealed class TlsAllocationTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData(1, 100)]
    [InlineData(2, 100)]
    [InlineData(1, 100_000)]
    [InlineData(2, 100_000)]
    public async Task A_message_allocates_nothing(int loops, int bodyBytes)
    {
        await using var hub = new MessageHub(new() { Listen = [new(IPAddress.Loopback, 0)], EventLoops = loops, Tls = TlsPeer.Options() });
        await hub.StartAsync();
        using var sender = new TlsPeer(hub.Endpoints[0]);
        using var receiver = new TlsPeer(hub.Endpoints[0]);
        bool isLarge = bodyBytes > 1_000;
        int batch = isLarge ? 2 : 50, messages = isLarge ? 400 : 4_000;
        byte[] relay = Peer.Relay(new byte[bodyBytes], RelayFlags.None, receiver.Id);
        byte[] relays = [.. Enumerable.Repeat(relay, batch).SelectMany(bytes => bytes)];
        byte[] deliveries = new byte[batch * (16 + bodyBytes)];
        // The runtime's own now and then; an object for each message is fifty times as much.
        const int allowed = 200;
        long best = long.MaxValue;
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < Patience && best > allowed;)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            for (int sent = 0; sent < messages; sent += batch)
            {
                sender.Send(relays);
                receiver.Receive(deliveries);
            }

            best = Math.Min(best, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        Assert.True(best <= allowed, $"{best} bytes for {messages} messages");
        sender.Dispose();
        receiver.Dispose();
        await hub.StopAsync();
        Assert.Equal(0, hub.OutstandingBlocks);
    }
}
