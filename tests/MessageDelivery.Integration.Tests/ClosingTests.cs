using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests;

/// <summary>A connection may end at every stage; the hub forgets it whole and keeps what others need.</summary>
public sealed class ClosingTests
{
    public static TheoryData<string> Stages =>
    [
        "nothing", "first-byte", "half-hello", "hello", "half-header", "half-relay", "relay", "large-echo", "unread-deliveries",
        "waiting-sender", "text-line", "text-body", "text-discard", "tls", "http", "goodbye",
    ];

    [Theory]
    [MemberData(nameof(Stages))]
    public async Task A_reset_at_any_stage(string stage) => await CloseAtAsync(stage, c => c.Abort());

    [Theory]
    [MemberData(nameof(Stages))]
    public async Task A_half_close_and_then_a_reset_at_any_stage(string stage) => await CloseAtAsync(stage, c =>
    {
        try
        {
            c.HalfClose();
        }
        catch (System.Net.Sockets.SocketException)
        {
            // The hub has closed already.
        }

        Thread.Sleep(2);
        c.Abort();
    });

    [Fact]
    public async Task A_goodbye_comes_after_megabytes_that_are_queued()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });
        await using RawConnection client = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        await using RawConnection sender = await hub.BinaryAsync();
        byte[][] bodies = [.. Enumerable.Range(0, 10).Select(i => Frames.Pattern(Frames.MaxBodyBytes, i))];
        foreach (byte[] body in bodies)
        {
            await sender.SendAsync(Frames.Relay(1, body, 1));
            await sender.ExpectAsync(Frames.Receipt(1, Outcome.Accepted));
        }

        await client.SendAsync(Frames.Echo([1]), Frames.Goodbye);

        await client.ExpectAsync([.. bodies.Select(b => Frames.Delivery(2, b)), Frames.EchoReply([1])]);
        await client.ExpectGoodbyeAsync(ProtocolCode.Normal);
        await client.ExpectClosedAsync(orderly: true);
    }

    [Fact]
    public async Task A_half_close_drains_a_binary_client()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });
        await using RawConnection client = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        byte[][] bodies = [.. Enumerable.Range(0, 10).Select(i => Frames.Pattern(Frames.MaxBodyBytes, i))];
        Task sending = SendAsync();

        await client.ExpectAsync([.. bodies.Select(b => Frames.Delivery(1, b)), Frames.EchoReply([1])]);
        await sending;
        await client.ReadToEndAsync();

        async Task SendAsync()
        {
            await client.SendAsync([.. bodies.Select(b => Frames.Relay(1, b)), Frames.Echo([1])]);
            client.HalfClose();
        }
    }

    [Fact]
    public async Task A_frame_that_is_not_whole_at_the_end_is_not_carried_out()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using RawConnection client = await hub.BinaryAsync();
        await client.SendAsync(Frames.Relay(1, [1]), Frames.Relay(1, [2, 3])[..^1]);
        client.HalfClose();

        await other.ExpectAsync(Frames.Delivery(2, [1]));
        await client.ReadToEndAsync();
        await other.ExpectNothingAsync();
    }

    [Fact]
    public async Task What_a_client_relayed_before_it_closed_is_delivered()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.BinaryAsync();
        byte[] body = Frames.Pattern(100_000);
        for (ulong id = 2; id < 12; id++)
        {
            RawConnection client = await hub.BinaryAsync();
            await client.SendAsync(Frames.Relay(1, body));
            await client.DisposeAsync();
            await receiver.ExpectAsync(Frames.Delivery(id, body));
        }
    }

    private static async Task CloseAtAsync(string stage, Action<RawConnection> close)
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { QueueLimitBytes = 1 << 20 });
        await using RawConnection other = await hub.BinaryAsync();
        RawConnection slow = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        if (stage == "waiting-sender")
        {
            await Filling.FillAsync(other, 2);
        }

        RawConnection client = await ReachAsync(hub, stage, other);
        close(client);

        slow.Abort();
        await hub.EventuallyAsync(async () => (await NextListAsync(other)).Length == 0);
        await other.SendAsync(Frames.Relay(1, [9], 9));
        await other.ExpectAsync(Frames.Delivery(1, [9]), Frames.Receipt(9, Outcome.Accepted));
    }

    // What the closing client relayed to the other before may come before the list.
    private static async Task<ulong[]> NextListAsync(RawConnection other)
    {
        await other.SendAsync(Frames.List);
        while (true)
        {
            Frame frame = await other.FrameAsync();
            if (frame.Type == FrameType.ListReply)
            {
                return frame.UserIds;
            }
        }
    }

    private static async Task<RawConnection> ReachAsync(RunningHub hub, string stage, RawConnection other)
    {
        RawConnection client = stage is "nothing" or "first-byte" or "half-hello" or "tls" or "http" || stage.StartsWith("text", StringComparison.Ordinal)
            ? await hub.ConnectAsync()
            : await hub.BinaryAsync(receiveBufferBytes: 16_384);
        byte[] relay = Frames.Relay([1, 77], Frames.Pattern(200_000), 1);
        await client.SendAsync(stage switch
        {
            "first-byte" => [1],
            "half-hello" => Frames.Hello()[..10],
            "half-header" => relay[..5],
            "half-relay" => relay[..120_000],
            "relay" => relay,
            "large-echo" => Frames.Join(Frames.Echo(new byte[500_000]), Frames.Echo(new byte[500_000])),
            "waiting-sender" => Frames.Relay([2, 1], [1], 5),
            "text-line" => "identity\nide"u8.ToArray(),
            "text-body" => "relay\n1\nfoo"u8.ToArray(),
            "text-discard" => "relay\nfoo\nbar"u8.ToArray(),
            "tls" => [0x16, 3],
            "http" => "GET / HT"u8.ToArray(),
            "goodbye" => Frames.Goodbye,
            _ => [],
        });
        if (stage == "unread-deliveries")
        {
            await other.SendAsync([.. Enumerable.Range(0, 8).Select(i => Frames.Relay(3, new byte[200_000], null, RelayFlags.BestEffort))]);
        }

        await Task.Delay(10);
        return client;
    }
}
