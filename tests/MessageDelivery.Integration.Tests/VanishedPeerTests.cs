using System.Net;
using System.Net.Sockets;
using MessageDelivery.Hub;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests;

/// <summary>
/// Machines that are gone without a word leave within the time of <see cref="MessageHubOptions.KeepAlive"/>; those that are there and do not
/// read stay. The kernel's time is real here, and only the hub's own is the test's.
/// </summary>
public sealed class VanishedPeerTests
{
    private const int LevelSocket = 1, LevelTcp = 6;
    private const int OptionKeepAlive = 9, TcpNoDelay = 1, TcpKeepIdle = 4, TcpKeepInterval = 5, TcpKeepCount = 6, TcpUserTimeout = 18;

    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Who_is_sent_nothing_leaves_the_list()
    {
        await using var hub = await StartAsync();
        await using var watcher = await hub.BinaryAsync();
        await using var users = await JoinAsync(hub, watcher);
        users.Vanish();
        await LeavesAsync(hub, watcher);
    }

    [Fact]
    public async Task Who_is_sent_something_leaves_the_list()
    {
        await using var hub = await StartAsync();
        await using var watcher = await hub.BinaryAsync();
        await using var users = await JoinAsync(hub, watcher);
        users.Vanish();
        await watcher.SendAsync(Frames.Relay([2, 3, 4, 5], [1], 1));
        await watcher.FrameAsync(FrameType.Receipt);
        await LeavesAsync(hub, watcher);
    }

    [Fact]
    public async Task Who_has_not_read_for_a_while_and_then_vanishes_leaves_the_list()
    {
        await using var hub = await StartAsync();
        await using var watcher = await hub.BinaryAsync();
        await using var user = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        await FillAsync(watcher);
        await Task.Delay(500);
        await RunningHub.ExpectListAsync(watcher, 2);
        user.Vanish();
        await LeavesAsync(hub, watcher);
    }

    [Fact]
    public async Task Who_is_there_and_does_not_read_or_says_nothing_stays()
    {
        await using var hub = await StartAsync();
        await using var watcher = await hub.BinaryAsync();
        await using var user = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        byte[][] bodies = await FillAsync(watcher);
        await using var silent = await hub.SilentAsync(watcher);

        // By then the kernel asks it every six seconds or so whether it has room again: more than the time after which it would be gone.
        for (int i = 0; i < 100; i++)
        {
            await Task.Delay(100);
            hub.Time.Advance(TimeSpan.FromMilliseconds(100));
        }

        await RunningHub.ExpectListAsync(watcher, 2, 3);
        await user.ExpectAsync([.. bodies.Select(body => Frames.Delivery(1, body))]);
        await user.SendAsync(Frames.Echo([1]));
        await user.ExpectAsync(Frames.EchoReply([1]));
    }

    [Fact]
    public async Task Without_keepalive_nobody_is_asked()
    {
        await using var hub = await RunningHub.StartAsync(o => o with { KeepAlive = TimeSpan.Zero });
        await using var user = await hub.BinaryAsync();
        Assert.Equal(0, AcceptedSocket.Option(user.Local, LevelSocket, OptionKeepAlive));
    }

    /// <summary>A timeout of the kernel's for what is unacknowledged would also end who is there and does not read (tcp(7)).</summary>
    [Fact]
    public async Task By_default_who_is_silent_for_a_minute_is_asked_four_times_in_another()
    {
        await using var hub = await RunningHub.StartAsync();
        await using var user = await hub.BinaryAsync();
        Assert.Equal(
            (1, 1, 60, 15, 4, 0),
            (AcceptedSocket.Option(user.Local, LevelTcp, TcpNoDelay),
                AcceptedSocket.Option(user.Local, LevelSocket, OptionKeepAlive),
                AcceptedSocket.Option(user.Local, LevelTcp, TcpKeepIdle),
                AcceptedSocket.Option(user.Local, LevelTcp, TcpKeepInterval),
                AcceptedSocket.Option(user.Local, LevelTcp, TcpKeepCount),
                AcceptedSocket.Option(user.Local, LevelTcp, TcpUserTimeout)));
    }

    /// <summary>Sockets take over what the listening one has when they are made. Those that wait in one that is passed may be older than that.</summary>
    [Fact]
    public async Task Who_had_come_before_the_hub_is_asked_too()
    {
        using var listening = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listening.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listening.Listen();
        using var early = new TcpClient(AddressFamily.InterNetwork);
        await early.ConnectAsync((IPEndPoint)listening.LocalEndPoint!);
        await using var hub = await RunningHub.StartAsync(o => o with { ListeningSockets = [listening.SafeHandle] });
        for (int i = 0; i < 2; i++)
        {
            await using var late = await hub.BinaryAsync();
            foreach (var user in (IPEndPoint[])[(IPEndPoint)early.Client.LocalEndPoint!, late.Local])
            {
                Assert.Equal(
                    (1, 1, 60),
                    (AcceptedSocket.Option(user, LevelTcp, TcpNoDelay),
                        AcceptedSocket.Option(user, LevelSocket, OptionKeepAlive),
                        AcceptedSocket.Option(user, LevelTcp, TcpKeepIdle)));
            }
        }
    }

    private static Task<RunningHub> StartAsync() => RunningHub.StartAsync(o => o with
    {
        KeepAlive = KeepAlive,
        Heartbeat = TimeSpan.Zero,
        Tls = TestCertificates.Tls(HubTlsMode.Optional),
    });

    /// <summary>One user of each kind that no heartbeat of its own gives away: silent, text, text in TLS, binary.</summary>
    private static async Task<Users> JoinAsync(RunningHub hub, RawConnection watcher)
    {
        var users = new Users(
            await hub.SilentAsync(watcher),
            await hub.TextAsync(),
            await (await (await hub.ConnectAsync()).SecureAsync(TestCertificates.Client())).IdentifyAsync(),
            await hub.BinaryAsync());
        await RunningHub.ExpectListAsync(watcher, 2, 3, 4, 5);
        return users;
    }

    /// <summary>Relays more than the kernel takes for a user who does not read, and less than its queue may hold.</summary>
    private static async Task<byte[][]> FillAsync(RawConnection sender)
    {
        byte[][] bodies = [.. Enumerable.Range(0, 4).Select(i => Frames.Pattern(Frames.MaxBodyBytes, i))];
        await sender.SendAsync([.. bodies.Select(body => Frames.Relay(2, body, 1))]);
        await sender.ExpectAsync([.. bodies.Select(_ => Frames.Receipt(1, Outcome.Accepted))]);
        return bodies;
    }

    private static async Task LeavesAsync(RunningHub hub, RawConnection watcher)
    {
        long begun = Environment.TickCount64;
        ulong[] listed;
        while ((listed = await RunningHub.ListAsync(watcher)).Length > 0)
        {
            Assert.True(Environment.TickCount64 - begun < Patience.TotalMilliseconds, $"Still listed: {string.Join(", ", listed)}");
            await Task.Delay(100);
            hub.Time.Advance(TimeSpan.FromMilliseconds(100));
        }
    }

    private sealed class Users(params RawConnection[] all) : IAsyncDisposable
    {
        public void Vanish() => Array.ForEach(all, user => user.Vanish());

        public async ValueTask DisposeAsync()
        {
            foreach (var user in all)
            {
                await user.DisposeAsync();
            }
        }
    }
}
