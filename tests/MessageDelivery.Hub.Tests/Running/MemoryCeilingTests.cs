using System.Net;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Tests.Running;

/// <summary>However the message memory is asked for, the hub never takes more than its limit.</summary>
public sealed class MemoryCeilingTests
{
    private const long Limit = 8 << 20;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Beginnings_of_small_frames_stay_under_it(int loops)
    {
        await using var hub = await StartAsync(loops);
        // A 16 KiB block each, were they all kept: three times the limit.
        byte[] beginning = [.. Peer.Relay(new byte[15_000], RelayFlags.None, 1).Take(12_000)];
        var peers = Enumerable.Range(0, 1_500).Select(_ => new Peer(hub.Endpoints[0])).ToList();
        long most = await MaxUsedAsync(hub, () => peers.ForEach(peer => peer.Send(beginning)));

        peers.ForEach(peer => peer.Dispose());
        await hub.StopAsync();
        Assert.Equal(0, hub.OutstandingBlocks);
        Assert.InRange(most, 1, Limit);
    }

    [Theory]
    [InlineData(1_000)]
    [InlineData(15_000)]
    public async Task What_is_copied_for_slow_receivers_stays_under_it(int bodyBytes)
    {
        await using var hub = await StartAsync(loops: 1);
        var receivers = Enumerable.Range(0, 200).Select(_ => new Peer(hub.Endpoints[0])).ToList();
        receivers.ForEach(receiver => receiver.Socket.ReceiveBufferSize = 4_096);
        using var sender = new Peer(hub.Endpoints[0]);
        byte[] relay = Peer.Relay(new byte[bodyBytes], RelayFlags.None, [.. receivers.Select(receiver => receiver.Id)]);
        long most = await MaxUsedAsync(hub, () => sender.SendUntilHeldBack(relay));

        receivers.ForEach(receiver => receiver.Dispose());
        sender.Dispose();
        await hub.StopAsync();
        Assert.Equal(0, hub.OutstandingBlocks);
        Assert.InRange(most, 1, Limit);
    }

    private static async Task<MessageHub> StartAsync(int loops)
    {
        var hub = new MessageHub(new()
        {
            Listen = [new(IPAddress.Loopback, 0)],
            EventLoops = loops,
            MemoryLimitBytes = Limit,
            DrainTimeout = TimeSpan.Zero,
        });
        await hub.StartAsync();
        return hub;
    }

    /// <summary>The most memory in use while something is done, and for a moment after it.</summary>
    private static async Task<long> MaxUsedAsync(MessageHub hub, Action action)
    {
        long most = 0;
        var doing = Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var after = doing.ContinueWith(_ => Task.Delay(300), TaskScheduler.Default).Unwrap();
        while (!after.IsCompleted)
        {
            most = Math.Max(most, hub.Pool!.UsedBytes);
            await Task.Delay(1);
        }

        await doing;
        return most;
    }
}
