using System.Net.Sockets;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests;

/// <summary>A hub that stops says so, sends what is queued, and is gone after the drain timeout at the latest.</summary>
public sealed class ShutdownTests
{
    // A hub may wait a little for its clients to close, so that what it sent last is not lost in a reset.
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(100);

    [Fact]
    public async Task Everyone_is_told_and_closed()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection binary = await hub.BinaryAsync();
        await using RawConnection text = await hub.TextAsync();
        await using RawConnection silent = await hub.ConnectAsync();
        await hub.SettleAsync();

        Task stop = hub.StopAsync();

        await binary.ExpectGoodbyeAsync(ProtocolCode.ShuttingDown);
        await binary.ExpectClosedAsync();
        Assert.StartsWith("[Server] ", await text.LineAsync(), StringComparison.Ordinal);
        await text.ExpectClosedAsync();
        await silent.ReadToEndAsync();
        DateTimeOffset before = hub.Time.GetUtcNow();
        await hub.AdvanceUntilAsync(stop, Moment);
        Assert.InRange(hub.Time.GetUtcNow() - before, TimeSpan.Zero, TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task Nobody_connects_any_more()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        System.Net.IPEndPoint endpoint = hub.Endpoint;
        await hub.AdvanceUntilAsync(hub.StopAsync(), Moment);

        await Assert.ThrowsAnyAsync<SocketException>(() => RawConnection.ConnectAsync(endpoint));
    }

    [Fact]
    public async Task What_is_queued_is_sent_before_the_goodbye()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection slow = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        await using RawConnection person = await hub.TextAsync(receiveBufferBytes: 16_384);
        await using RawConnection sender = await hub.BinaryAsync();
        byte[] body = Frames.Utf8(new string('x', Frames.MaxBodyBytes));
        for (ulong i = 0; i < 10; i++)
        {
            await sender.SendAsync(Frames.Relay([1, 2], body, i));
            await sender.ExpectAsync(Frames.Receipt(i, Outcome.Accepted, Outcome.Accepted));
        }

        Task stop = hub.StopAsync();
        await sender.ExpectGoodbyeAsync(ProtocolCode.ShuttingDown);
        Assert.False(stop.IsCompleted);

        await slow.ExpectAsync([.. Enumerable.Repeat(Frames.Delivery(3, body), 10)]);
        await slow.ExpectGoodbyeAsync(ProtocolCode.ShuttingDown);
        await slow.ExpectClosedAsync();
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal(Frames.MaxBodyBytes, (await person.LineAsync()).Length);
        }

        Assert.StartsWith("[Server] ", await person.LineAsync(), StringComparison.Ordinal);
        await person.ExpectClosedAsync();
        await hub.AdvanceUntilAsync(stop, Moment);
    }

    [Fact]
    public async Task Who_takes_nothing_is_cut_after_the_drain_timeout()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { DrainTimeout = TimeSpan.FromSeconds(3) });
        await using RawConnection slow = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        await using RawConnection sender = await hub.BinaryAsync();
        for (ulong i = 0; i < 16; i++)
        {
            await sender.SendAsync(Frames.Relay(1, new byte[Frames.MaxBodyBytes], i));
            await sender.ExpectAsync(Frames.Receipt(i, Outcome.Accepted));
        }

        Task stop = hub.StopAsync();
        await hub.PassAsync(TimeSpan.FromSeconds(2.5));
        Assert.False(stop.IsCompleted);

        await hub.AdvanceUntilAsync(stop, TimeSpan.FromSeconds(0.5));
    }

    [Fact]
    public async Task A_drain_timeout_of_zero_drops_what_is_queued()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { DrainTimeout = TimeSpan.Zero });
        await using RawConnection slow = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        await using RawConnection sender = await hub.BinaryAsync();
        for (ulong i = 0; i < 16; i++)
        {
            await sender.SendAsync(Frames.Relay(1, new byte[Frames.MaxBodyBytes], i));
            await sender.ExpectAsync(Frames.Receipt(i, Outcome.Accepted));
        }

        await hub.AdvanceUntilAsync(hub.StopAsync(), TimeSpan.FromMilliseconds(10));

        Assert.True((await slow.ReadToEndAsync()).Length < 16 * Frames.MaxBodyBytes);
    }

    [Fact]
    public async Task A_hub_stops_at_every_stage_of_its_clients()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { QueueLimitBytes = 1 << 20 });
        await using RawConnection slow = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        await using RawConnection filler = await hub.BinaryAsync();
        await Filling.FillAsync(filler, 1);
        await using RawConnection waiting = await hub.BinaryAsync();
        await waiting.SendAsync(Frames.Relay(1, [1], 1));
        await using RawConnection halfHello = await hub.ConnectAsync();
        await halfHello.SendAsync(Frames.Hello()[..7]);
        await using RawConnection halfFrame = await hub.BinaryAsync();
        await halfFrame.SendAsync(Frames.Relay(2, new byte[100_000])[..60_000]);
        await using RawConnection halfLine = await hub.ConnectAsync();
        await halfLine.SendAsync("ident");
        await using RawConnection halfBody = await hub.ConnectAsync();
        await halfBody.SendAsync("relay\n2\nhello");
        await using RawConnection silent = await hub.ConnectAsync();
        await hub.SettleAsync();

        await hub.AdvanceUntilAsync(hub.StopAsync(), TimeSpan.FromSeconds(1));

        foreach (RawConnection connection in new[] { slow, filler, waiting, halfHello, halfFrame, halfLine, halfBody, silent })
        {
            await connection.ReadToEndAsync();
        }
    }

    [Fact]
    public async Task Stopping_twice_is_stopping_once()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection client = await hub.BinaryAsync();
        await hub.AdvanceUntilAsync(Task.WhenAll(hub.StopAsync(), hub.StopAsync()), Moment);
        await client.ExpectGoodbyeAsync(ProtocolCode.ShuttingDown);
    }
}
