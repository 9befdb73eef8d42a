using System.Diagnostics;
using System.Net;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Tests.Running;

/// <summary>Runs alone: what others allocate at the same time would count.</summary>
[CollectionDefinition(nameof(AllocationTests), DisableParallelization = true)]
public sealed class AloneCollection;

/// <summary>
/// On its way a message allocates nothing, on any thread. Measured over the whole process, round after round
/// until one is clean: the runtime itself allocates now and then, and a defect in the hub would show in each round.
/// </summary>
[Collection(nameof(AllocationTests))]
public sealed class AllocationTests
{
    // Until the compiler has made its best of the code it allocates here and there; that takes a second or so.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private const int Messages = 4_000;
    private const int Allowed = Messages / 20;

    public static TheoryData<int, string> Cases
    {
        get
        {
            var cases = new TheoryData<int, string>();
            foreach (int loops in (int[])[1, 2])
            {
                foreach (string kind in (string[])["relay", "large relay", "receipt", "echo", "fan-out", "large fan-out", "spread", "waiting", "heartbeat", "list", "large list"])
                {
                    cases.Add(loops, kind);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_message_allocates_nothing(int loops, string kind)
    {
        await using var hub = new MessageHub(new()
        {
            Listen = [new(IPAddress.Loopback, 0)],
            EventLoops = loops,
            QueueLimitBytes = kind == "waiting" ? 1_000 : 64 << 20,
        });
        await hub.StartAsync();
        using var sender = new Peer(hub.Endpoints[0]);
        int others = kind switch { "fan-out" or "large fan-out" => 255, "spread" => 10, "large list" => 200, _ => 1 };
        var receivers = Enumerable.Range(0, others).Select(_ => new Peer(hub.Endpoints[0])).ToArray();
        ulong[] ids = [.. receivers.Select(receiver => receiver.Id)];
        bool isLarge = kind.StartsWith("large", StringComparison.Ordinal);
        byte[] body = new byte[isLarge ? 100_000 : 100];
        byte[] request = kind switch
        {
            "echo" => Frame(FrameType.Echo, body),
            "heartbeat" => Frame(FrameType.Heartbeat, []),
            "list" or "large list" => Frame(FrameType.List, []),
            "receipt" => [.. Peer.Relay(body, RelayFlags.Receipt, ids)],
            _ => Peer.Relay(body, RelayFlags.None, ids),
        };
        int batch = isLarge ? 2 : 50;
        // Rounds are short, so that one is clean of what the runtime allocates now and then; one object for each message is still above
        // what is allowed.
        int messages = others < 100 ? Messages : isLarge ? Messages / 100 : Messages / 10;
        byte[] requests = kind is "spread"
            ? [.. Enumerable.Range(0, batch).SelectMany(i => Peer.Relay(body, RelayFlags.None, ids[i % ids.Length]))]
            : [.. Enumerable.Repeat(request, batch).SelectMany(bytes => bytes)];
        byte[] answers = new byte[batch * (kind switch { "echo" => 108, "heartbeat" => 8, "list" or "large list" => 8 + (8 * others), "receipt" => 17, _ => 0 })];
        int deliveriesEach = kind switch { "echo" or "heartbeat" or "list" or "large list" => 0, "spread" => batch / ids.Length, _ => batch };
        byte[] deliveries = new byte[deliveriesEach * (16 + body.Length)];

        long best = long.MaxValue;
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < Patience && best > Allowed;)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            for (int sent = 0; sent < messages; sent += batch)
            {
                sender.Send(requests);
                foreach (var receiver in receivers)
                {
                    receiver.Receive(deliveries);
                }

                sender.Receive(answers);
            }

            best = Math.Min(best, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        Assert.True(best <= Allowed, $"{best} bytes for {messages} messages");
        Array.ForEach(receivers, receiver => receiver.Dispose());
        sender.Dispose();
        await hub.StopAsync();
        Assert.Equal(0, hub.OutstandingBlocks);
    }

    private static byte[] Frame(FrameType type, byte[] payload)
    {
        var frame = new byte[8 + payload.Length];
        new FrameHeader(type, 0, 0, (uint)payload.Length).Write(frame);
        payload.CopyTo(frame, 8);
        return frame;
    }
}
