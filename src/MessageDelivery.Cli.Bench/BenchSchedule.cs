using System.Diagnostics;

namespace MessageDelivery.Cli.Bench;

/// <summary>
/// The open loop: every relay has a time at which it is due, the senders take turns, and a relay that could not be made in time
/// is made as soon as it can, still counted from its due time. One thread for all senders.
/// </summary>
internal sealed class BenchSchedule
{
    // After its end a run catches up on what is due for so long at most; the rest is reported as not sent.
    private static readonly TimeSpan MaxCatchingUp = TimeSpan.FromSeconds(1);

    // How often to look whether a sender that was held back may go on.
    private static readonly long Glance = BenchClock.Ticks(TimeSpan.FromMicroseconds(200));

    private readonly BenchClock _clock;
    private readonly Turn[] _turns;
    private readonly double _interval;
    private readonly long _total;
    private readonly LatencyLog _behind = new();
    private readonly LatencyLog.Writer _behindWriter;

    /// <param name="rate">Relays a second of all senders together.</param>
    public BenchSchedule(IReadOnlyList<BenchSender> senders, BenchPlan plan, BenchClock clock, int rate)
    {
        _clock = clock;
        _turns = [.. senders.Select(sender => new Turn(sender))];
        _interval = (double)Stopwatch.Frequency / rate;
        _total = FirstFrom(clock.MeasuresFrom) + (plan.Count ?? FirstFrom(clock.EndsAt) - FirstFrom(clock.MeasuresFrom));
        _behindWriter = new(_behind);
    }

    /// <summary>
    /// How late relays were made through this program's own fault: from when they were due and the client would have taken them.
    /// Valid after the run.
    /// </summary>
    public LatencySummary? Behind => _behind.Summarize();

    /// <summary>Relays that were due and not made. Valid after the run.</summary>
    public long NotSent => _total - _turns.Sum(turn => turn.Sender.Sent);

    /// <summary>Runs the whole schedule; ends when all is sent, too late to go on, or the clock is stopped.</summary>
    /// <exception cref="Client.HubConnectionException">A sender's connection has ended.</exception>
    public void Run()
    {
        PreciseSleep.Prepare();
        long due = 0;
        long lastAt = DueAt(_total) + BenchClock.Ticks(MaxCatchingUp);
        while (!_clock.IsStopped)
        {
            long now = Stopwatch.GetTimestamp();
            while (due < _total && DueAt(due) <= now)
            {
                _turns[due++ % _turns.Length].Due++;
            }

            bool isHeldBack = false, isBehind = false;
            foreach (var turn in _turns)
            {
                isHeldBack |= !TryCatchUp(turn);
                isBehind |= turn.Next < turn.Due;
            }

            if ((due == _total && !isBehind) || now >= lastAt)
            {
                break;
            }

            long next = due < _total ? DueAt(due) : lastAt;
            PreciseSleep.Until(isHeldBack ? Math.Min(next, now + Glance) : next);
        }

        _behindWriter.Flush();
        _clock.Stop();
        // What a client had no room for is given up, and not counted.
        Task.WhenAll(_turns.Select(turn => turn.Pending ?? Task.CompletedTask))
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing).GetAwaiter().GetResult();
    }

    /// <summary>Makes all relays of one sender that are due; false if its client takes no more for now.</summary>
    private bool TryCatchUp(Turn turn)
    {
        if (turn.Pending is { } pending)
        {
            if (!pending.IsCompleted)
            {
                return false;
            }

            pending.GetAwaiter().GetResult();
            (turn.Pending, turn.FreeSince) = (null, Stopwatch.GetTimestamp());
        }

        for (; turn.Next < turn.Due; turn.Next++)
        {
            // Senders take turns: a sender's second relay is as many places further on as there are senders.
            long index = turn.Sender.Place + (turn.Next * _turns.Length);
            long dueAt = DueAt(index);
            bool isMeasured = dueAt >= _clock.MeasuresFrom;
            if (isMeasured)
            {
                _behindWriter.Record(BenchClock.Nanoseconds(Math.Max(dueAt, turn.FreeSince), Stopwatch.GetTimestamp()));
            }

            var taking = turn.Sender.RelayAsync(dueAt, isMeasured, _clock.Stopped);
            if (!taking.IsCompleted)
            {
                turn.Next++;
                turn.Pending = taking.AsTask();
                return false;
            }

            taking.GetAwaiter().GetResult();
        }

        return true;
    }

    private long DueAt(long index) => _clock.StartsAt + (long)(index * _interval);

    /// <summary>The first relay that is due at a time or after it.</summary>
    private long FirstFrom(long timestamp)
    {
        long index = (long)((timestamp - _clock.StartsAt) / _interval);
        while (DueAt(index) < timestamp)
        {
            index++;
        }

        return index;
    }

    private sealed class Turn(BenchSender sender)
    {
        public BenchSender Sender { get; } = sender;

        /// <summary>How many of its relays have been due so far.</summary>
        public long Due { get; set; }

        /// <summary>How many it has made.</summary>
        public long Next { get; set; }

        /// <summary>The relay that waits for room in the client; null while there is room.</summary>
        public Task? Pending { get; set; }

        /// <summary>When its client last had room again.</summary>
        public long FreeSince { get; set; }
    }
}
