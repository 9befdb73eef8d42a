using System.Buffers.Binary;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests;

/// <summary>Many at once: each sender's order is kept, nothing is lost, nothing comes twice.</summary>
public sealed class ConcurrencyTests
{
    [Theory]
    [InlineData(64L << 20)]
    [InlineData(4_096L)]
    public async Task Many_senders_to_one_receiver(long queueLimit)
    {
        const int Senders = 32;
        const int Relays = 2_000;
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { QueueLimitBytes = queueLimit });
        await using RawConnection receiver = await hub.BinaryAsync();
        RawConnection[] senders = await Task.WhenAll(Enumerable.Range(0, Senders).Select(_ => hub.BinaryAsync()));
        Task sending = Task.WhenAll(senders.Select(s => Task.Run(() => SendNumberedAsync(s, Relays))));

        int[] next = new int[Senders + 2];
        for (int i = 0; i < Senders * Relays; i++)
        {
            Frame delivery = await receiver.FrameAsync(FrameType.Delivery);
            int number = BinaryPrimitives.ReadInt32LittleEndian(delivery.Body);
            Assert.Equal(next[delivery.Sender]++, number);
            Assert.Equal(4 + (number % 300), delivery.Body.Length);
        }

        await sending;
        await Task.WhenAll(senders.Select(s => ExpectReceiptsAsync(s, Relays)));
        await receiver.SendAsync(Frames.Identity);
        await receiver.ExpectAsync(Frames.IdentityReply(1));
        foreach (RawConnection sender in senders)
        {
            await sender.DisposeAsync();
        }
    }

    [Fact]
    public async Task Everyone_to_everyone()
    {
        const int Users = 16;
        const int Relays = 200;
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { QueueLimitBytes = 1 << 16 });
        RawConnection[] users = await Task.WhenAll(Enumerable.Range(0, Users).Select(_ => hub.BinaryAsync()));
        ulong[] ids = [.. Enumerable.Range(1, Users).Select(i => (ulong)i)];

        await Task.WhenAll(users.Select(user => Task.Run(async () =>
        {
            Task sending = user.SendAsync([.. Enumerable.Range(0, Relays).Select(i => Frames.Relay(ids, Frames.Pattern(i * 7, i)))]);
            int[] next = new int[Users + 1];
            for (int i = 0; i < Users * Relays; i++)
            {
                Frame delivery = await user.FrameAsync(FrameType.Delivery);
                int number = next[delivery.Sender]++;
                Assert.Equal(Frames.Pattern(number * 7, number), delivery.Body);
            }

            await sending;
        })));
        foreach (RawConnection user in users)
        {
            await user.DisposeAsync();
        }
    }

    [Fact]
    public async Task Text_and_binary_senders_to_a_text_user()
    {
        const int Relays = 500;
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { QueueLimitBytes = 1 << 14 });
        await using RawConnection receiver = await hub.TextAsync();
        await receiver.SendAsync("verbose\nidentity\n");
        await receiver.LineAsync();
        await using RawConnection binary = await hub.BinaryAsync();
        await using RawConnection text = await hub.TextAsync();
        Task sending = Task.WhenAll(
            binary.SendAsync([.. Enumerable.Range(0, Relays).Select(i => Frames.Relay(1, Frames.Utf8($"{i}")))]),
            text.SendAsync(string.Concat(Enumerable.Range(0, Relays).Select(i => $"relay\n1\n{i}\n.\n"))));

        int[] next = new int[4];
        for (int i = 0; i < 2 * Relays; i++)
        {
            string from = await receiver.LineAsync();
            int sender = from[^1] - '0';
            Assert.Equal($"[Server] Message from {sender}", from);
            Assert.Equal($"{next[sender]++}", await receiver.LineAsync());
        }

        await sending;
    }

    [Fact]
    public async Task Clients_that_abort_at_any_moment_harm_nobody()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { QueueLimitBytes = 1 << 16 });
        await using RawConnection steady = await hub.BinaryAsync();
        await using RawConnection receiver = await hub.BinaryAsync();
        using var stop = new CancellationTokenSource();
        Task aborting = Task.WhenAll(Enumerable.Range(0, 6).Select(seed => Task.Run(() => ComeAndGoAsync(hub, seed, stop.Token))));

        for (ulong i = 0; i < 2_000; i++)
        {
            ulong[] receivers = [2, .. Enumerable.Range(0, 20).Select(k => (i / 8) + (ulong)k + 3)];
            await steady.SendAsync(Frames.Relay(receivers, Frames.Number(i), i));
            Frame receipt = await NextAsync(steady, f => f.Type == FrameType.Receipt);
            Assert.Equal((i, Outcome.Accepted, 21), (receipt.Correlation, receipt.Outcomes[0], receipt.Outcomes.Length));
            Assert.All(receipt.Outcomes, o => Assert.True(o is Outcome.Accepted or Outcome.Unknown, $"{o}"));
            Assert.Equal(Frames.Number(i), (await NextAsync(receiver, f => f.Sender == 1)).Body);
        }

        await stop.CancelAsync();
        await aborting;
        await hub.EventuallyAsync(async () => await OthersAsync(receiver) == 1);
    }

    private static async Task SendNumberedAsync(RawConnection sender, int count)
    {
        for (int i = 0; i < count; i += 100)
        {
            await sender.SendAsync([.. Enumerable.Range(i, 100).Select(n =>
            {
                byte[] body = new byte[4 + (n % 300)];
                BinaryPrimitives.WriteInt32LittleEndian(body, n);
                return Frames.Relay(1, body, (ulong)n);
            })]);
        }
    }

    private static async Task ExpectReceiptsAsync(RawConnection sender, int count)
    {
        for (int i = 0; i < count; i++)
        {
            await sender.ExpectAsync(Frames.Receipt((ulong)i, Outcome.Accepted));
        }
    }

    private static async Task ComeAndGoAsync(RunningHub hub, int seed, CancellationToken stop)
    {
        var random = new Random(seed);
        while (!stop.IsCancellationRequested)
        {
            RawConnection client = await hub.ConnectAsync(4_096);
            try
            {
                byte[] frames = Frames.Join(
                    Frames.Hello(), Frames.Relay([2, 1], Frames.Pattern(random.Next(200)), null, RelayFlags.BestEffort),
                    Frames.List, Frames.Relay(2, Frames.Pattern(random.Next(100_000))), Frames.Echo(Frames.Pattern(50_000)));
                byte[] text = Frames.Utf8("identity\nrelay 2 x\nverbose\nrelay\n2\nfoo\n.\nlist\necho bar\n");
                byte[] bytes = random.Next(3) == 0 ? text : frames;
                await client.SendAsync(bytes[..random.Next(bytes.Length)]);
                await Task.Delay(random.Next(3), CancellationToken.None);
            }
            finally
            {
                if (random.Next(2) == 0)
                {
                    client.Abort();
                }
                else
                {
                    await client.DisposeAsync();
                }
            }
        }
    }

    private static async Task<Frame> NextAsync(RawConnection user, Func<Frame, bool> wanted)
    {
        while (true)
        {
            Frame frame = await user.FrameAsync();
            if (wanted(frame))
            {
                return frame;
            }
        }
    }

    private static async Task<int> OthersAsync(RawConnection user)
    {
        await user.SendAsync(Frames.List);
        return (await NextAsync(user, f => f.Type == FrameType.ListReply)).UserIds.Length;
    }
}
