using MessageDelivery.Protocol;

namespace MessageDelivery.Client.Tests;

public sealed class ReceiveTests
{
    private static byte[] Body(int bytes, int seed)
    {
        byte[] body = new byte[bytes];
        new Random(seed).NextBytes(body);
        return body;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(4096)]
    [InlineData(int.MaxValue)]
    public async Task Deliveries_arrive_byte_for_byte_however_they_are_cut(int cut)
    {
        int[] sizes = cut == 1 ? [0, 1, 20, 300] : [0, 1, 20, 70_000, 300, 65_512, 65_520, 65_536, 1 << 20, 5, 1 << 20];
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        byte[] bytes = sizes.SelectMany((size, i) => Frames.Delivery((ulong)i + 1, Body(size, i))).ToArray();
        Task sending = Task.Run(async () =>
        {
            for (int i = 0; i < bytes.Length; i += cut)
            {
                await peer.SendBytesAsync(bytes.AsMemory(i, Math.Min(cut, bytes.Length - i)));
                if (cut > bytes.Length)
                {
                    break;
                }
            }
        });
        int next = 0;
        await foreach (Delivery delivery in client.ReceiveAsync())
        {
            Assert.Equal((ulong)next + 1, delivery.Sender);
            Assert.True(delivery.Body.Span.SequenceEqual(Body(sizes[next], next)));
            delivery.Dispose();
            if (++next == sizes.Length)
            {
                break;
            }
        }

        await sending.Soon();
    }

    [Fact]
    public void Frames_are_read_cut_at_every_two_places()
    {
        byte[] bytes = [.. Frames.Delivery(1, Body(20, 1)), .. Frames.Heartbeat(), .. Frames.Delivery(2, Body(9, 2))];
        for (int first = 0; first <= bytes.Length; first++)
        {
            for (int second = first; second <= bytes.Length; second++)
            {
                var reader = new FrameReader();
                var found = new List<(FrameType, byte[])>();
                foreach (byte[] part in new[] { bytes[..first], bytes[first..second], bytes[second..] })
                {
                    part.CopyTo(reader.GetSpace());
                    reader.Advance(part.Length);
                    while (reader.TryRead(out Frame frame) == ReadStatus.Frame)
                    {
                        found.Add((frame.Header.Type, frame.Payload.ToArray()));
                    }
                }

                Assert.False(reader.HasPartialFrame);
                reader.Release();
                Assert.Equal([FrameType.Delivery, FrameType.HeartbeatReply, FrameType.Delivery], found.Select(frame => frame.Item1));
                Assert.Equal(Body(9, 2), found[2].Item2[8..]);
            }
        }
    }

    [Fact]
    public void The_reader_never_writes_over_memory_that_a_delivery_holds()
    {
        var reader = new FrameReader();
        var held = new List<(Delivery Delivery, byte[] Body)>();
        for (int i = 0; i < 500; i++)
        {
            byte[] body = Body(i * 37 % 3000, i), frame = Frames.Delivery(1, body);
            for (int sent = 0; sent < frame.Length;)
            {
                Memory<byte> space = reader.GetSpace();
                int count = Math.Min(space.Length, frame.Length - sent);
                frame.AsMemory(sent, count).CopyTo(space);
                reader.Advance(count);
                sent += count;
            }

            Assert.Equal(ReadStatus.Frame, reader.TryRead(out Frame read));
            held.Add((new(1, read.Block, read.PayloadOffset + 8, read.PayloadBytes - 8), body));
            if (i % 3 == 0)
            {
                held[0].Delivery.Dispose();
                held.RemoveAt(0);
            }
        }

        Assert.All(held, item => Assert.Equal(item.Body, item.Delivery.Body.ToArray()));
    }

    [Fact]
    public void A_block_goes_back_when_the_reader_and_every_delivery_have_let_go_of_it()
    {
        var block = ReceiveBlock.Rent(0);
        var one = new Delivery(1, block, 0, 5);
        var two = new Delivery(1, block, 5, 5);
        block.Release();
        one.Dispose();
        one.Dispose();
        Assert.False(block.IsReturned);
        Assert.Equal(5, two.Body.Length);
        two.Dispose();
        Assert.True(block.IsReturned);
        Assert.Throws<ObjectDisposedException>(() => two.Body);
    }

    [Fact]
    public async Task The_body_of_an_echo_is_gone_after_dispose()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        Task<MessageBody> echo = client.EchoAsync("x"u8.ToArray()).AsTask();
        await peer.SendAsync(Frames.Echo("x"u8.ToArray()));
        MessageBody body = await echo.Soon();
        body.Dispose();
        Assert.Throws<ObjectDisposedException>(() => body.Memory);
    }

    [Fact]
    public async Task One_reader_at_a_time_and_another_goes_on_where_it_stopped()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        await peer.SendAsync(Frames.Delivery(1), Frames.Delivery(2), Frames.Delivery(3));
        await using (IAsyncEnumerator<Delivery> first = client.ReceiveAsync().GetAsyncEnumerator())
        {
            Assert.True(await first.MoveNextAsync().Soon());
            Assert.Equal(1UL, first.Current.Sender);
            await using IAsyncEnumerator<Delivery> other = client.ReceiveAsync().GetAsyncEnumerator();
            await Assert.ThrowsAsync<InvalidOperationException>(() => other.MoveNextAsync().Soon());
        }

        await using IAsyncEnumerator<Delivery> second = client.ReceiveAsync().GetAsyncEnumerator();
        Assert.True(await second.MoveNextAsync().Soon());
        Assert.Equal(2UL, second.Current.Sender);
    }

    [Fact]
    public async Task Receiving_can_be_cancelled_and_taken_up_again()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        using var cancel = new CancellationTokenSource();
        await using (IAsyncEnumerator<Delivery> first = client.ReceiveAsync(cancel.Token).GetAsyncEnumerator())
        {
            Task<bool> waiting = first.MoveNextAsync().AsTask();
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.Soon());
        }

        await peer.SendAsync(Frames.Delivery(7));
        await using IAsyncEnumerator<Delivery> second = client.ReceiveAsync().GetAsyncEnumerator();
        Assert.True(await second.MoveNextAsync().Soon());
        Assert.Equal(7UL, second.Current.Sender);
    }

    [Fact]
    public async Task A_client_that_discards_keeps_nothing_and_reads_on()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(hub.Options with { DiscardDeliveries = true, ReceiveBufferBytes = 1 });
        await using var _ = client;
        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        await peer.SendAsync(Frames.Delivery(7, new byte[1000]), Frames.Delivery(7, new byte[1000]), Frames.Identity(1));
        await identity.Soon();
        Assert.Equal(0, client.PendingDeliveryBytes);
    }
}
