using System.Globalization;
using System.Net.Sockets;
using MessageDelivery.Integration.Tests.CommandLine;
using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests.Web;

/// <summary>What HTTP may cost, and what a hub that has none of it left, or ends, does.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class HttpLimitTests
{
    [Fact]
    public async Task Ten_thousand_requests_on_new_connections_leave_no_memory_behind()
    {
        const int Requests = 10_000, Warm = 1_000, Beside = 8;
        await using var hub = await HubProcess.StartAsync();
        await AskAsync(Warm);
        long before = ResidentBytes(hub.Mds.Id);
        await AskAsync(Requests - Warm);
        long grown = ResidentBytes(hub.Mds.Id) - before;
        Assert.True(grown < 25 << 20, $"It has grown by {grown >> 20} MiB.");
        string metrics = (await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get("/metrics"))).Body;
        Assert.Contains("\nmds_users 0\n", metrics, StringComparison.Ordinal);
        Assert.DoesNotContain("mds_disconnects_total{reason=\"internal_error\"} 1", metrics, StringComparison.Ordinal);

        Task AskAsync(int count) => Task.WhenAll(Enumerable.Range(0, Beside).Select(async _ =>
        {
            for (int i = 0; i < count / Beside; i++)
            {
                Assert.Equal(200, (await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get(i % 10 == 0 ? "/metrics" : "/healthz"))).Status);
            }
        }));
    }

    [Fact]
    public async Task Beyond_the_limit_of_HTTP_connections_is_503_and_users_notice_nothing()
    {
        await using var hub = await HubProcess.StartAsync("--max-http-connections", "2");
        await using var alice = await (await RawConnection.ConnectAsync(hub.Endpoint)).HelloAsync();
        await using var first = await RawHttp.ConnectAsync(hub.Endpoint);
        await using (var second = await RawHttp.ConnectAsync(hub.Endpoint))
        {
            foreach (var connection in (RawHttp[])[first, second])
            {
                await connection.SendAsync(RawHttp.Get("/healthz"));
                Assert.Equal(200, (await connection.ReceiveAsync()).Status);
            }

            var third = await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get("/healthz"));
            Assert.Equal((503, true), (third.Status, third.Body.Contains("max-http-connections", StringComparison.Ordinal)));
            await using var bob = await (await RawConnection.ConnectAsync(hub.Endpoint)).HelloAsync();
            await alice.SendAsync(Frames.Relay(bob.UserId, "hi"u8.ToArray()));
            Assert.Equal("hi"u8.ToArray(), (await bob.FrameAsync(Protocol.FrameType.Delivery)).Body);
        }

        // The place of one that has gone is soon free.
        await EventuallyAsync(async () => (await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get("/healthz"))).Status == 200);
        await first.SendAsync(RawHttp.Get("/metrics"));
        Assert.Matches("mds_limited_total\\{limit=\"http_connections\"\\} [1-9]", (await first.ReceiveAsync()).Body);
    }

    [Fact]
    public async Task A_hub_whose_memory_is_in_use_answers_all_the_same_and_is_ready_again_afterwards()
    {
        await using var hub = await HubProcess.StartAsync("--memory-limit", "8MiB", "--queue-limit", "64MiB", "--stall-timeout", "1d", "--max-http-connections", "10");
        await using var alice = await (await RawConnection.ConnectAsync(hub.Endpoint)).HelloAsync();
        await using var bob = await (await RawConnection.ConnectAsync(hub.Endpoint, receiveBufferBytes: 4_096)).HelloAsync();
        var sending = SendUntilHeldAsync(alice, bob.UserId);
        int[] seen = [];
        await EventuallyAsync(async () =>
        {
            int status = (await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get("/readyz"))).Status;
            Assert.Contains(status, (int[])[200, 503]);
            seen = [.. seen, status];
            return status == 503;
        });

        // As soon as there is memory it is ready.
        var reading = ReadAllAsync(bob);
        await EventuallyAsync(async () => (await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get("/readyz"))).Status == 200);
        Assert.Equal(200, (await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get("/metrics"))).Status);
        await Task.WhenAll(sending, reading);
    }

    [Fact]
    public async Task A_hub_that_stops_ends_idle_connections_at_once_and_answers_what_has_begun_as_not_ready()
    {
        await using var hub = await HubProcess.StartAsync("--drain-timeout", "1d");
        await using var idle = await RawHttp.ConnectAsync(hub.Endpoint);
        await idle.SendAsync(RawHttp.Get("/readyz"));
        Assert.Equal(200, (await idle.ReceiveAsync()).Status);
        await using var begun = await RawHttp.ConnectAsync(hub.Endpoint);
        await begun.SendAsync(RawHttp.Get("/readyz") + "GET /readyz HT");
        Assert.Equal(200, (await begun.ReceiveAsync()).Status);

        hub.Mds.Signal(MdsProcess.SigTerm);
        await idle.ExpectEndAsync();
        await begun.SendAsync("TP/1.1\r\nHost: localhost\r\n\r\n");
        var last = await begun.ReceiveAsync();
        Assert.Equal((503, "the hub is stopping\n", "close"), (last.Status, last.Body, last.Header("Connection")));
        await begun.ExpectEndAsync();
        Assert.Equal(0, (await hub.Mds.EndAsync()).ExitCode);
        await Assert.ThrowsAsync<SocketException>(() => RawHttp.ConnectAsync(hub.Endpoint));
    }

    [Fact]
    public async Task Two_signals_end_a_hub_whatever_HTTP_does()
    {
        await using var hub = await HubProcess.StartAsync();
        await using var connection = await RawHttp.ConnectAsync(hub.Endpoint);
        await connection.SendAsync(RawHttp.Get("/healthz") + "GET ");
        Assert.Equal(200, (await connection.ReceiveAsync()).Status);
        hub.Mds.Signal(MdsProcess.SigTerm);
        hub.Mds.Signal(MdsProcess.SigTerm);
        Assert.Equal(0, (await hub.Mds.EndAsync()).ExitCode);
    }

    private static async Task SendUntilHeldAsync(RawConnection alice, ulong receiver)
    {
        for (int i = 0; i < 64; i++)
        {
            await alice.SendAsync(Frames.Relay(receiver, new byte[256 << 10]), TimeSpan.FromMinutes(1));
        }
    }

    private static async Task ReadAllAsync(RawConnection bob)
    {
        for (int i = 0; i < 64; i++)
        {
            await bob.FrameAsync(Protocol.FrameType.Delivery);
        }
    }

    private static async Task EventuallyAsync(Func<Task<bool>> question)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!await question())
        {
            await Task.Delay(20, patience.Token);
        }
    }

    private static long ResidentBytes(int process)
    {
        string line = File.ReadLines($"/proc/{process}/status").First(static line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line["VmRSS:".Length..^"kB".Length], CultureInfo.InvariantCulture) << 10;
    }
}
