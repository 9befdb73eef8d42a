using System.Buffers.Binary;
using System.Net.Sockets;

namespace MessageDelivery.Client.Tests;

/// <summary>Runs alone: what others allocate at the same time would count.</summary>
[CollectionDefinition(nameof(AllocationTests), DisableParallelization = true)]
public sealed class AloneCollection;

[Collection(nameof(AllocationTests))]
public sealed class AllocationTests
{
    private const int Count = 20_000;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_relay_that_is_taken_at_once_allocates_nothing(bool resumable)
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = resumable
            ? await hub.ConnectResumableAsync(hub.Resumable with { SendBufferBytes = 1 << 30 })
            : await hub.ConnectAsync(hub.Options with { SendBufferBytes = 1 << 30 });
        await using var _ = client;
        Task draining = DrainAsync(peer.Socket);
        byte[] body = new byte[128];
        ulong[] receivers = [1, 2, 3];
        long least = long.MaxValue;
        for (int round = 0; round < 10 && least > 0; round++)
        {
            least = Math.Min(least, Burst(client, receivers, body));
            Task<ulong> identity = client.GetIdentityAsync().AsTask();
            await peer.SendAsync(Frames.Heartbeat(), Frames.Identity(1));
            await identity.Soon();
            await Soonness.UntilAsync(() => client.PendingSendBytes == 0);
        }

        // The least of several rounds: filling the pool is not the steady state.
        Assert.Equal(0, least);
        peer.Socket.Shutdown(SocketShutdown.Both);
        await draining.Soon();

        static long Burst(HubClient client, ulong[] receivers, byte[] body)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < Count / 2; i++)
            {
                if (!client.RelayAsync(7, body).AsTask().IsCompletedSuccessfully || !client.RelayAsync(receivers, body).AsTask().IsCompletedSuccessfully)
                {
                    Assert.Fail("a relay had to wait");
                }
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Sending_allocates_nothing_on_any_thread_and_receiving_only_the_delivery(bool resumable)
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = resumable ? await hub.ConnectResumableAsync() : await hub.ConnectAsync();
        await using var _ = client;
        byte[] body = new byte[100];
        byte[] batch = [.. Enumerable.Repeat(Frames.Delivery(2, body), 1000).SelectMany(frame => frame)];
        Task draining = DrainAsync(peer.Socket);
        byte[] acknowledgement = Frames.Ack(0);
        ulong acknowledged = 0;
        long minSent = long.MaxValue, minReceived = long.MaxValue;
        await using IAsyncEnumerator<Delivery> reader = client.ReceiveAsync().GetAsyncEnumerator();
        for (int round = 0; round < 10; round++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            for (int i = 0; i < Count; i++)
            {
                await client.RelayAsync(7, body);
                if (resumable && i % 1000 == 999)
                {
                    acknowledged += 1000;
                    BinaryPrimitives.WriteUInt64LittleEndian(acknowledgement.AsSpan(8), acknowledged);
                    peer.Socket.Send(acknowledgement);
                }
            }

            await Soonness.UntilAsync(() => client.PendingSendBytes == 0);
            minSent = Math.Min(minSent, GC.GetTotalAllocatedBytes(precise: true) - before);

            before = GC.GetTotalAllocatedBytes(precise: true);
            for (int i = 0; i < Count / 1000; i++)
            {
                await peer.Socket.SendAsync(batch.AsMemory());
                for (int received = 0; received < 1000; received++)
                {
                    Assert.True(await reader.MoveNextAsync());
                    reader.Current.Dispose();
                }
            }

            minReceived = Math.Min(minReceived, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        Assert.InRange((double)minSent / Count, 0, 1);
        Assert.InRange((double)minReceived / Count, 0, 80);
        peer.Socket.Shutdown(SocketShutdown.Both);
        await draining.Soon();
    }

    private static async Task DrainAsync(Socket socket)
    {
        byte[] buffer = new byte[256 * 1024];
        try
        {
            while (await socket.ReceiveAsync(buffer.AsMemory()) > 0)
            {
            }
        }
        catch (SocketException)
        {
        }
    }
}
