namespace MessageDelivery.Cli.Bench;

/// <summary>What was wrong with the messages that arrived: how often, and the first few in words. Thread-safe.</summary>
internal sealed class Verification
{
    private const int MaxExamples = 5;

    private readonly Lock _lock = new();
    private readonly List<string> _examples = [];
    private long _damaged;
    private long _skipped;
    private long _late;
    private long _foreign;

    /// <summary>A body is not what its sender wrote.</summary>
    public void Damaged(string example) => Note(ref _damaged, 1, example);

    /// <summary>So many numbers were passed over.</summary>
    public void Skipped(long messages, string example) => Note(ref _skipped, messages, example);

    /// <summary>A number came again, or after a later one.</summary>
    public void Late(string example) => Note(ref _late, 1, example);

    /// <summary>A message of a user who is none of the run's senders.</summary>
    public void Foreign(string example) => Note(ref _foreign, 1, example);

    /// <param name="missing">Deliveries that were to come and did not.</param>
    public VerificationSummary Summarize(long missing)
    {
        lock (_lock)
        {
            return new(missing, _skipped, _late, _damaged, _foreign, [.. _examples]);
        }
    }

    private void Note(ref long count, long messages, string example)
    {
        lock (_lock)
        {
            count += messages;
            if (_examples.Count < MaxExamples)
            {
                _examples.Add(example);
            }
        }
    }
}

/// <summary>Messages, by what was wrong with them.</summary>
/// <param name="Missing">Deliveries that never came.</param>
/// <param name="Skipped">Numbers that were passed over: lost, or out of order.</param>
/// <param name="Repeated">Came again, or after a later one.</param>
/// <param name="Damaged">Not byte for byte as sent.</param>
/// <param name="Foreign">From users who are none of the run's senders.</param>
/// <param name="Examples">The first few, for people.</param>
internal sealed record VerificationSummary(
    long Missing, long Skipped, long Repeated, long Damaged, long Foreign, IReadOnlyList<string> Examples)
{
    public bool Passed => Missing == 0 && Skipped == 0 && Repeated == 0 && Damaged == 0 && Foreign == 0;
}
