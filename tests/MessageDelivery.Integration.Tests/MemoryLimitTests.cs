using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests;

/// <summary>When all message memory is in use the hub stops reading; it neither fails nor loses anything.</summary>
public sealed class MemoryLimitTests
{
    private const int MemoryLimit = 8 << 20;

    private static Task<RunningHub> StartAsync() => RunningHub.StartAsync(o => o with
    {
        MemoryLimitBytes = MemoryLimit,
        QueueLimitBytes = 1L << 30,
        Heartbeat = TimeSpan.Zero,
        StallTimeout = TimeSpan.FromSeconds(10),
    });

    [Fact]
    public async Task A_sender_is_held_back_at_the_ceiling_and_goes_on_when_memory_is_free()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection slow = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        await using RawConnection sender = await hub.BinaryAsync();
        byte[][] bodies = [.. Enumerable.Range(0, 60).Select(i => Frames.Pattern(Frames.MaxBodyBytes, i))];
        Task sending = sender.SendAsync(
            Frames.Join([.. bodies.Select((b, i) => Frames.Relay(1, b, (ulong)i))]), TimeSpan.FromSeconds(40));
        await Task.Delay(500);
        Assert.False(sending.IsCompleted, "60 MiB were taken by a hub of 8 MiB whose receiver does not read.");

        for (int i = 0; i < bodies.Length; i++)
        {
            await slow.ExpectAsync(Frames.Delivery(2, bodies[i]));
            await sender.ExpectAsync(Frames.Receipt((ulong)i, Outcome.Accepted));
        }

        await sending;
    }

    [Fact]
    public async Task When_everyone_waits_the_stall_limit_frees_memory()
    {
        await using RunningHub hub = await StartAsync();
        var slow = new List<RawConnection>();
        var sending = new List<Task>();
        var senders = new List<RawConnection>();
        for (int i = 0; i < 4; i++)
        {
            slow.Add(await hub.BinaryAsync(receiveBufferBytes: 16_384));
            senders.Add(await hub.BinaryAsync());
        }

        for (int i = 0; i < 4; i++)
        {
            byte[] flood = Frames.Join([.. Enumerable.Range(0, 12).Select(_ => Frames.Relay(slow[i].UserId, new byte[Frames.MaxBodyBytes]))]);
            sending.Add(senders[i].SendAsync(flood, TimeSpan.FromSeconds(30)));
        }

        Task everyoneSent = Task.WhenAll(sending);
        await Task.WhenAny(everyoneSent, Task.Delay(300));

        await hub.AdvanceUntilAsync(everyoneSent, TimeSpan.FromSeconds(1));
        await using RawConnection late = await hub.ConnectAsync();
        Task hello = late.HelloAsync();
        await hub.AdvanceUntilAsync(hello, TimeSpan.FromSeconds(1));
        byte[] body = Frames.Pattern(Frames.MaxBodyBytes);
        Task relaying = late.SendAsync(Frames.Relay(late.UserId, body, 1));
        await hub.AdvanceUntilAsync(
            late.ExpectAsync(Frames.Delivery(late.UserId, body), Frames.Receipt(1, Outcome.Accepted)), TimeSpan.FromSeconds(1));
        await relaying;

        foreach (RawConnection connection in slow.Concat(senders))
        {
            connection.Abort();
        }
    }

    [Fact]
    public async Task Small_messages_do_not_pin_large_blocks()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection slow = await hub.BinaryAsync(receiveBufferBytes: 4_096);
        await using RawConnection sender = await hub.BinaryAsync();
        await using RawConnection quick = await hub.BinaryAsync();
        List<byte[]> filled = [];
        for (ulong i = 0; i < 2; i++)
        {
            filled.Add(Frames.Pattern(Frames.MaxBodyBytes, (int)i));
            await sender.SendAsync(Frames.Relay(1, filled[^1], i));
            await sender.ExpectAsync(Frames.Receipt(i, Outcome.Accepted));
        }

        // Between 20-byte messages to the slow receiver megabytes go to the quick one through the same blocks.
        byte[] large = Frames.Pattern(200_000);
        for (ulong i = 0; i < 200; i++)
        {
            await sender.SendAsync(Frames.Relay(1, Frames.Number(i)), Frames.Relay(3, large));
            await quick.ExpectAsync(Frames.Delivery(2, large));
        }

        await slow.ExpectAsync([.. filled.Select(b => Frames.Delivery(2, b))]);
        for (ulong i = 0; i < 200; i++)
        {
            await slow.ExpectAsync(Frames.Delivery(2, Frames.Number(i)));
        }
    }

    [Fact]
    public async Task A_declared_length_reserves_nothing()
    {
        await using RunningHub hub = await StartAsync();
        var idle = new List<RawConnection>();
        for (int i = 0; i < 64; i++)
        {
            idle.Add(await hub.BinaryAsync());
            await idle[^1].SendAsync(Frames.Header(FrameType.Echo, 0, 0, Frames.MaxBodyBytes), new byte[10]);
        }

        await using RawConnection client = await hub.BinaryAsync();
        byte[] body = Frames.Pattern(Frames.MaxBodyBytes);
        Task sending = client.SendAsync(Frames.Echo(body));
        await client.ExpectAsync(Frames.EchoReply(body));
        await sending;
        idle.ForEach(c => c.Abort());
    }
}
