using System.Buffers.Binary;
using MessageDelivery.Protocol;

namespace MessageDelivery.Client.Tests;

public sealed class BackpressureTests
{
    [Fact]
    public async Task A_reader_that_stops_stops_the_client_from_reading_and_what_waits_stays_bounded()
    {
        const int limit = 200_000, body = 10_000, count = 4000;
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(hub.Options with { ReceiveBufferBytes = limit });
        await using var _ = client;

        // 40 MB: more than the kernel keeps for a loopback connection, so this cannot end while nobody reads.
        Task sending = Task.Run(async () =>
        {
            byte[] frame = Frames.Delivery(2, new byte[body]);
            for (int i = 0; i < count; i++)
            {
                await peer.SendBytesAsync(frame);
            }
        });
        await Soonness.UntilAsync(() => client.PendingDeliveryBytes >= limit);
        Assert.False(sending.IsCompleted);
        int received = 0;
        await foreach (Delivery delivery in client.ReceiveAsync())
        {
            // At every step: the limit and the one message that was taken below it.
            Assert.InRange(client.PendingDeliveryBytes, 0, limit + body + 64);
            delivery.Dispose();
            if (++received == count)
            {
                break;
            }
        }

        await sending.Soon();
    }

    [Fact]
    public async Task Empty_bodies_count_too()
    {
        var queue = new DeliveryQueue(640);
        var block = ReceiveBlock.Rent(0);
        for (int i = 0; i < 9; i++)
        {
            Assert.True(queue.TryEnqueue(new(1, block, 0, 0)));
            Assert.True(queue.HasRoom);
        }

        Assert.True(queue.TryEnqueue(new(1, block, 0, 0)));
        Assert.False(queue.HasRoom);
        ValueTask room = queue.WaitForRoomAsync();
        Assert.False(room.IsCompleted);
        await using IAsyncEnumerator<Delivery> reader = queue.ReadAsync(default).GetAsyncEnumerator();
        Assert.True(await reader.MoveNextAsync().Soon());
        await room.Soon();
        Assert.True(queue.HasRoom);
    }

    [Fact]
    public async Task Callers_wait_when_the_hub_does_not_read_and_a_cancelled_one_is_never_sent()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(hub.Options with { SendBufferBytes = 100_000 });
        await using var _ = client;
        byte[] body = new byte[60_000];

        // 60 MB: more than the kernel keeps for a loopback connection, so the last cannot have been taken while nobody reads.
        Task[] relays = [.. Enumerable.Range(0, 1000).Select(i => client.RelayAsync((ulong)i, body).AsTask())];
        Assert.True(relays[0].IsCompletedSuccessfully);
        Assert.False(relays[^1].IsCompleted);

        using var cancel = new CancellationTokenSource();
        Task cancelled = client.RelayAsync(999_999, body, default, cancel.Token).AsTask();
        Task cancelledReceipt = client.RelayWithReceiptAsync(999_999, body, default, cancel.Token).AsTask();
        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.Soon());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelledReceipt.Soon());
        for (int i = 0; i < relays.Length; i++)
        {
            Assert.Equal((ulong)i, (await peer.ExpectAsync(FrameType.Relay)).U64());
        }

        await Task.WhenAll(relays).Soon();
        await peer.ExpectAsync(FrameType.Heartbeat);
        await peer.ExpectAsync(FrameType.Identity);
        await peer.SendAsync(Frames.Heartbeat(), Frames.Identity(1));
        await identity.Soon();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4 << 20)]
    public async Task Relays_of_concurrent_callers_keep_each_callers_order_and_none_is_lost(long sendBufferBytes)
    {
        const int callers = 8, each = 1000;
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(hub.Options with { SendBufferBytes = sendBufferBytes });
        await using var _ = client;
        Task[] calling = [.. Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            var waiting = new List<Task>();
            for (int i = 0; i < each; i++)
            {
                // Not waited for one by one: order is that of the calls, not that of their completion.
                byte[] body = new byte[4 + (i * 7 % 300)];
                BinaryPrimitives.WriteInt32LittleEndian(body, i);
                waiting.Add(client.RelayAsync((ulong)caller, body).AsTask());
            }

            await Task.WhenAll(waiting);
        }))];
        int[] next = new int[callers];
        for (int i = 0; i < callers * each; i++)
        {
            ReceivedFrame frame = await peer.ExpectAsync(FrameType.Relay);
            int number = next[frame.U64()]++;
            Assert.Equal(number, BinaryPrimitives.ReadInt32LittleEndian(frame.Payload.AsSpan(8)));
            Assert.Equal(12 + (number * 7 % 300), frame.Payload.Length);
        }

        await Task.WhenAll(calling).Soon();
    }
}
