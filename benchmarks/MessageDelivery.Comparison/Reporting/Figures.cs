using MessageDelivery.Comparison.Results;
using MessageDelivery.Comparison.Servers;

namespace MessageDelivery.Comparison.Reporting;

/// <summary>The median of several rounds' values, with the least and the greatest.</summary>
internal readonly record struct Spread(double Median, double Least, double Greatest)
{
    /// <summary>Of an even number of values the median is the mean of the two in the middle; of none there is no spread.</summary>
    public static Spread? Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length == 0
            ? null
            : new(sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2, sorted[0], sorted[^1]);
    }
}

/// <summary>What the samples of a run say. A figure that was not measured is null.</summary>
internal sealed class Figures(IReadOnlyList<Sample> samples)
{
    public IEnumerable<Sample> Of(string row, string server, string variant = "") =>
        samples.Where(sample => sample.Row == row && sample.Server == server && sample.Variant == variant);

    public bool Has(string row) => samples.Any(sample => sample.Row == row);

    /// <summary>A figure of the generator, over the rounds.</summary>
    public Spread? Load(string row, string server, Func<LoadResult, double?> figure, string variant = "") =>
        Any(row, server, sample => sample.Load is { } load ? figure(load) : null, variant);

    /// <summary>Any figure, over the rounds.</summary>
    public Spread? Any(string row, string server, Func<Sample, double?> figure, string variant = "") =>
        Spread.Of(Of(row, server, variant).Select(figure).OfType<double>());

    public Spread? Cpu(string row, string server) => Load(row, server, load => load.ServerCpuMicrosecondsPerMessage);

    /// <summary>A server's processor time for a message divided by ours, round by round: of neighbours in time only.</summary>
    public Spread? CpuToOurs(string row, string server) => CpuRatio(row, server, ServerTable.Ours);

    /// <summary>The same for any two.</summary>
    public Spread? CpuRatio(string row, string server, string to)
    {
        static double? Cpu(Sample sample) => sample.Load?.ServerCpuMicrosecondsPerMessage;
        var others = Of(row, to).ToDictionary(sample => sample.Round, Cpu);
        return Spread.Of(
            from sample in Of(row, server)
            let ratio = Cpu(sample) / others.GetValueOrDefault(sample.Round)
            where ratio is { } value && double.IsFinite(value)
            select ratio.Value);
    }

    /// <summary>The least processor time that a peer took for a message, divided by ours, round by round.</summary>
    public Spread? BestPeerToOurs(string row)
    {
        static double? Cpu(Sample sample) => sample.Load?.ServerCpuMicrosecondsPerMessage;
        var ours = Of(row, ServerTable.Ours).ToDictionary(sample => sample.Round, Cpu);
        return Spread.Of(
            from sample in samples
            where sample.Row == row && ServerTable.IsPeer(sample.Server) && Cpu(sample) is not null
            group Cpu(sample)!.Value by sample.Round into round
            let ratio = round.Min() / ours.GetValueOrDefault(round.Key)
            where ratio is { } value && double.IsFinite(value)
            select ratio.Value);
    }

    /// <summary>What the slowest peer delivered in a second, the median of the rounds.</summary>
    public double? SlowestPeerRate(string row)
    {
        var all = samples.Where(sample => sample.Row == row && sample.Load is not null).Select(sample => sample.Server).Distinct().ToList();
        var peers = all.Where(ServerTable.IsPeer).ToList();
        return (peers.Count > 0 ? peers : all).Min(server => Load(row, server, load => load.DeliveredPerSecond)?.Median);
    }

    /// <summary>How often each latency was seen in all rounds together: microseconds and count, ascending.</summary>
    public IReadOnlyList<(double Micros, double Count)> LatencyCounts(string row, string server, string variant = "") =>
        [.. Of(row, server, variant).SelectMany(sample => sample.Load?.LatencyCounts ?? [])
            .GroupBy(pair => pair[0], pair => pair[1]).OrderBy(group => group.Key).Select(group => (group.Key, group.Sum()))];

    /// <summary>Why a server has no result, in a word or two for a table; null if it has one, or did not take part.</summary>
    public string? Failure(string row, string server)
    {
        var all = Of(row, server).ToList();
        if (all.Count == 0 || all.Any(sample => sample.Failure is null))
        {
            return null;
        }

        string text = all[^1].Failure!;
        return text.Contains("closed", StringComparison.OrdinalIgnoreCase) ? "closed connection"
            : text.Contains("delivered", StringComparison.OrdinalIgnoreCase) || text.Contains("stalled", StringComparison.OrdinalIgnoreCase) ? "stalled"
            : "failed";
    }

    public IEnumerable<Sample> Failures() => samples.Where(sample => sample.Failure is not null);
}
