using System.Runtime.InteropServices;
using CsCheck;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;

namespace MessageDelivery.Hub.Tests.Transport;

/// <summary>Who waits for acknowledgements is told once, whatever is acknowledged and forgotten in whatever order.</summary>
public sealed class AcknowledgementLineTests
{
    private enum Step
    {
        Join,
        Acknowledge,
        Remove,
        RemoveMany,
        Tell,
    }

    [Fact]
    public void Everybody_is_told_once_whatever_happens() => Gen.Select(
        Gen.Int[0, Enum.GetValues<Step>().Length - 1].Select(step => (Step)step), Gen.Int[0, 300]).Array[1, 60].Sample(
        steps =>
        {
            using var model = new Model();
            foreach (var (step, size) in steps)
            {
                model.Do(step, size);
            }

            model.End();
        },
        iter: 500);

    [Fact]
    public void Leaving_with_very_many_is_done_in_slices()
    {
        const int count = 100_000;
        using var model = new Model();
        model.Do(Step.Join, count);
        model.Leave();
        model.Line.Tell(model.Peer);
        Assert.InRange(model.Told, 1, 1_000);
        int most = 0;
        while (model.Peer.Unfinished.TryDequeue(out var work))
        {
            int before = model.Told;
            if (work.DoSlice(model.Peer))
            {
                model.Peer.DoLater(work);
            }

            most = Math.Max(most, model.Told - before);
        }

        Assert.Equal(count, model.Told);
        Assert.InRange(most, 1, 1_000);
        model.End();
    }

    [Fact]
    public void Those_that_have_gone_from_between_take_no_memory()
    {
        using var model = new Model();
        model.Do(Step.Join, 10_000);
        int before = model.Pool.OutstandingBlocks;
        for (ulong number = 2; number <= 10_000; number++)
        {
            model.Remove(number);
        }

        Assert.InRange(model.Pool.OutstandingBlocks, 1, Math.Max(3, before / 50));
        Assert.InRange(model.Line.Bytes, AcknowledgementLine.EntryBytes, 200 * AcknowledgementLine.EntryBytes);
        model.End();
    }

    [Fact]
    public void What_is_acknowledged_counts_no_more_though_it_is_not_told_yet()
    {
        using var model = new Model();
        model.Do(Step.Join, 5_000);
        Assert.Equal(5_000L * AcknowledgementLine.EntryBytes, model.Line.Bytes);
        model.Do(Step.Acknowledge, 4_000);
        Assert.Equal(1_000L * AcknowledgementLine.EntryBytes, model.Line.Bytes);
        model.End();
    }

    private sealed class Model : IAcknowledgementWaiter, IDisposable
    {
        private readonly object _gate = new();
        private readonly SortedDictionary<ulong, bool> _waiting = [];
        private readonly GCHandle _handle;
        private ulong _joined;
        private ulong _acknowledged;
        private bool _isOver;

        public Model()
        {
            Line = new(Pool, _gate);
            _handle = GCHandle.Alloc(this);
        }

        public BlockPool Pool { get; } = new(64 << 20);

        public FakePeer Peer { get; } = new();

        public AcknowledgementLine Line { get; }

        public int Told { get; private set; }

        public nint Handle => GCHandle.ToIntPtr(_handle);

        public nint Await(int index, ulong number)
        {
            // One whose sender has gone meanwhile does not wait.
            if (index % 7 == 3)
            {
                return 0;
            }

            _waiting.Add(number, false);
            return (nint)number;
        }

        public void AwaitEnded(nint wait, bool isAcknowledged, IOutlet outlet)
        {
            Assert.False(Monitor.IsEntered(_gate));
            Assert.True(_waiting.Remove((ulong)wait), $"{wait} is told a second time");
            Assert.Equal((ulong)wait <= _acknowledged, isAcknowledged);
            Assert.True(isAcknowledged || _isOver, $"{wait} is told too early");
            Told++;
        }

        public void Do(Step step, int size)
        {
            switch (step)
            {
                case Step.Join:
                    for (int i = 0; i < size; i++)
                    {
                        Assert.True(Line.TryReserve());
                        Line.Join(this, size < 1_000 ? i : 0, ++_joined);
                    }

                    break;
                case Step.Acknowledge:
                    _acknowledged = Math.Min(_joined, _acknowledged + (ulong)size);
                    Line.Acknowledge(_acknowledged);
                    break;
                case Step.Remove:
                    Remove(_acknowledged + 1 + (ulong)size);
                    break;
                case Step.RemoveMany:
                    for (ulong number = _acknowledged + 1; number < _joined; number += 1 + ((ulong)size % 3))
                    {
                        Remove(number);
                    }

                    break;
                default:
                    Line.Tell(Peer);
                    break;
            }

            Assert.True(Line.Bytes >= _waiting.Keys.Count(number => number > _acknowledged) * (long)AcknowledgementLine.EntryBytes);
        }

        public void Remove(ulong number)
        {
            Assert.Equal(_waiting.Remove(number), Line.TryRemove(number, out _));
        }

        public void Leave()
        {
            _isOver = true;
            Line.End();
        }

        public void End()
        {
            Leave();
            Line.Tell(Peer);
            while (Peer.Unfinished.TryDequeue(out var work))
            {
                while (work.DoSlice(Peer))
                {
                }
            }

            Assert.Empty(_waiting);
            Assert.Equal(0, Line.Bytes);
            Assert.Equal(0, Pool.OutstandingBlocks);
        }

        public void Dispose()
        {
            _handle.Free();
            Pool.Dispose();
        }
    }
}
