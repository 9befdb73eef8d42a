using System.Net;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Tests.Running;

/// <summary>Nothing comes between the parts of a list, however long it is and whoever relays to its asker meanwhile.</summary>
public sealed class LongListTests
{
    private const int Others = 2_500;
    private const int Lists = 100;

    [Fact]
    public async Task Deliveries_from_other_loops_do_not_come_into_a_list()
    {
        await using var hub = new MessageHub(new() { Listen = [new(IPAddress.Loopback, 0)], EventLoops = 3, QueueLimitBytes = 20_000 });
        await hub.StartAsync();
        using var asker = new Peer(hub.Endpoints[0]);
        using var sender = new Peer(hub.Endpoints[0]);
        using var other = new Peer(hub.Endpoints[0]);
        var others = Enumerable.Range(0, Others - 2).Select(_ => new Peer(hub.Endpoints[0])).ToArray();
        using var end = new CancellationTokenSource();
        var sending = new[] { sender, other }.Select(peer => Task.Factory.StartNew(
            () => Relay(peer, asker.Id, end.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToArray();

        var frame = new byte[8 * (Others + 2)];
        for (int lists = 0; lists < Lists;)
        {
            asker.Send([4, 0, 0, 0, 0, 0, 0, 0]);
            for (bool listed = false; !listed;)
            {
                asker.Receive(frame.AsSpan(0, ProtocolLimits.HeaderBytes));
                var header = FrameHeader.Read(frame);
                listed = header.Type == FrameType.ListReply;
                Assert.Equal(listed ? 8u * Others : 8 + 50, header.Length);
                asker.Receive(frame.AsSpan(ProtocolLimits.HeaderBytes, (int)header.Length));
                lists += listed ? 1 : 0;
            }
        }

        await end.CancelAsync();
        asker.Dispose();
        await Task.WhenAll(sending);
        Array.ForEach(others, peer => peer.Dispose());
    }

    private static void Relay(Peer sender, ulong receiver, CancellationToken end)
    {
        byte[] relay = Peer.Relay(new byte[50], RelayFlags.None, receiver);
        while (!end.IsCancellationRequested)
        {
            sender.Send(relay);
        }
    }
}
