using Microsoft.Extensions.Time.Testing;

namespace MessageDelivery.Client.Tests;

/// <summary>The bookkeeping of acknowledgements beside a model that remembers every frame.</summary>
public sealed class AcknowledgementModelTests
{
    private sealed record ModelFrame(long Bytes, bool IsAwaited)
    {
        public ulong Number { get; init; }

        public bool IsTaken { get; set; }
    }

    [Fact]
    public void Totals_and_times_are_those_of_a_model_that_remembers_every_frame()
    {
        for (int seed = 0; seed < 3000; seed++)
        {
            Play(new(seed));
        }
    }

    private static void Play(Random random)
    {
        var time = new FakeTimeProvider();
        bool isTimerDue = false;
        using var acknowledgements = new Acknowledgements(time, () => isTimerDue = true);
        var frames = new List<ModelFrame>();
        var given = new Queue<ModelFrame>();
        var old = new List<ulong>();
        int acknowledged = 0, lost = int.MaxValue;
        for (int step = 0; step < 300; step++)
        {
            switch (random.Next(12))
            {
                case < 2:
                    int receiptBytes = random.Next(1000);
                    acknowledgements.Receive(receiptBytes);
                    frames.Add(new(receiptBytes, false) { IsTaken = true });
                    break;
                case < 6:
                    long bytes = random.Next(20) == 0 ? random.Next(300_000) : random.Next(3000);
                    bool isAwaited = random.Next(40) == 0;
                    var frame = new ModelFrame(bytes, isAwaited) { Number = acknowledgements.ReceiveUntaken(bytes, isAwaited) };
                    frames.Add(frame);
                    given.Enqueue(frame);
                    break;
                case < 9 when given.TryDequeue(out ModelFrame? next):
                    next.IsTaken = frames.IndexOf(next) < lost;
                    bool isDue = acknowledgements.Take(next.Number);
                    if (next.IsTaken)
                    {
                        Assert.Equal(IsDue(), isDue);
                    }

                    Assert.False(acknowledgements.Take(next.Number));
                    break;
                case 9 when random.Next(4) == 0:
                    // Of another session: nothing.
                    old.ForEach(number => Assert.False(acknowledgements.Take(number)));
                    break;
                case 10 when random.Next(30) == 0 && given.Count > 0:
                    ModelFrame last = given.Last();
                    acknowledgements.Drop(last.Number);
                    lost = Math.Min(lost, frames.IndexOf(last));
                    break;
                case 11 when random.Next(10) == 0:
                    ulong told = acknowledgements.Total;
                    Assert.Equal((ulong)Counted(), told);
                    int behind = frames.Count - (int)told;
                    acknowledgements.Resume(told);
                    acknowledged = (int)told;
                    for (int i = 0; i < behind; i++)
                    {
                        Assert.True(acknowledgements.TryDropReplayed());
                    }

                    Assert.False(acknowledgements.TryDropReplayed());
                    break;
                case 11 when random.Next(10) == 0:
                    acknowledgements.Clear();
                    old.AddRange(given.Select(delivery => delivery.Number));
                    frames.Clear();
                    given.Clear();
                    (acknowledged, lost) = (0, int.MaxValue);
                    break;
                default:
                    Acknowledge();
                    break;
            }

            Assert.Equal((ulong)Counted(), acknowledgements.Total);
        }

        // Whatever counts is told a second later at the latest.
        bool isOwed = Counted() > acknowledged && !acknowledgements.IsDue();
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(isTimerDue || !isOwed);

        int Counted()
        {
            int first = frames.FindIndex(frame => !frame.IsTaken);
            return Math.Min(lost, first < 0 ? frames.Count : first);
        }

        bool IsDue()
        {
            var counted = frames.Take(Counted()).Skip(acknowledged).ToList();
            return counted.Count >= 64 || counted.Sum(frame => frame.Bytes) >= 256 * 1024 || counted.Any(frame => frame.IsAwaited);
        }

        void Acknowledge()
        {
            bool isDue = IsDue();
            Assert.Equal(isDue, acknowledgements.IsDue());
            if (isDue || random.Next(10) == 0)
            {
                bool has = Counted() > acknowledged;
                Assert.Equal(has, acknowledgements.TryAcknowledge(out ulong total));
                Assert.Equal((ulong)Counted(), total);
                acknowledged = Counted();
            }
        }
    }
}
