namespace MessageDelivery.Cli.Attacks;

/// <summary>What was tried and what the hub did, counted. Safe to call from any thread.</summary>
internal sealed class AttackTally
{
    // Names come from the hub: one that makes them up must not fill this program's memory.
    private const int MaxNames = 64;

    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, long> _answers = new(StringComparer.Ordinal);
    private long _opened;
    private long _refused;
    private long _sentBytes;
    private long _receivedBytes;
    private long _requests;
    private long _closed;
    private long _reset;
    private long _leftOpen;
    private TimeSpan _longestToEnd;

    /// <summary>Connections that were made.</summary>
    public long Opened => Volatile.Read(ref _opened);

    public long SentBytes => Volatile.Read(ref _sentBytes);

    public void AddOpened() => Interlocked.Increment(ref _opened);

    public void AddRefused() => Interlocked.Increment(ref _refused);

    public void AddSent(long bytes) => Interlocked.Add(ref _sentBytes, bytes);

    public void AddReceived(long bytes) => Interlocked.Add(ref _receivedBytes, bytes);

    /// <summary>Frames, lines, handshakes or requests that were sent, as far as they can be counted.</summary>
    public void AddRequests(long count = 1) => Interlocked.Add(ref _requests, count);

    /// <summary>A connection was still there when the attack ended it.</summary>
    public void AddLeftOpen() => Interlocked.Increment(ref _leftOpen);

    /// <summary>The hub ended a connection.</summary>
    public void AddEnd(bool isReset, TimeSpan after)
    {
        lock (_lock)
        {
            (_reset, _closed) = isReset ? (_reset + 1, _closed) : (_reset, _closed + 1);
            _longestToEnd = after > _longestToEnd ? after : _longestToEnd;
        }
    }

    /// <param name="name">Such as <c>ERROR unsupported</c>.</param>
    public void AddAnswer(string name)
    {
        lock (_lock)
        {
            string key = _answers.ContainsKey(name) || _answers.Count < MaxNames ? name : "other";
            _answers[key] = _answers.GetValueOrDefault(key) + 1;
        }
    }

    /// <summary>What was tried in so many seconds. After the attack.</summary>
    public AttackAttempt Tried(double seconds) => new(seconds, _opened, _refused, _requests, _sentBytes);

    /// <summary>What the hub did. After the attack.</summary>
    public HubReaction Did()
    {
        lock (_lock)
        {
            return new(
                new SortedDictionary<string, long>(_answers, StringComparer.Ordinal), _receivedBytes, _closed, _reset, _leftOpen,
                Math.Round(_longestToEnd.TotalSeconds, 2), InWords());
        }
    }

    private string InWords()
    {
        (long Count, string What)[] ends = [(_closed, "closed"), (_reset, "reset"), (_leftOpen, "left open"), (_refused, "refused")];
        var parts = _answers.Select(answer => $"{answer.Value:N0} × {answer.Key}")
            .Concat(ends.Where(end => end.Count > 0).Select(end => $"{end.Count:N0} {end.What}")).ToList();
        if (_closed + _reset > 0)
        {
            parts.Add($"longest until the end {_longestToEnd.TotalSeconds:0.0} s");
        }

        return parts.Count == 0 ? "nothing" : string.Join(", ", parts);
    }
}
