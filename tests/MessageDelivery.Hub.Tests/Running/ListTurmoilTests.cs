using System.Net;
using System.Runtime.InteropServices;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Tests.Running;

/// <summary>
/// Lists asked for on every loop while users come and go: each is the set of some moment between the question and the answer.
/// </summary>
public sealed class ListTurmoilTests
{
    private const int Loops = 3;
    private const int Staying = 700;
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(3);

    [Fact]
    public async Task A_list_has_who_was_there_all_the_while_and_nobody_who_was_not()
    {
        await using var hub = new MessageHub(new() { Listen = [new(IPAddress.Loopback, 0)], EventLoops = Loops, MemoryLimitBytes = 64 << 20 });
        await hub.StartAsync();
        var endpoint = hub.Endpoints[0];
        var staying = Enumerable.Range(0, Staying).Select(_ => new Peer(endpoint)).ToArray();
        var askers = staying[..Loops];
        // Never reads, and holds lists of long ago while others go on.
        staying[Loops].Send([.. Enumerable.Range(0, 2_000).SelectMany(_ => List)]);
        using var end = new CancellationTokenSource(Duration);
        var guests = new Guests(endpoint);
        var churning = OnThread(() => guests.ComeAndGo(end.Token));
        var asking = askers.Select(asker => OnThread(() => Ask(asker, staying, guests, end.Token))).ToArray();

        long lists = (await Task.WhenAll(asking)).Sum();
        Assert.True(await churning > 0, "Nobody came.");
        Assert.True(lists > 0, "No list came.");
        Array.ForEach(staying, peer => peer.Dispose());
        await hub.StopAsync();
        Assert.Equal(0, hub.OutstandingBlocks);
    }

    private static byte[] List => [4, 0, 0, 0, 0, 0, 0, 0];

    private static long Ask(Peer asker, Peer[] staying, Guests guests, CancellationToken end)
    {
        var hosts = staying.Select(peer => peer.Id).Where(id => id != asker.Id).ToArray();
        var frame = new byte[8 * (Staying + 10_000)];
        var before = new HashSet<ulong>();
        var gone = new HashSet<ulong>();
        long lists = 0;
        for (; !end.IsCancellationRequested; lists++)
        {
            int joined = guests.Joined;
            asker.Send(List);
            asker.Receive(frame.AsSpan(0, ProtocolLimits.HeaderBytes));
            var header = FrameHeader.Read(frame);
            Assert.Equal(FrameType.ListReply, header.Type);
            asker.Receive(frame.AsSpan(0, (int)header.Length));
            var listed = MemoryMarshal.Cast<byte, ulong>(frame.AsSpan(0, (int)header.Length)).ToArray();
            int leaving = guests.Leaving;

            Assert.Equal(hosts, listed[..hosts.Length]);
            Assert.Equal(listed.Distinct().Order(), listed);
            var present = listed[hosts.Length..].ToHashSet();
            Assert.Empty(guests.Between(leaving, joined).Except(present));
            gone.UnionWith(before.Except(present));
            Assert.Empty(present.Intersect(gone));
            before = present;
        }

        return lists;
    }

    /// <summary>On a thread of its own: these block, and the pool has few threads on a small machine.</summary>
    private static Task<long> OnThread(Func<long> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Users who come one after the other, and go in the same order when there are twenty.</summary>
    private sealed class Guests(IPEndPoint endpoint)
    {
        private readonly ulong[] _ids = new ulong[100_000];
        private volatile int _joined;
        private volatile int _leaving;

        /// <summary>How many the hub has given an id.</summary>
        public int Joined => _joined;

        /// <summary>How many of them have gone or are about to.</summary>
        public int Leaving => _leaving;

        /// <summary>Those who had joined and were not about to go.</summary>
        public ulong[] Between(int leaving, int joined) => _ids.AsSpan(leaving, Math.Max(0, joined - leaving)).ToArray();

        public long ComeAndGo(CancellationToken end)
        {
            var present = new Queue<Peer>();
            while (!end.IsCancellationRequested && _joined < _ids.Length)
            {
                var guest = new Peer(endpoint);
                present.Enqueue(guest);
                _ids[_joined] = guest.Id;
                _joined++;
                if (present.Count > 20)
                {
                    _leaving++;
                    present.Dequeue().Dispose();
                }
            }

            foreach (var guest in present)
            {
                _leaving++;
                guest.Dispose();
            }

            return _joined;
        }
    }
}
