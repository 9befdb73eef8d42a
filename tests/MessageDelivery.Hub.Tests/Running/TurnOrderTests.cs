using CsCheck;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Hub.Loop;
using Microsoft.Extensions.Time.Testing;

namespace MessageDelivery.Hub.Tests.Running;

/// <summary>The order of a turn on a clock that moves by what serving an entry is said to take. See docs/adr/0022.</summary>
public sealed class TurnOrderTests
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(0.5);
    private static readonly TimeSpan FloodCall = TimeSpan.FromMilliseconds(0.1);
    private static readonly TimeSpan QuietCall = TimeSpan.FromMilliseconds(0.005);

    [Fact]
    public void Who_is_quiet_waits_for_a_look_and_not_for_the_flood()
    {
        using var order = new OrderedLoop();
        var flood = order.AddFlood(200, FloodCall, bytes: 64 << 10);
        var alice = order.Add(QuietCall, bytes: 80);
        TimeSpan readyAt = default;
        flood[50].Served = () =>
        {
            readyAt = order.Now;
            alice.Write();
        };
        flood.ForEach(entry => entry.Write());

        order.Turn();

        var waited = alice.ServedAt - readyAt;
        Assert.InRange(waited, TimeSpan.Zero, Look + FloodCall);
        Assert.Equal(200, flood.Sum(entry => entry.ServedInTurn));
    }

    [Fact]
    public void Receivers_of_the_quiet_are_flushed_at_once_and_those_of_the_flood_together()
    {
        using var order = new OrderedLoop();
        var flood = order.AddFlood(100, FloodCall, bytes: 64 << 10);
        var receiver = order.Add(QuietCall, 0);
        var bob = order.Add(QuietCall, 0);
        var alice = order.Add(QuietCall, bytes: 80);
        flood.ForEach(entry => entry.FlushesOnce(receiver));
        alice.FlushesOnce(bob);
        flood[10].Served = alice.Write;
        flood.ForEach(entry => entry.Write());

        order.Turn();

        Assert.InRange(bob.FlushedAt - alice.ServedAt, TimeSpan.Zero, QuietCall);
        Assert.True(receiver.FlushedAt >= flood.Max(entry => entry.ServedAt));
        Assert.Equal(1, receiver.Flushes);
    }

    [Fact]
    public void A_flood_of_the_quiet_leaves_half_of_the_time_to_the_others()
    {
        using var order = new OrderedLoop();
        var flood = order.AddFlood(100, FloodCall, bytes: 64 << 10);
        var quiet = Enumerable.Range(0, 2_000).Select(_ => order.Add(QuietCall, bytes: 0)).ToList();
        int next = 0;
        // As much becomes ready as the quiet can be served in the time, and more.
        flood.ForEach(entry => entry.Served = () => Enumerable.Range(0, 40).ToList().ForEach(_ => quiet[next++ % quiet.Count].Write()));
        flood.ForEach(entry => entry.Write());

        var began = order.Now;
        order.Turn();

        var took = order.Now - began;
        Assert.Equal(100, flood.Sum(entry => entry.ServedInTurn));
        Assert.InRange(took, 100 * FloodCall, 2.2 * 100 * FloodCall);
        Assert.True(quiet.Sum(entry => entry.ServedInTurn) * QuietCall > 0.3 * took, "the quiet were served meanwhile");
    }

    [Fact]
    public void Who_has_stopped_to_flood_is_quiet_again_after_a_quarter_of_a_second()
    {
        using var order = new OrderedLoop();
        var flood = order.AddFlood(20, FloodCall, bytes: 64 << 10);
        var alice = order.AddFlood(1, QuietCall, bytes: 64 << 20)[0];
        alice.Bytes = 80;
        bool IsServedWithin()
        {
            flood[0].Served = alice.Write;
            flood.ForEach(entry => entry.Write());
            order.Turn();
            int served = alice.ServedInTurn;
            order.Turn();
            return served == 1;
        }

        order.Wait(TimeSpan.FromMilliseconds(200));
        flood.ForEach(entry => entry.Write());
        order.Turn();
        Assert.False(IsServedWithin());

        order.Wait(TimeSpan.FromMilliseconds(60));
        // What she sends first brings her back to those who are looked for.
        alice.Write();
        flood.ForEach(entry => entry.Write());
        order.Turn();
        Assert.True(IsServedWithin());
    }

    [Fact]
    public void Whatever_comes_when_everybody_is_served_in_the_end() => Gen.Int[0, 1 << 20].List[20, 400].Sample(
        writes =>
        {
            using var order = new OrderedLoop();
            var entries = Enumerable.Range(0, 40).Select(i => order.Add(TimeSpan.FromMilliseconds(i % 4 * 0.07), bytes: i % 3 * 3_000)).ToList();
            int next = 0;
            void WriteSome()
            {
                for (int i = 0; i < 3 && next < writes.Count; i++, next++)
                {
                    entries[writes[next] % entries.Count].Write();
                    order.Wait(TimeSpan.FromMilliseconds(writes[next] % 9));
                }
            }

            entries.ForEach(entry => entry.Served = WriteSome);
            while (next < writes.Count)
            {
                WriteSome();
                order.Turn();
            }

            order.Turn();
            order.Turn();
            Assert.All(entries, entry => Assert.Equal(entry.Written, entry.Read));
        },
        iter: 60, threads: 1);

    /// <summary>A loop whose turns are taken here.</summary>
    private sealed class OrderedLoop : ILoopEvents, IDisposable
    {
        private readonly FakeTimeProvider _time = new();
        private readonly BlockPool _pool = new(64 << 20);
        private readonly EventLoop _loop;
        private readonly List<OrderedEntry> _entries = [];

        public OrderedLoop() => _loop = new(0, _pool, _time, this);

        public TimeSpan Now => _time.GetUtcNow() - _time.Start;

        public OrderedEntry Add(TimeSpan call, int bytes)
        {
            var (hub, peer) = SocketPair.Open();
            var entry = new OrderedEntry(_loop, hub, peer, () => _time.Advance(call), () => Now) { Bytes = bytes };
            _entries.Add(entry);
            Assert.True(_loop.TryAdd(entry, hub, Libc.EpollIn | Libc.EpollEdge));
            return entry;
        }

        /// <summary>Entries that have used much already.</summary>
        public List<OrderedEntry> AddFlood(int count, TimeSpan call, int bytes)
        {
            List<OrderedEntry> flood = [.. Enumerable.Range(0, count).Select(_ => Add(call, bytes))];
            flood.ForEach(entry => entry.Write());
            Turn();
            Turn();
            return flood;
        }

        public void Wait(TimeSpan time) => _time.Advance(time);

        public void Turn()
        {
            _entries.ForEach(entry => entry.ServedInTurn = 0);
            _loop.Call(static () => { });
            _loop.TurnHere();
        }

        public void ConnectionFailed(Exception exception) => throw exception;

        public void LoopFailed(Exception exception) => throw exception;

        public void Dispose()
        {
            _entries.ForEach(entry => entry.Close());
            _loop.Dispose();
            _pool.Dispose();
        }
    }

    /// <summary>An entry that reads what was written to it, in a time of its own.</summary>
    private sealed unsafe class OrderedEntry(EventLoop loop, int hub, int peer, Action spend, Func<TimeSpan> now) : LoopEntry(loop)
    {
        private OrderedEntry? _toFlush;

        public int Bytes { get; set; }

        public Action? Served { get; set; }

        public int Written { get; private set; }

        public int Read { get; private set; }

        public int ServedInTurn { get; set; }

        public TimeSpan ServedAt { get; private set; }

        public TimeSpan FlushedAt { get; private set; }

        public int Flushes { get; private set; }

        private bool IsScheduled { get; set; }

        internal override (int Descriptor, uint Events) Watched => (hub, Libc.EpollIn | Libc.EpollEdge);

        public void FlushesOnce(OrderedEntry other) => _toFlush = other;

        public void Write()
        {
            byte one = 1;
            Assert.Equal(1, Libc.Send(peer, &one, 1, Libc.MsgNoSignal));
            Written++;
        }

        public void Close()
        {
            Libc.Close(hub);
            Libc.Close(peer);
        }

        internal override void OnReady(uint events)
        {
            byte* room = stackalloc byte[1_024];
            while (Libc.Receive(hub, room, 1_024, Libc.MsgDontWait) is var count and > 0)
            {
                Read += (int)count;
            }

            ServedInTurn++;
            ServedAt = now();
            spend();
            Loop.Counters.BytesReceived += Bytes;
            if (_toFlush is { IsScheduled: false } receiver)
            {
                receiver.IsScheduled = true;
                Loop.ScheduleFlush(receiver);
            }

            Served?.Invoke();
        }

        internal override void OnFlush(EventLoop running)
        {
            IsScheduled = false;
            Flushes++;
            FlushedAt = now();
        }

        internal override void Fail() => throw new InvalidOperationException();

        internal override bool TryClose() => true;
    }
}
