using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Resuming;

/// <summary>Many sessions at once, on more than one event loop.</summary>
public sealed class ManySessionsTests
{
    private static Task<RunningHub> StartAsync() => RunningHub.StartAsync(
        o => o with { Heartbeat = TimeSpan.Zero, EventLoops = 2, MaxConnections = 4_000 });

    [Fact]
    public async Task They_go_on_on_whatever_loop_their_new_connection_is()
    {
        await using RunningHub hub = await StartAsync();
        ResumingPeer[] peers = await Task.WhenAll(Enumerable.Range(0, 24).Select(_ => hub.ResumingAsync()));
        ulong sent = 0;
        for (int round = 0; round < 12; round++)
        {
            for (int i = 0; i < peers.Length; i++)
            {
                await peers[i].RelayAsync(peers[(i + round) % peers.Length].UserId, [(byte)round, (byte)i], sent++);
            }

            foreach (ResumingPeer peer in peers.Where((_, i) => (i + round) % 3 != 0))
            {
                await peer.LoseAsync(round % 2 == 0);
            }

            foreach (ResumingPeer peer in peers.Where((_, i) => (i + round) % 3 != 0).Reverse())
            {
                await peer.ResumeAsync();
            }
        }

        for (int i = 0; i < peers.Length; i++)
        {
            await ExpectEverythingAsync(peers[i], i, peers.Length, 12);
            await peers[i].DisposeAsync();
        }
    }

    [Fact]
    public async Task Five_hundred_are_lost_at_once_and_all_come_back()
    {
        const int Count = 500;
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        var peers = new List<ResumingPeer>();
        while (peers.Count < Count)
        {
            peers.AddRange(await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => hub.ResumingAsync())));
        }

        ulong[] ids = [.. peers.Select(p => p.UserId)];
        await RelayToAllAsync(1);
        foreach (ResumingPeer peer in peers)
        {
            await peer.LoseAsync();
        }

        await RelayToAllAsync(2);
        Assert.Equal(ids.Order(), await RunningHub.ListAsync(other));
        foreach (ResumingPeer[] some in peers.Chunk(50))
        {
            await Task.WhenAll(some.Select(p => p.ResumeAsync()));
        }

        await RelayToAllAsync(3);
        foreach (ResumingPeer peer in peers)
        {
            await peer.ExpectAsync(Frames.Delivery(1, [1]), Frames.Delivery(1, [2]), Frames.Delivery(1, [3]));
            await peer.AckAsync();
            await peer.ExpectNothingBeforeAnEchoAsync();
            await peer.DisposeAsync();
        }

        async Task RelayToAllAsync(byte body)
        {
            foreach (ulong[] some in ids.Chunk(100))
            {
                await other.SendAsync(Frames.Relay(some, [body], 1));
                Assert.All((await other.FrameAsync(FrameType.Receipt)).Outcomes, o => Assert.InRange(o, Outcome.Accepted, Outcome.Held));
            }
        }
    }

    [Fact]
    public async Task Sessions_that_are_never_resumed_leave_nothing()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        for (int i = 0; i < 60; i++)
        {
            await using ResumingPeer peer = await hub.ResumingAsync();
            await peer.RelayAsync(peer.UserId, Frames.Pattern(10_000), 1);
            await other.SendAsync(Frames.Relay(peer.UserId, Frames.Pattern(5_000), 1));
            await other.FrameAsync(FrameType.Receipt);
        }

        await hub.SettleAsync();
        Assert.Equal(60, (await RunningHub.ListAsync(other)).Length);

        await hub.EventuallyAsync(async () => await RunningHub.ListAsync(other) is [], TimeSpan.FromSeconds(10));
    }

    // Relays and receipts of all rounds, each once; those of one sender in the order in which they were sent.
    private static async Task ExpectEverythingAsync(ResumingPeer peer, int index, int count, int rounds)
    {
        var receipts = new List<ulong>();
        var deliveries = new List<(int Round, int Sender)>();
        while (peer.Received < 2 * (ulong)rounds)
        {
            Frame frame = await peer.FrameAsync();
            if (frame.Type == FrameType.Delivery)
            {
                deliveries.Add((frame.Body[0], frame.Body[1]));
            }
            else
            {
                Assert.True(frame.Outcomes is [Outcome.Accepted or Outcome.Held], frame.ToString());
                receipts.Add(frame.Correlation!.Value);
            }
        }

        Assert.Equal(Enumerable.Range(0, rounds).Select(r => (ulong)((r * count) + index)), receipts);
        Assert.Equal(Enumerable.Range(0, rounds).Select(r => (r, (index - r + count) % count)), deliveries.Order());
        await peer.ExpectNothingBeforeAnEchoAsync();
    }
}
