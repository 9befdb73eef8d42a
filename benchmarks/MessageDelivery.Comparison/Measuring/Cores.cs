using System.Globalization;

namespace MessageDelivery.Comparison.Measuring;

/// <summary>The core that servers run on, and the core of the generator: the first and the last that this process may use.</summary>
internal sealed record Cores(int Server, int Generator)
{
    /// <exception cref="NotSupportedException">There is one core only.</exception>
    public static Cores Choose()
    {
        string list = File.ReadLines("/proc/self/status").First(line => line.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal));
        int[] allowed = [.. list.Split(':')[1].Split(',').SelectMany(Range)];
        return allowed.Length > 1
            ? new(allowed[0], allowed[^1])
            : throw new NotSupportedException("servers and the generator need a core each, and this process may use 1.");
    }

    private static IEnumerable<int> Range(string range)
    {
        int[] ends = [.. range.Trim().Split('-').Select(end => int.Parse(end, CultureInfo.InvariantCulture))];
        return Enumerable.Range(ends[0], ends[^1] - ends[0] + 1);
    }
}
