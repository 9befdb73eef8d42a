using System.Globalization;

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

    /// <summary>Connections that could not be made.</summary>
    public long Refused => Volatile.Read(ref _refused);

    public long SentBytes => Volatile.Read(ref _sentBytes);

    public long ReceivedBytes => Volatile.Read(ref _receivedBytes);

    /// <summary>Frames, lines, handshakes or requests that were sent, as far as they can be counted.</summary>
    public long Requests => Volatile.Read(ref _requests);

    /// <summary>Connections that the hub ended in order.</summary>
    public long Closed => Volatile.Read(ref _closed);

    /// <summary>Connections that the hub reset.</summary>
    public long Reset => Volatile.Read(ref _reset);

    /// <summary>Connections that were still there when the attack ended them.</summary>
    public long LeftOpen => Volatile.Read(ref _leftOpen);

    /// <summary>The longest time from a connection's beginning until the hub ended it.</summary>
    public TimeSpan LongestToEnd
    {
        get
        {
            lock (_lock)
            {
                return _longestToEnd;
            }
        }
    }

    /// <summary>Answers by name, such as <c>ERROR unsupported</c>.</summary>
    public IReadOnlyDictionary<string, long> Answers
    {
        get
        {
            lock (_lock)
            {
                return new SortedDictionary<string, long>(_answers, StringComparer.Ordinal);
            }
        }
    }

    public void AddOpened() => Interlocked.Increment(ref _opened);

    public void AddRefused() => Interlocked.Increment(ref _refused);

    public void AddSent(long bytes) => Interlocked.Add(ref _sentBytes, bytes);

    public void AddReceived(long bytes) => Interlocked.Add(ref _receivedBytes, bytes);

    public void AddRequests(long count = 1) => Interlocked.Add(ref _requests, count);

    public void AddLeftOpen() => Interlocked.Increment(ref _leftOpen);

    public void AddEnd(bool isReset, TimeSpan after)
    {
        Interlocked.Increment(ref isReset ? ref _reset : ref _closed);
        lock (_lock)
        {
            _longestToEnd = after > _longestToEnd ? after : _longestToEnd;
        }
    }

    public void AddAnswer(string name, long count = 1)
    {
        lock (_lock)
        {
            string key = _answers.ContainsKey(name) || _answers.Count < MaxNames ? name : "other";
            _answers[key] = _answers.GetValueOrDefault(key) + count;
        }
    }

    /// <summary>What the hub did, in a line: answers, ends, and how long it took for the last of these.</summary>
    public string Describe()
    {
        var parts = Answers.Select(answer => Words($"{answer.Value:N0} × {answer.Key}")).ToList();
        Add(Closed, "closed");
        Add(Reset, "reset");
        Add(LeftOpen, "left open");
        Add(Refused, "refused");
        if (Closed + Reset > 0)
        {
            parts.Add(Words($"longest until the end {LongestToEnd.TotalSeconds:0.0} s"));
        }

        return parts.Count == 0 ? "nothing" : string.Join(", ", parts);

        void Add(long count, string what)
        {
            if (count > 0)
            {
                parts.Add(Words($"{count:N0} {what}"));
            }
        }
    }

    private static string Words(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
