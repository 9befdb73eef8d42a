using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests;

/// <summary>One connection too many is told so in its own protocol; the others notice nothing.</summary>
public sealed class ConnectionLimitTests
{
    private static Task<RunningHub> StartAsync(int limit) => RunningHub.StartAsync(o => o with { MaxConnections = limit });

    [Fact]
    public async Task A_binary_client_too_many_gets_a_goodbye()
    {
        await using RunningHub hub = await StartAsync(2);
        await using RawConnection one = await hub.BinaryAsync();
        await using RawConnection two = await hub.BinaryAsync();
        await using RawConnection three = await hub.ConnectAsync();
        await three.SendAsync(Frames.Hello());

        await three.ExpectGoodbyeAsync(ProtocolCode.TooManyConnections);
        await three.ExpectClosedAsync();
        Assert.True(await RunningHub.ListAsync(one) is [2]);
    }

    [Fact]
    public async Task A_text_user_too_many_gets_a_line()
    {
        await using RunningHub hub = await StartAsync(1);
        await using RawConnection one = await hub.BinaryAsync();
        await using RawConnection two = await hub.ConnectAsync();
        await two.SendAsync("identity\n");

        await two.ErrorLineAsync("too_many_connections");
        await two.ExpectClosedAsync();
    }

    [Fact]
    public async Task A_silent_connection_too_many_is_told_as_a_text_user()
    {
        await using RunningHub hub = await StartAsync(1);
        await using RawConnection one = await hub.BinaryAsync();
        await using RawConnection two = await hub.ConnectAsync();

        await hub.AdvanceUntilAsync(two.ErrorLineAsync("too_many_connections"), TimeSpan.FromSeconds(1));
        await two.ExpectClosedAsync();
    }

    [Fact]
    public async Task A_place_is_free_again_when_someone_leaves()
    {
        await using RunningHub hub = await StartAsync(1);
        for (int i = 0; i < 5; i++)
        {
            RawConnection client = await hub.BinaryAsync();
            client.Abort();
            await hub.EventuallyAsync(async () =>
            {
                await using RawConnection next = await hub.ConnectAsync();
                await next.SendAsync(Frames.Hello(), Frames.Goodbye);
                Frame first = await next.FrameAsync();
                await next.ReadToEndAsync();
                return first.Type == FrameType.Welcome;
            });
            await hub.EventuallyAsync(() => FreeAsync(hub));
        }
    }

    [Fact]
    public async Task Many_too_many_at_once_harm_nobody()
    {
        await using RunningHub hub = await StartAsync(1);
        await using RawConnection one = await hub.BinaryAsync();
        for (int i = 0; i < 50; i++)
        {
            RawConnection more = await hub.ConnectAsync();
            if (i % 2 == 0)
            {
                await more.SendAsync(Frames.Hello());
            }

            more.Abort();
        }

        await one.SendAsync(Frames.Relay(1, [1], 1));
        await one.ExpectAsync(Frames.Delivery(1, [1]), Frames.Receipt(1, Outcome.Accepted));
    }

    private static async Task<bool> FreeAsync(RunningHub hub)
    {
        await using RawConnection probe = await hub.ConnectAsync();
        await probe.SendAsync(Frames.Hello(), Frames.Goodbye);
        return (await probe.FrameAsync()).Type == FrameType.Welcome;
    }
}
