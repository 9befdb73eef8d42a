using System.Diagnostics;
using System.Net;
using System.Runtime.InteropServices;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Tests.Running;

/// <summary>Many who watch many who come and go, by the machine's clock: what they are sent goes by batches.</summary>
public sealed class WatchersTests
{
    private const int Watchers = 300;
    private const int Guests = 300;

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Frames_go_by_batches_and_not_by_users(int loops)
    {
        await using var hub = new MessageHub(new() { Listen = [new(IPAddress.Loopback, 0)], EventLoops = loops });
        await hub.StartAsync();
        var watchers = Enumerable.Range(0, Watchers).Select(_ => new Peer(hub.Endpoints[0])).ToArray();
        foreach (var watcher in watchers)
        {
            watcher.Send([(byte)FrameType.List, (byte)ListFlags.Watch, 0, 0, 0, 0, 0, 0]);
            Assert.Equal(FrameType.ListReply, Receive(watcher).Header.Type);
        }

        var watch = Stopwatch.StartNew();
        var guests = Enumerable.Range(0, Guests).Select(_ => new Peer(hub.Endpoints[0])).ToArray();
        ulong[] ids = [.. guests.Select(guest => guest.Id).Order()];
        int most = Expect(watchers, PresenceChange.Joined, ids);
        Array.ForEach(guests, guest => guest.Dispose());
        most += Expect(watchers, PresenceChange.Left, ids);

        Assert.InRange(most, 2, 4 + (watch.ElapsedMilliseconds / PresenceFeed.BatchMilliseconds));
        Array.ForEach(watchers, watcher => watcher.Dispose());
        await hub.StopAsync();
        Assert.Equal(0, hub.OutstandingBlocks);
    }

    /// <summary>Reads until each watcher was told of all, and returns how many frames that took at most.</summary>
    private static int Expect(Peer[] watchers, PresenceChange change, ulong[] ids)
    {
        int most = 0;
        foreach (var watcher in watchers)
        {
            var told = new List<ulong>();
            int frames = 0;
            for (; told.Count < ids.Length; frames++)
            {
                var (header, frameIds) = Receive(watcher);
                Assert.Equal((FrameType.Presence, (ushort)change), (header.Type, header.Argument));
                told.AddRange(frameIds);
            }

            Assert.Equal(ids, told.Order());
            most = Math.Max(most, frames);
        }

        return most;
    }

    private static (FrameHeader Header, ulong[] Ids) Receive(Peer peer)
    {
        Span<byte> bytes = stackalloc byte[ProtocolLimits.HeaderBytes];
        peer.Receive(bytes);
        var header = FrameHeader.Read(bytes);
        ulong[] ids = new ulong[header.Length / sizeof(ulong)];
        peer.Receive(MemoryMarshal.AsBytes(ids.AsSpan()));
        return (header, ids);
    }
}
