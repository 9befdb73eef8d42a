using System.Diagnostics.Metrics;
using System.Net;
using MessageDelivery.Hub;
using MessageDelivery.Protocol;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace MessageDelivery.Integration.Tests.Support;

/// <summary>
/// A hub in this process on a free port, with a clock that only the test moves. When it is disposed the hub is stopped,
/// and no block of message memory may be left.
/// </summary>
internal sealed class RunningHub : IAsyncDisposable
{
    private readonly MessageHub _hub;
    private Task? _stop;

    private RunningHub(MessageHub hub, FakeTimeProvider time)
    {
        _hub = hub;
        Time = time;
    }

    public FakeTimeProvider Time { get; }

    public MessageHub Hub => _hub;

    public IPEndPoint Endpoint => _hub.Endpoints[0];

    /// <summary>Bytes of message memory in use.</summary>
    public long UsedMemoryBytes => _hub.Pool!.UsedBytes;

    public static Task<RunningHub> StartAsync(Func<MessageHubOptions, MessageHubOptions>? options = null) =>
        StartAsync((defaults, _) => options?.Invoke(defaults) ?? defaults);

    /// <summary>A hub with options that have to do with its clock.</summary>
    /// <param name="clock">Makes of the clock that the test moves the one that the hub is given.</param>
    public static async Task<RunningHub> StartAsync(
        Func<MessageHubOptions, TimeProvider, MessageHubOptions> options,
        ILoggerFactory? loggers = null,
        IMeterFactory? meters = null,
        Func<TimeProvider, TimeProvider>? clock = null)
    {
        var defaults = new MessageHubOptions { Listen = [new(IPAddress.Loopback, 0)] };
        var time = new FakeTimeProvider();
        var hub = new MessageHub(options(defaults, time), loggers, meters, clock?.Invoke(time) ?? time);
        await hub.StartAsync().WaitAsync(RawConnection.Patience);
        return new(hub, time);
    }

    /// <summary>A connection that has said nothing.</summary>
    public Task<RawConnection> ConnectAsync(int? receiveBufferBytes = null) =>
        RawConnection.ConnectAsync(Endpoint, receiveBufferBytes);

    /// <summary>A binary user.</summary>
    public async Task<RawConnection> BinaryAsync(int? receiveBufferBytes = null) =>
        await (await ConnectAsync(receiveBufferBytes)).HelloAsync();

    /// <summary>A binary user whose session survives its connections.</summary>
    public Task<ResumingPeer> ResumingAsync(int? receiveBufferBytes = null) => ResumingPeer.StartAsync(this, receiveBufferBytes);

    /// <summary>A text user.</summary>
    public async Task<RawConnection> TextAsync(int? receiveBufferBytes = null) =>
        await (await ConnectAsync(receiveBufferBytes)).IdentifyAsync();

    /// <summary>A connection that has sent nothing and is listed; it has the id that comes next.</summary>
    public async Task<RawConnection> SilentAsync(RawConnection watcher)
    {
        ulong[] before = await ListAsync(watcher);
        RawConnection silent = await ConnectAsync();
        await EventuallyAsync(
            async () => (await ListAsync(watcher)).Length == before.Length + 1, TimeSpan.FromSeconds(1));
        return silent;
    }

    public static async Task<ulong[]> ListAsync(RawConnection binary)
    {
        await binary.SendAsync(Frames.List);
        return (await binary.FrameAsync(FrameType.ListReply)).UserIds;
    }

    public static async Task ExpectListAsync(RawConnection binary, params ulong[] ids) =>
        Assert.Equal(ids, await ListAsync(binary));

    /// <summary>Moves the clock by a step, again and again, until what is expected has happened.</summary>
    public async Task AdvanceUntilAsync(Task expectation, TimeSpan step)
    {
        for (int i = 0; !expectation.IsCompleted; i++)
        {
            Time.Advance(step);
            await Task.WhenAny(expectation, Task.Delay(i < 10 ? 30 : 300));
        }

        await expectation;
    }

    /// <summary>Asks until the answer is yes, moving the clock by a step before each question.</summary>
    public async Task EventuallyAsync(Func<Task<bool>> question, TimeSpan step = default)
    {
        for (int i = 0; i < 100; i++)
        {
            Time.Advance(step);
            if (await question())
            {
                return;
            }

            await Task.Delay(i < 10 ? 10 : 100);
        }

        Assert.Fail("What should happen has not happened.");
    }

    /// <summary>Gives the hub real time to read what was sent and to write what it wants to.</summary>
    public async Task SettleAsync()
    {
        for (int i = 0; i < 3; i++)
        {
            await Task.Delay(30);
            await using RawConnection probe = await ConnectAsync();
            await probe.SendAsync("GET /ws HTTP/1.0\r\n\r\n");
            await probe.ReadToEndAsync();
        }
    }

    /// <summary>Moves the clock in steps that let every timer in between fire in its turn.</summary>
    public async Task PassAsync(TimeSpan time, int steps = 4)
    {
        for (int i = 0; i < steps; i++)
        {
            await Task.Delay(20);
            Time.Advance(time / steps);
        }

        await Task.Delay(20);
    }

    /// <summary>Begins to stop the hub; what clients then see is the test's to expect.</summary>
    public Task StopAsync() => _stop ??= _hub.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Task stop = StopAsync();
        for (int i = 0; i < 400 && !stop.IsCompleted; i++)
        {
            Time.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(stop, Task.Delay(50));
        }

        await stop.WaitAsync(TimeSpan.FromSeconds(1));
        await _hub.DisposeAsync();
        Assert.Equal(0, _hub.OutstandingBlocks);
    }
}
