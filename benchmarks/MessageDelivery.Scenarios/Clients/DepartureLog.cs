using System.Text.RegularExpressions;

namespace MessageDelivery.Scenarios.Clients;

/// <summary>Who went and why, as a hub's log at level debug tells it (events 5, 12 and 14).</summary>
internal sealed partial class DepartureLog
{
    private readonly List<(ulong UserId, string How)> _departures = [];

    /// <summary>Lines that the hub dropped, because nobody took them in time, by its own word.</summary>
    public List<string> Dropped { get; } = [];

    public void Read(string line)
    {
        lock (_departures)
        {
            if (Departure().Match(line) is { Success: true } match)
            {
                string how = match.Groups["left"].Success ? $"left: {match.Groups["left"]}"
                    : match.Groups["away"].Success ? $"lost its connection: {match.Groups["away"]}"
                    : $"session ended: {match.Groups["ended"]}";
                _departures.Add((ulong.Parse(match.Groups["user"].ValueSpan, System.Globalization.CultureInfo.InvariantCulture), how));
            }
            else if (line.Contains("dropped", StringComparison.Ordinal))
            {
                Dropped.Add(line);
            }
        }
    }

    /// <summary>Why users of these went, and how often each.</summary>
    public string Of(IEnumerable<ulong> users)
    {
        HashSet<ulong> wanted = [.. users];
        lock (_departures)
        {
            var counted = _departures.Where(departure => wanted.Contains(departure.UserId))
                .GroupBy(departure => departure.How).OrderByDescending(group => group.Count());
            string text = string.Join("; ", counted.Select(group => $"{Quantity.Count(group.Count())} × {group.Key}"));
            return text.Length > 0 ? text : "nobody";
        }
    }

    [GeneratedRegex(@"[Uu]ser (?<user>\d+)(?: left after \d+ ms: (?<left>\w+)| has lost its connection \((?<away>\w+)\)|, who was away, has ended: (?<ended>\w+))")]
    private static partial Regex Departure();
}
