using System.Diagnostics;
using MessageDelivery.Client;

namespace MessageDelivery.Cli.Bench;

/// <summary>A user who takes what arrives as fast as it can, measures and checks it, and tells the senders' windows.</summary>
internal sealed class BenchReceiver(
    HubClient client, IReadOnlyDictionary<ulong, BenchSender> senders, BenchPlan plan, BenchClock clock, LatencyLog latencies, Verification verification)
{
    private readonly LatencyLog.Writer _latencies = new(latencies);
    private readonly Dictionary<ulong, Line> _lines = [];
    private long _arrived;

    /// <summary>Messages from the run's senders so far.</summary>
    public long Arrived => Volatile.Read(ref _arrived);

    /// <summary>When the last one that counts arrived; 0 before. Valid after <see cref="RunAsync"/>.</summary>
    public long LastMeasuredAt { get; private set; }

    /// <summary>Receives until it is cancelled.</summary>
    /// <exception cref="HubConnectionException">The connection has ended.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var delivery in client.ReceiveAsync(cancellationToken))
            {
                using (delivery)
                {
                    Take(delivery, Stopwatch.GetTimestamp());
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // All that was to come has come, or nobody waits for it any more.
        }

        _latencies.Flush();
    }

    private void Take(Delivery delivery, long now)
    {
        if (LineFrom(delivery.Sender) is not { } line)
        {
            verification.Foreign($"user {client.UserId} got a message of user {delivery.Sender}, who does not take part");
            return;
        }

        var body = delivery.Body.Span;
        bool isWhole = MessageStamp.TryRead(body, out var stamp) && (!plan.Verifies || IsIntact(stamp, body, line.Sender));
        if (isWhole)
        {
            if (stamp.DueAt >= clock.MeasuresFrom)
            {
                LastMeasuredAt = now;
                _latencies.Record(BenchClock.Nanoseconds(stamp.DueAt, now));
            }

            if (plan.Verifies)
            {
                CheckOrder(stamp.Number, line, delivery.Sender);
            }
        }
        else
        {
            // It stands for the message that was due: the next one is not out of order for it.
            line.Next++;
            verification.Damaged($"user {client.UserId} got {body.Length} bytes of user {delivery.Sender} that are not what it sent");
        }

        Volatile.Write(ref _arrived, _arrived + 1);
        line.Sender.Window.Leave();
    }

    private bool IsIntact(in MessageStamp stamp, ReadOnlySpan<byte> body, BenchSender sender) =>
        stamp.Sender == sender.Place && body.Length == plan.SizeBytes && stamp.Fills(body);

    private void CheckOrder(long number, Line line, ulong sender)
    {
        if (number == line.Next)
        {
            line.Next++;
        }
        else if (number > line.Next)
        {
            verification.Skipped(number - line.Next, $"user {client.UserId} got message {number} of user {sender} where {line.Next} was due");
            line.Next = number + 1;
        }
        else
        {
            verification.Late($"user {client.UserId} got message {number} of user {sender} again or too late, where {line.Next} was due");
        }
    }

    private Line? LineFrom(ulong user)
    {
        if (!_lines.TryGetValue(user, out var line) && senders.TryGetValue(user, out var sender))
        {
            line = new(sender);
            _lines.Add(user, line);
        }

        return line;
    }

    /// <summary>The messages of one sender to this receiver.</summary>
    private sealed class Line(BenchSender sender)
    {
        public BenchSender Sender { get; } = sender;

        /// <summary>The number that is due.</summary>
        public long Next { get; set; }
    }
}
